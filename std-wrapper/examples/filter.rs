//! The nearest of those that a filter allows: items of one shop out of many.   `cargo run --example filter`

use ohyeah::packed::{BuildOptions, Search};
use ohyeah::{Euclidean, IdSet, Packed, ParBuild};

const DIMENSIONS: usize = 16;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let vectors: Vec<f32> = (0..20_000 * DIMENSIONS).map(|x| (x as f32 * 0.37).sin()).collect();
    let shop_of = |id: u32| id % 50;
    let index = Packed::par_build(Euclidean, &vectors, DIMENSIONS, &BuildOptions::new())?;
    let query = &vectors[..DIMENSIONS];

    // A closure for rules that are computed, a set for those that are kept.
    let by_rule = index.search(query, &Search::top(5).filter(|id| shop_of(id) == 7))?;
    let shop: IdSet = (0..20_000).filter(|id| shop_of(*id) == 7).collect();
    let by_set = index.search(query, &Search::top(5).filter(&shop))?;

    assert_eq!(by_rule, by_set);
    assert!(by_set.len() == 5 && by_set.iter().all(|found| shop_of(found.id) == 7));
    for found in by_set {
        println!("item {} of shop 7 at {:.3}", found.id, found.distance);
    }
    Ok(())
}
