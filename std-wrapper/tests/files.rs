//! Index files: saved, mapped, replaced, and wrong.

#![allow(clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use ohyeah::forest::{AnyForest, AnyItems, BuildOptions, Items, OpenError, Search};
use ohyeah::{Angular, BuildFile, Euclidean, FileError, Forest, Metric, ParBuildItems, ParSearch};

fn forest(shift: f32) -> Forest<Euclidean> {
    let mut items = Items::new(3).expect("dimensions");
    for id in (0..200_u16).filter(|id| id % 11 != 4) {
        let x = f32::from(id);
        items.add(u32::from(id), &[x + shift, (x * 0.7).sin(), (x * 1.3).cos()]).expect("a vector");
    }
    items.par_build(&BuildOptions::new().trees(5)).expect("builds")
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn what_is_saved_opens_and_answers_the_same_from_every_mapping() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("points.ann");
    let built = forest(0.0);
    ohyeah::save(&path, &built).expect("saves");
    assert_eq!(names_in(folder.path()), ["points.ann"]);
    assert!(fs::read(&path).expect("a file") == built.as_bytes());

    let first = common::map_forest::<Euclidean>(&path, 3).expect("opens");
    let second = common::map_any_forest(&path, Metric::Euclidean, 3).expect("opens");
    first.verify().expect("in order");
    second.verify().expect("in order");
    let queries: Vec<[f32; 3]> = (0..50_u8).map(|i| [f32::from(i) * 4.0, 0.3, -0.2]).collect();
    let expected: Vec<_> =
        queries.iter().map(|query| built.search(query, &Search::top(7)).expect("searches")).collect();
    for (query, expected) in queries.iter().zip(&expected) {
        assert_eq!(first.search(query, &Search::top(7)).as_ref(), Ok(expected));
        assert_eq!(second.search(query, &Search::top(7)).as_ref(), Ok(expected));
    }
    let slices: Vec<&[f32]> = queries.iter().map(<[f32; 3]>::as_slice).collect();
    assert_eq!(first.par_search_many(&slices, &Search::top(7)), Ok(expected));

    // A mapping outlives the handle it was cloned from, and goes to other threads.
    let clone = first.clone();
    drop(first);
    let found = std::thread::spawn(move || clone.search(&[8.0, 0.3, -0.2], &Search::top(7))).join().expect("ends");
    assert_eq!(found, built.search(&[8.0, 0.3, -0.2], &Search::top(7)));
}

#[test]
fn a_mapping_keeps_the_file_that_it_was_made_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("points.ann");
    let (old, new) = (forest(0.0), forest(1000.0));
    ohyeah::save(&path, &old).expect("saves");
    let mapped = common::map_forest::<Euclidean>(&path, 3).expect("opens");
    ohyeah::save(&path, &new).expect("saves");
    assert!(mapped.as_bytes() == old.as_bytes());
    assert_eq!(mapped.search(&[9.0; 3], &Search::top(4)), old.search(&[9.0; 3], &Search::top(4)));
    let again = common::map_forest::<Euclidean>(&path, 3).expect("opens");
    assert!(again.as_bytes() == new.as_bytes());
    fs::remove_file(&path).expect("removes");
    assert_eq!(mapped.search(&[9.0; 3], &Search::top(4)), old.search(&[9.0; 3], &Search::top(4)));
}

#[test]
fn errors_name_the_file_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let built = forest(0.0);
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("writes");
    };
    write("empty.ann", &[]);
    write("cut.ann", &built.as_bytes()[..built.as_bytes().len() - 5]);
    write("whole.ann", built.as_bytes());
    write("text.ann", "no index at all\n".repeat(28).as_bytes());
    let error = |name: &str, dimensions| {
        let path = folder.path().join(name);
        let typed = common::map_forest::<Euclidean>(&path, dimensions).map(|_| ()).expect_err("is wrong");
        let any = common::map_any_forest(&path, Metric::Euclidean, dimensions).map(|_| ()).expect_err("is wrong");
        let text = typed.to_string();
        assert_eq!(text, any.to_string());
        assert!(text.starts_with(&path.display().to_string()) && !text.contains('\n'), "{text}");
        assert!(std::error::Error::source(&typed).is_some());
        typed
    };
    let remedy = |error: FileError, expected: &str| assert!(error.to_string().ends_with(expected), "{error}");
    remedy(error("none.ann", 3), "none.ann: there is no such file; check the name");
    remedy(error("whole.ann/none.ann", 3), "whole.ann/none.ann: there is no such file; check the name");
    remedy(error(".", 3), ".: is a folder; give the name of a file");
    remedy(error("empty.ann", 3), "empty.ann: the index is empty: build it again");
    // Root may read everything, so the system is not asked.
    let forbidden = FileError::Io("i.ann".into(), std::io::ErrorKind::PermissionDenied.into());
    remedy(forbidden, "i.ann: may not be read; change its permissions");
    #[cfg(unix)]
    {
        let error = common::map_forest::<Euclidean>("/dev/null", 3).map(|_| ()).expect_err("is no file");
        remedy(error, "/dev/null: cannot be read: it is a pipe or a device; copy it to an ordinary file");
    }
    #[cfg(unix)]
    for path in ["/dev/null", "/"] {
        let plain = common::map(path).expect_err("is no file").to_string();
        assert_eq!(common::map_prefaulted(path).expect_err("is no file").to_string(), plain);
    }
    assert!(matches!(error("empty.ann", 3), FileError::Forest(_, OpenError::Empty)));
    assert!(matches!(error("cut.ann", 3), FileError::Forest(_, OpenError::PartialNode { node: 28, .. })));
    assert!(matches!(error("text.ann", 3), FileError::Forest(_, OpenError::Damaged(_))));
    assert!(matches!(error("whole.ann", 0), FileError::Forest(_, OpenError::Dimensions(0))));
    assert!(matches!(error("whole.ann", 4), FileError::Forest(..)));
    assert!(common::map_forest::<Angular>(folder.path().join("whole.ann"), 4).is_err(), "nodes of the same size");
}

