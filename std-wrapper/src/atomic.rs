//! Saving a file so that a reader sees the old one or the new one, never half of either.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::target::{Elsewhere, Target};
use crate::temporary::{Temporary, abandon_all, folder_of};

/// Large enough that a save of gigabytes is not a matter of system calls.
const BUFFER: usize = 1 << 18;

/// A file that takes its name only when it is whole.
///
/// Bytes go, buffered, to a temporary name in the target's own folder (a rename cannot cross file systems).
/// [`commit`](Self::commit) syncs them to the disk and renames; a value dropped without it takes its bytes away, and what
/// was under the name before stays. The permissions are those that an ordinary creation would give: the umask's for a new
/// file, the old file's for one that is replaced, and so is the owner. A symbolic link is followed, not replaced.
///
/// A target that cannot be replaced, as it is a mount point (which a file is that `docker run -v` puts into a container) or the folder
/// is closed, or must not be, as its owner would change, and may be written: this is written *in place* by `commit`, once all bytes
/// are there. [`in_place`](Self::in_place) tells.
///
/// A target that exists and is not a regular file (`/dev/stdout`, `/dev/null`, a named pipe) cannot be renamed onto; it is
/// written straight to.
///
/// A process that a signal ends drops nothing. A program that wants no temporary file to stay behind then catches the signal
/// and calls [`abandon_all`](Self::abandon_all), as the command `ohyeah` does.
///
/// In a process that is forked while one is open, the value is the parent's: writing and committing are errors there, and
/// dropping it leaves the file alone.
///
/// Every error names the path.
///
/// # Examples
///
/// ```
/// use std::io::Write;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("numbers.txt");
/// let mut file = ohyeah::AtomicFile::create(&path)?;
/// file.write_all(b"1 2 3\n")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"1 2 3\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    /// As the caller wrote it: the name that errors give.
    path: PathBuf,
    sink: Sink,
}

#[derive(Debug)]
pub(crate) enum Sink {
    Temporary { file: BufWriter<Temporary>, target: Target },
    Direct(BufWriter<File>),
}

impl AtomicFile {
    /// Starts a file that will be called `path`.
    ///
    /// # Errors
    ///
    /// The folder does not exist, `path` is itself a folder or is read-only, or the folder cannot be written to.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let sink = open_sink(path, Elsewhere::Allowed).map_err(|error| named(path, &error))?;
        Ok(Self { path: path.to_owned(), sink })
    }

    /// Why the file will be written in place, if it will, for a caller to tell: who reads it then may see half of it.
    #[must_use]
    pub fn in_place(&self) -> Option<&'static str> {
        match &self.sink {
            Sink::Temporary { target, .. } => target.in_place,
            Sink::Direct(_) => None,
        }
    }

    /// Makes the bytes durable and gives them their name.
    ///
    /// # Errors
    ///
    /// The last buffered bytes cannot be written, or the rename fails. Nothing is left under either name then, other than
    /// what was there before. Two failures leave the new bytes in a temporary file, which the error names: where the file is written
    /// in place and that fails half-way, so that its old bytes are gone; and where it proves only now that it cannot be replaced.
    pub fn commit(self) -> io::Result<()> {
        commit_sink(self.sink).map_err(|error| named(&self.path, &error))
    }

    /// Takes away the temporary files of all values that are not committed, and lets none be committed any more: the last
    /// thing to do before a signal ends the process.
    ///
    /// It must end then, as every other thread that creates, commits or drops an `AtomicFile` waits for ever.
    pub fn abandon_all() {
        abandon_all();
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Temporary { file, .. } => file.write(bytes),
            Sink::Direct(file) => file.write(bytes),
        }
        .map_err(|error| named(&self.path, &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Temporary { file, .. } => file.flush(),
            Sink::Direct(file) => file.flush(),
        }
        .map_err(|error| named(&self.path, &error))
    }
}

