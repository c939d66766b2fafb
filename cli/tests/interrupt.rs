//! A command that a signal ends.

#![cfg(unix)]

mod harness;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::{Folder, fails};

#[test]
fn a_signal_leaves_no_temporary_file_and_the_old_output() {
    let signals = [("TERM", 15), ("INT", 2), ("QUIT", 3), ("HUP", 1)];
    // Elsewhere it is not known whether `nohup` has set up that the last is ignored.
    for (name, number) in &signals[..if cfg!(target_os = "linux") { 4 } else { 3 }] {
        for command in ["dictionary", "build"] {
            let folder = Folder::new().with("out", "old");
            // It waits for vectors that never come, for its standard input stays open.
            let mut child =
                folder.command_with_signals(&format!("{command} - -o @out")).stdin(Stdio::piped()).spawn().unwrap();
            while folder.names().len() < 3 {
                assert_eq!(child.try_wait().unwrap(), None);
                std::thread::sleep(Duration::from_millis(5));
            }
            let kill = format!("kill -{name} {}", child.id());
            assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
            // `wait` would close the pipe first, and the command could end by that.
            let status = loop {
                match child.try_wait().unwrap() {
                    Some(status) => break status,
                    None => std::thread::sleep(Duration::from_millis(5)),
                }
            };
            assert_eq!(status.signal(), Some(*number), "{status}");
            assert_eq!(folder.names(), ["out", "v.txt"]);
            assert_eq!(fs::read(folder.path("out")).unwrap(), b"old");
        }
    }
}

/// A shell has its background commands ignore Ctrl-C, and `nohup` the end of the terminal.
#[cfg(target_os = "linux")]
#[test]
fn what_was_ignored_before_stays_ignored() {
    for name in ["INT", "HUP", "QUIT"] {
        let folder = Folder::new();
        let script = format!("trap '' {name}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_ohyeah"), "convert", "-"]).arg(folder.path("out.txt"));
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        while folder.names().len() < 2 {
            assert_eq!(child.try_wait().unwrap(), None);
            std::thread::sleep(Duration::from_millis(5));
        }
        let kill = format!("kill -{name} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"1 1\ncat 1\n").unwrap();
        assert!(child.wait().unwrap().success(), "{name}");
        assert_eq!(folder.names(), ["out.txt", "v.txt"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_the_size_of_files_is_an_error_that_leaves_nothing() {
    let rows = (0..5000).map(|row| format!("w{row} 0.5 0.25\n")).collect::<Vec<_>>().concat();
    let folder = Folder::new().with("w.txt", rows);
    let script = "ulimit -f 8; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_ohyeah"), "convert"])
        .args([folder.path("w.txt"), folder.path("o.txt")]);
    let output = command.output().unwrap();
    let error = fails(&output, 1);
    assert!(error.contains("o.txt: the file would be larger than may be (ulimit -f)"), "{error}");
    assert_eq!(folder.names(), ["v.txt", "w.txt"]);
}
