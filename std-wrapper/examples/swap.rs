//! A server that goes on answering while its index is replaced by a new one.   `cargo run --example swap`
//!
//! Saving renames a new file into place, so whoever has mapped the old one keeps it, whole, until the last search is done.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use ohyeah::packed::{BuildOptions, PackedScratch, Search};
use ohyeah::{Dot, MappedFile, Packed, ParBuild};

const DIMENSIONS: usize = 8;

fn build(path: &Path, length: f32) -> Result<(), Box<dyn std::error::Error>> {
    let vectors: Vec<f32> = (0..2000 * DIMENSIONS).map(|x| length * (x as f32 * 0.91).cos()).collect();
    let index = Packed::par_build(Dot, &vectors, DIMENSIONS, &BuildOptions::new())?;
    Ok(ohyeah::save(path, &index)?)
}

fn map(path: &Path) -> Result<Arc<Packed<MappedFile>>, ohyeah::FileError> {
    // SAFETY: nobody writes to the file while it is mapped: `build`, which alone makes it, replaces it.
    #[allow(unsafe_code)]
    unsafe { ohyeah::map_packed(path) }.map(Arc::new)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("items.oy");
    build(&path, 1.0)?;
    let current = RwLock::new(map(&path)?);
    let done = AtomicBool::new(false);

    std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            let (mut scratch, mut answers) = (PackedScratch::new(), 0);
            while !done.load(Ordering::Relaxed) || answers == 0 {
                // The lock is held to take the index, not while it is searched.
                let index = current.read().map(|index| Arc::clone(&index)).expect("no writer panics");
                let found = index.search_in(&mut scratch, &[1.0; DIMENSIONS], &Search::top(1)).expect("a good query");
                assert_eq!(found.len(), 1);
                answers += 1;
            }
            answers
        });
        for version in 2..5 {
            build(&path, version as f32)?;
            let new = map(&path)?;
            *current.write().map_err(|_| "a reader panicked")? = new;
        }
        done.store(true, Ordering::Relaxed);
        println!("{} answers while the index was replaced three times", server.join().expect("the server ends"));
        Ok(())
    })
}
