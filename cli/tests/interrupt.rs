//! A command that a signal ends.

#![cfg(unix)]

mod harness;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::Folder;

#[test]
fn a_signal_leaves_no_temporary_file_and_the_old_output() {
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        for command in ["dictionary", "build"] {
            let folder = Folder::new().with("out", "old");
            // It waits for vectors that never come, for its standard input stays open.
            let mut child = folder.command(&format!("{command} - -o @out")).stdin(Stdio::piped()).spawn().unwrap();
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
            assert_eq!(status.signal(), Some(number), "{status}");
            assert_eq!(folder.names(), ["out", "v.txt"]);
            assert_eq!(fs::read(folder.path("out")).unwrap(), b"old");
        }
    }
}
