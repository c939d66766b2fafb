//! Many queries at once, on all cores.   `cargo run --example batch`

use ohyeah::packed::{BuildOptions, Search};
use ohyeah::{Angular, Packed, ParBuild, ParSearch};

const DIMENSIONS: usize = 32;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let vectors: Vec<f32> = (0..10_000 * DIMENSIONS).map(|x| (x as f32 * 0.73).sin()).collect();
    let index = Packed::par_build(Angular, &vectors, DIMENSIONS, &BuildOptions::new())?;

    let queries: Vec<&[f32]> = vectors.chunks(DIMENSIONS).take(1000).collect();
    let answers = index.par_search_many(&queries, &Search::top(3).recall(0.99))?;

    // Each query is a vector of the index, and so its own nearest.
    let own = answers.iter().filter(|answer| answer[0].distance < 1e-3).count();
    assert!(own >= 980, "{own}");
    println!("{} answers; the first: {:?}", answers.len(), answers[0]);
    Ok(())
}