pub(crate) fn open_sink(path: &Path, elsewhere: Elsewhere) -> io::Result<Sink> {
    // What is wrong with a name is told now and not by the rename, which comes after all the work.
    if path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder; give the name of a file"));
    }
    // This follows links.
    let old = match fs::metadata(path) {
        Ok(old) => Some(old),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
        Err(error) => return Err(error),
    };
    match &old {
        Some(old) if old.is_dir() => {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder; give the name of a file"));
        }
        // `/dev/stdout` may lead to a file, one that somebody else has opened and perhaps written to: it is added to.
        Some(old) if !old.is_file() || is_descriptor(path) => {
            let file = File::options().append(true).open(path)?;
            return Ok(Sink::Direct(BufWriter::with_capacity(BUFFER, file)));
        }
        Some(old) if old.permissions().readonly() => {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only; choose another name"));
        }
        _ => {}
    }
    let target = resolve(path, old.is_some())?;
    let folder = folder_of(&target);
    if !folder.is_dir() {
        let problem = if folder.exists() { "is a file; choose another" } else { "does not exist; create it first" };
        let text = format!("the folder `{}` {problem}", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    let (file, target) = Target::open(target, old.as_ref(), elsewhere)?;
    Ok(Sink::Temporary { file: BufWriter::with_capacity(BUFFER, file), target })
}

/// Links that are followed to what is not there yet; the system has this limit, too.
const MOST_LINKS: usize = 40;

/// What the rename goes to: for a link to stay, the name that it points at, and that of the last where links point at links. (A pipe
/// behind `/dev/stdout` has no such name, but those are written straight to.)
fn resolve(path: &Path, exists: bool) -> io::Result<PathBuf> {
    if exists {
        return fs::canonicalize(path);
    }
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(there) = fs::read_link(&target) else { return Ok(target) };
        target = folder_of(&target).join(there);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "links point at each other in a circle; choose another name"))
}

/// Whether a path names an open file of a process, and not a place in a folder.
fn is_descriptor(path: &Path) -> bool {
    let in_proc = || path.starts_with("/proc") && path.parent().is_some_and(|folder| folder.ends_with("fd"));
    [Path::new("/dev/stdout"), Path::new("/dev/stderr")].contains(&path) || path.starts_with("/dev/fd") || in_proc()
}

fn commit_sink(sink: Sink) -> io::Result<()> {
    match sink {
        Sink::Direct(mut file) => file.flush(),
        Sink::Temporary { file, target } => target.take(&file.into_inner().map_err(io::IntoInnerError::into_error)?),
    }
}

