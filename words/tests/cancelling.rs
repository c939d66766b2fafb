//! Long work that is cancelled: an error, soon, and nothing left behind.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ohyeah::Cancel;
use ohyeah_words::{DictionaryError, ReadErrorKind, Reader, Step, WordVectors, WriteError, Writer};

fn vectors(words: usize) -> WordVectors {
    let numbers = (0..words * 8).map(|x| (x as f32).sin()).collect();
    WordVectors::from_parts((0..words).map(|i| format!("w{i}")), numbers, 8).unwrap()
}

#[test]
fn reading() {
    let mut text = Vec::new();
    Writer::new().write(&vectors(5000), &mut text).unwrap();
    // In the middle of the file.
    let stop = AtomicBool::new(false);
    let reader = Reader::new().block(4096).cancel(Cancel::new(&stop)).on_progress(|_| stop.store(true, Relaxed));
    let error = reader.read_slice(&text).unwrap_err();
    assert!(matches!(error.kind(), ReadErrorKind::Cancelled), "{error}");
    let again = Reader::new().cancel(Cancel::new(&AtomicBool::new(false))).read_slice(&text).unwrap();
    assert_eq!(again.vectors.len(), 5000);
}

#[test]
fn writing() {
    // Some blocks of rows.
    let vectors = vectors(100_000);
    let folder = tempfile::tempdir().unwrap();
    for name in ["v.txt", "v.bin", "v.txt.gz"] {
        let stop = AtomicBool::new(false);
        let writer = Writer::new().cancel(Cancel::new(&stop)).on_progress(|_| stop.store(true, Relaxed));
        let error = writer.save(&vectors, folder.path().join(name)).unwrap_err();
        assert!(matches!(error, WriteError::Cancelled), "{name}: {error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_dictionary() {
    let vectors = vectors(3000);
    let plain = || vectors.dictionary().top(5);
    let ways = [
        ("graph", plain()),
        ("exact graph", plain().exact()),
        ("forest", plain().trees(3)),
        ("index", plain().top(120)),
        ("exact forest", plain().top(120).exact()),
    ];
    for (name, dictionary) in ways {
        // Before it begins, and when the first words are there.
        for at_once in [true, false] {
            let stop = AtomicBool::new(at_once);
            let tell = |step| {
                if matches!(step, Step::Words(1..)) {
                    stop.store(true, Relaxed);
                }
            };
            let dictionary = dictionary.cancel(Cancel::new(&stop)).on_progress(&tell);
            let mut words = 0;
            let result = dictionary.run(
                |id, _| id,
                |_| {
                    words += 1;
                    Ok::<(), Infallible>(())
                },
            );
            // Of few words, the first block is all.
            assert!(result.is_err() || (!at_once && words == 3000), "{name}");
            assert!(!at_once || words == 0, "{name}");
            if let Err(error) = result {
                assert!(
                    !matches!(error, DictionaryError::Sink(_)) && error.to_string().contains("cancelled"),
                    "{name}: {error}"
                );
            }
        }
    }
}