#[test]
fn a_save_that_fails_leaves_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("none/points.ann");
    let error = ohyeah::save(&path, &forest(0.0)).expect_err("there is no such folder").to_string();
    assert!(error.contains("none") && !error.contains('\n'), "{error}");
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
}

#[test]
fn a_forest_without_trees_is_not_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("points.ann");
    let bare = forest(0.0).into_items().expect("room").par_build(&BuildOptions::new().trees(0)).expect("builds");
    let error = ohyeah::save(&path, &bare).expect_err("has no file").to_string();
    assert!(
        error.ends_with(
            "points.ann: the index has no trees, and a file of items alone says nothing of itself: build some"
        ),
        "{error}"
    );
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
}

#[test]
fn a_file_built_in_has_the_bytes_of_one_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    for metric in Metric::ALL {
        let (saved, built_in) = (folder.path().join("saved.ann"), folder.path().join("built.ann"));
        fs::write(&built_in, "an old file").expect("writes");
        let mut memory = AnyItems::new(metric, 20).expect("dimensions");
        let file = BuildFile::create(&built_in).expect("a file");
        let mut disk = AnyItems::new_in(file, metric, 20).expect("dimensions");
        for id in (0..2000_u16).filter(|id| id % 9 != 4) {
            let row: Vec<f32> = (0..20_u8).map(|i| (f32::from(id) * (1.0 + f32::from(i) / 7.0)).sin()).collect();
            memory.add(u32::from(id), &row).expect("a vector");
            disk.add(u32::from(id), &row).expect("a vector");
        }
        let memory = memory.par_build(&BuildOptions::new().trees(6)).expect("builds");
        let disk = disk.par_build(&BuildOptions::new().trees(6)).expect("builds");
        assert_eq!(disk.search(&[0.5; 20], &Search::top(5)), memory.search(&[0.5; 20], &Search::top(5)));
        assert_eq!(fs::read(&built_in).expect("a file"), b"an old file");
        disk.into_storage().commit().expect("commits");
        ohyeah::save(&saved, &memory).expect("saves");
        assert!(fs::read(&built_in).expect("a file") == fs::read(&saved).expect("a file"), "{metric}");
        let prefaulted = common::map_prefaulted(&built_in).expect("maps");
        let again = AnyForest::open(prefaulted, metric, 20).expect("opens");
        again.verify().expect("in order");
        assert_eq!(names_in(folder.path()).len(), 2, "nothing else is left");
    }
}

/// Offsets beyond 31 bits, in a file that takes no time to make: nearly all of it is holes.
#[test]
fn more_than_two_gibibytes() {
    const DIMENSIONS: usize = 16_380;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.ann");
    let file = BuildFile::create(&path).expect("a file");
    let mut items = Items::<Euclidean, _>::new_in(file, DIMENSIONS).expect("dimensions");
    let ids = [0, 1, 2, 3, 20_000, 32_767, 32_768, 33_500];
    for id in ids {
        items.add(id, &vec![id as f32; DIMENSIONS]).expect("a vector");
    }
    let forest = items.par_build(&BuildOptions::new().trees(2)).expect("builds");
    assert!(forest.as_bytes().len() > (1 << 31) + (1 << 24));
    forest.into_storage().commit().expect("commits");
    let forest = common::map_forest::<Euclidean>(&path, DIMENSIONS).expect("opens");
    forest.verify().expect("in order");
    for id in ids {
        let found = forest.search(&vec![id as f32 + 0.1; DIMENSIONS], &Search::top(1)).expect("searches");
        assert_eq!(found[0].id, id);
    }
}

/// Where a folder of memory lies among devices.
#[cfg(target_os = "linux")]
#[test]
fn a_file_in_shared_memory_is_replaced_and_not_added_to() {
    let folder = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let path = folder.path().join("points.ann");
    for shift in [0.0, 1000.0, 0.0] {
        let forest = forest(shift);
        ohyeah::save(&path, &forest).expect("saves");
        assert!(fs::read(&path).expect("a file") == forest.as_bytes());
    }
    BuildFile::create(&path).expect("an ordinary file");
}
