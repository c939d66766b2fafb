//! The nearest neighbours of every vector at once.   `cargo run --example knn_graph`

use ohyeah::packed::GraphOptions;
use ohyeah::{Euclidean, KnnGraph, ParBuild, Progress};

const DIMENSIONS: usize = 12;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let vectors: Vec<f32> = (0..5000 * DIMENSIONS).map(|x| (x as f32 * 0.57).sin()).collect();
    let show = |share: f32| eprintln!("{:.0} %", 100.0 * share);
    let options = GraphOptions::top(10).recall(0.95).progress(Progress::new(&show));
    let graph = KnnGraph::par_build(Euclidean, &vectors, DIMENSIONS, &options)?;
    let exact = KnnGraph::par_build(Euclidean, &vectors, DIMENSIONS, &options.exact())?;

    let right = |id| graph.neighbours(id).iter().filter(|found| exact.neighbours(id).contains(found)).count();
    let share = (0..5000).map(right).sum::<usize>() as f32 / (5000.0 * 10.0);
    println!("found {:.1} % of the true neighbours; those of 0: {:?}", 100.0 * share, graph.neighbours(0));
    assert!(share > 0.93);
    Ok(())
}
