//! Running the binary in a folder of its own.

// Each file of tests uses some of this.
#![allow(dead_code)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) fn ohyeah<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ohyeah")).args(args).output().unwrap()
}

pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/glove-20k-100d.bin")
}

/// A folder with a small file of vectors.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("v.txt"), "4 2\ncat 1 0.1\ndog 0.9 0.2\ncar 0.1 1\nbus 0 1\n").unwrap();
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), bytes).unwrap();
        self
    }

    /// A command line in which `@name` stands for a file of the folder.
    pub(crate) fn command(&self, line: &str) -> Command {
        let path = |name: &str| self.path(name).into_os_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ohyeah"));
        command.args(line.split(' ').map(|word| word.strip_prefix('@').map_or_else(|| word.into(), path)));
        command
    }

    /// [`command`](Self::command), with none of the signals ignored that whoever runs the tests may have ignored, as `nohup` does.
    /// Linux alone has a command for that.
    pub(crate) fn command_with_signals(&self, line: &str) -> Command {
        let inner = self.command(line);
        if !cfg!(target_os = "linux") {
            return inner;
        }
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP,INT,QUIT,TERM,XFSZ").arg(inner.get_program()).args(inner.get_args());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[track_caller]
pub(crate) fn succeeds(output: &Output) -> &str {
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    text(&output.stdout)
}

/// One line on standard error, nothing on standard output, and the exit code.
#[track_caller]
pub(crate) fn fails(output: &Output, code: i32) -> &str {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert_eq!(text(&output.stdout), "");
    assert!(error.starts_with("error: ") && error.ends_with('\n') && error.lines().count() == 1, "{error}");
    error.trim_end()
}
