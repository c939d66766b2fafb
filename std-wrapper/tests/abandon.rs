//! `AtomicFile::abandon_all`, in a process of its own: nothing can be saved after it.

#![allow(clippy::expect_used)]

use std::fs;
use std::io::Write;

use ohyeah::AtomicFile;

#[test]
fn what_is_not_committed_is_taken_away_and_what_is_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = || fs::read_dir(folder.path()).expect("a folder").count();
    let create = |name| AtomicFile::create(folder.path().join(name)).expect("creates");
    create("whole").commit().expect("commits");
    drop(create("dropped"));
    let mut open = [create("a"), create("b")];
    for file in &mut open {
        file.write_all(b"half").expect("writes");
    }
    assert_eq!(names(), 3);
    AtomicFile::abandon_all();
    assert_eq!(names(), 1);
    // Dropping them would wait for ever, as documented.
    std::mem::forget(open);
    assert_eq!(fs::read(folder.path().join("whole")).expect("is there"), b"");
}