/// The same error with the path in front, and a remedy where the system's own words have none.
pub(crate) fn named(path: &Path, error: &io::Error) -> io::Error {
    use io::ErrorKind::{
        FileTooLarge, InvalidFilename, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let (kind, path) = (error.kind(), path.display());
    // Errors of our own have words inside.
    let of_system = error.get_ref().is_none();
    let text = match kind {
        StorageFull | QuotaExceeded if of_system => {
            format!("{path}: the disk is full; free some space or write elsewhere")
        }
        FileTooLarge if of_system => {
            format!("{path}: the file would be larger than may be (ulimit -f); raise the limit or write elsewhere")
        }
        PermissionDenied | ReadOnlyFilesystem if of_system => {
            format!("{path}: may not be written; change the permissions of the folder or write elsewhere")
        }
        InvalidFilename if of_system => format!("{path}: the name is too long; choose a shorter one"),
        _ => format!("{path}: {error}"),
    };
    io::Error::new(kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_dropped_file_leaves_nothing_and_the_old_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        AtomicFile::create(&path).unwrap().write_all(&vec![7; 3 * BUFFER]).unwrap();
        assert_eq!(names_in(folder.path()), Vec::<String>::new());

        fs::write(&path, "old").unwrap();
        AtomicFile::create(&path).unwrap().write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names_in(folder.path()), ["a"]);
    }

    #[test]
    fn a_committed_file_replaces_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names_in(folder.path()), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_an_ordinary_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        let (ordinary, saved) = (folder.path().join("ordinary"), folder.path().join("saved"));
        fs::write(&ordinary, "").unwrap();
        AtomicFile::create(&saved).unwrap().commit().unwrap();
        assert_eq!(mode(&saved), mode(&ordinary));

        fs::set_permissions(&saved, fs::Permissions::from_mode(0o640)).unwrap();
        AtomicFile::create(&saved).unwrap().commit().unwrap();
        assert_eq!(mode(&saved) & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut file = AtomicFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_what_is_not_there_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("far")).unwrap();
        let (real, link) = (folder.path().join("far/real"), folder.path().join("link"));
        std::os::unix::fs::symlink("far/real", &link).unwrap();
        let mut file = AtomicFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        assert!(!real.exists());
        file.commit().unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("far/real"));
        assert_eq!(names_in(&folder.path().join("far")), ["real"]);

        fs::remove_dir_all(folder.path().join("far")).unwrap();
        let error = AtomicFile::create(&link).unwrap_err().to_string();
        assert!(error.ends_with("far` does not exist; create it first"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_link_is_followed_to_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink("real", at("inner")).unwrap();
        std::os::unix::fs::symlink("inner", at("outer")).unwrap();
        // First what is not there yet, then what is.
        for content in ["first", "second"] {
            let mut file = AtomicFile::create(at("outer")).unwrap();
            file.write_all(content.as_bytes()).unwrap();
            file.commit().unwrap();
            assert_eq!(fs::read_to_string(at("real")).unwrap(), content);
            assert_eq!(fs::read_link(at("outer")).unwrap(), Path::new("inner"));
            assert_eq!(fs::read_link(at("inner")).unwrap(), Path::new("real"));
        }
        std::os::unix::fs::symlink("b", at("a")).unwrap();
        std::os::unix::fs::symlink("a", at("b")).unwrap();
        AtomicFile::create(at("a")).unwrap_err();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_systems_words_get_a_remedy() {
        // Where even root may not write.
        let forbidden = AtomicFile::create("/sys/a").unwrap_err();
        let expected = "/sys/a: may not be written; change the permissions of the folder or write elsewhere";
        assert_eq!(forbidden.to_string(), expected);
    }

    #[test]
    fn only_descriptors_are_added_to() {
        for path in ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/1", "/proc/12/fd/7"] {
            assert!(is_descriptor(Path::new(path)), "{path}");
        }
        for path in ["/dev/shm/a", "/dev/null", "/proc/self/mem", "dev/stdout", "/home/fd/1"] {
            assert!(!is_descriptor(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_given_is_told_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let error = |name: &str| AtomicFile::create(folder.path().join(name)).unwrap_err().to_string();
        assert!(error("new/").ends_with("new/: is a folder; give the name of a file"));
        #[cfg(unix)]
        assert!(error(&"x".repeat(300)).ends_with("the name is too long; choose a shorter one"));
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(error("file/a").ends_with("file` is a file; choose another"));
        assert_eq!(names_in(folder.path()), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_written_straight_to() {
        let mut file = AtomicFile::create("/dev/null").unwrap();
        file.write_all(b"gone").unwrap();
        file.commit().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_with_a_remedy() {
        let mut file = AtomicFile::create("/dev/full").unwrap();
        file.write_all(b"1").unwrap();
        let error = file.commit().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(error.to_string(), "/dev/full: the disk is full; free some space or write elsewhere");
    }

    #[test]
    fn a_missing_folder_and_a_folder_as_a_name_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/a");
        let error = AtomicFile::create(&path).unwrap_err().to_string();
        assert!(
            error.starts_with(path.to_str().unwrap()) && error.ends_with("does not exist; create it first"),
            "{error}"
        );
        let error = AtomicFile::create(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("is a folder; give the name of a file"), "{error}");
    }
}
