//! The name that a new file takes, and how: by a rename, or where that cannot be, in place.

use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
};

use crate::temporary::{Temporary, folder_of};

/// Where the bytes of a temporary file go.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    /// Why they are written over those of the file that is there, if they are.
    pub(crate) in_place: Option<&'static str>,
}

/// Where bytes are collected for a file in a folder that may not be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Elsewhere {
    /// In the folder for temporary files.
    Allowed,
    /// Nowhere: they may be too many.
    Refused,
}

const IS_MOUNT: &str = "is a mount point and cannot be replaced";
const IS_CLOSED: &str = "lies in a folder that may not be written to";
const IS_FOREIGN: &str = "belongs to another user, who would lose it";

impl Target {
    /// Starts the file that will take a name, under which there may be an old one, whose permissions and owner it gets.
    pub(crate) fn open(path: PathBuf, old: Option<&Metadata>, elsewhere: Elsewhere) -> io::Result<(Temporary, Self)> {
        let (file, mut in_place) = match Temporary::in_folder(folder_of(&path)) {
            Ok(file) => (file, None),
            Err(error) if old.is_some() && is_closed(&error) && may_be_written(&path) => match elsewhere {
                Elsewhere::Allowed => (Temporary::elsewhere()?, Some(IS_CLOSED)),
                Elsewhere::Refused => {
                    let text =
                        "lies in a folder that may not be written to, and is built in that folder; choose another name";
                    return Err(io::Error::new(error.kind(), text));
                }
            },
            Err(error) => return Err(error),
        };
        if let Some(old) = old {
            if in_place.is_none() && is_mount_point(&path) {
                in_place = Some(IS_MOUNT);
            }
            if in_place.is_none() && !keep_owner(file.as_file(), old) && may_be_written(&path) {
                in_place = Some(IS_FOREIGN);
            }
            file.as_file().set_permissions(permissions(old, in_place.is_some()))?;
        }
        Ok((file, Self { path, in_place }))
    }

    /// Gives the bytes of a file their name. Where that fails, it may be tried again.
    pub(crate) fn take(&self, file: &Temporary) -> io::Result<()> {
        if self.in_place.is_some() {
            return file.write_over(&self.path);
        }
        match file.commit(&self.path) {
            // A mount that nobody has told of. It was not announced that this would be written in place.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                Err(file.kept(&format!("cannot be replaced: {error}"), error.kind()))
            }
            result => result,
        }
    }
}

/// Those of the old file, where the new one takes its place; and where its bytes are only collected, its owner's alone.
fn permissions(old: &Metadata, in_place: bool) -> std::fs::Permissions {
    #[cfg(unix)]
    if in_place {
        return std::os::unix::fs::PermissionsExt::from_mode(0o600);
    }
    let _ = in_place;
    old.permissions()
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Whether the file that is there can be opened for writing, which changes nothing.
fn may_be_written(path: &Path) -> bool {
    File::options().write(true).open(path).is_ok()
}

/// Gives a new file the owner of the old one; whether it has it now.
#[cfg(unix)]
fn keep_owner(file: &File, old: &Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, fchown};
    let Ok(new) = file.metadata() else { return false };
    if new.uid() == old.uid() && new.gid() == old.gid() {
        return true;
    }
    fchown(file, Some(old.uid()), Some(old.gid())).is_ok()
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) -> bool {
    true
}

/// Whether something is mounted at this very path, which has no links in it. Renaming onto it would fail.
fn is_mount_point(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        let Ok(mounts) = std::fs::read("/proc/self/mountinfo") else { return false };
        let is_here = |line: &[u8]| {
            line.split(|&byte| byte == b' ').nth(4).is_some_and(|place| unescaped(place) == path.as_os_str().as_bytes())
        };
        mounts.split(|&byte| byte == b'\n').any(is_here)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        false
    }
}

/// Spaces, tabs, newlines and backslashes stand in that list as `\040` and so on.
#[cfg(target_os = "linux")]
fn unescaped(place: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(place.len());
    let mut rest = place;
    while let [byte, behind @ ..] = rest {
        let code = behind.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(code) if *byte == b'\\' => {
                bytes.push(code);
                rest = &behind[3..];
            }
            _ => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// As if the file could not be replaced.
    #[test]
    fn in_place_the_file_stays_and_its_bytes_are_new() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("b"));
        for (old, new) in [("a long old text", "new"), ("", "longer")] {
            fs::write(&path, old).unwrap();
            let _ = fs::remove_file(&link);
            fs::hard_link(&path, &link).unwrap();
            let (mut file, mut target) =
                Target::open(path.clone(), Some(&fs::metadata(&path).unwrap()), Elsewhere::Allowed).unwrap();
            target.in_place = Some(IS_MOUNT);
            io::Write::write_all(&mut file, new.as_bytes()).unwrap();
            target.take(&file).unwrap();
            drop(file);
            assert_eq!(fs::read_to_string(&link).unwrap(), new);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_owner_stays() {
        use std::os::unix::fs::{MetadataExt, chown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        // Only root may give files away; others have nobody else's file to write here.
        if chown(&path, Some(65_534), Some(65_534)).is_err() {
            return;
        }
        let mut file = crate::AtomicFile::create(&path).unwrap();
        io::Write::write_all(&mut file, b"new").unwrap();
        file.commit().unwrap();
        let now = fs::metadata(&path).unwrap();
        assert_eq!((now.uid(), now.gid()), (65_534, 65_534));
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn mounts_are_known() {
        assert!(is_mount_point(Path::new("/proc")));
        assert!(!is_mount_point(Path::new("/proc/self")) && !is_mount_point(Path::new("/etc")));
        assert_eq!(unescaped(br"/a\040b\134c\0"), br"/a b\c\0");
    }
}
