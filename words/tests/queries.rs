//! Queries against a plain `f64` brute force, and what they refuse.

use ohyeah::forest::{AnyForest, BuildOptions};
use ohyeah::{Metric, Packed, ParBuildItems, packed};
use ohyeah_words::{IndexMismatch, PackedWords, QueryError, SimilarWord, WordVectors, exact};

/// Numbers that look random and are the same everywhere.
fn noise(count: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn vectors(words: usize, dimensions: usize) -> WordVectors {
    let names = (0..words).map(|i| format!("w{i}"));
    WordVectors::from_parts(names, noise(words * dimensions), dimensions).unwrap()
}

fn plain_cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn ids(neighbours: &[SimilarWord]) -> Vec<u32> {
    neighbours.iter().map(|neighbour| neighbour.id).collect()
}

#[test]
fn exact_is_a_plain_brute_force() {
    for (words, dimensions) in [(1, 1), (7, 3), (3000, 17), (2500, 100)] {
        let vectors = vectors(words, dimensions);
        let query = noise(dimensions);
        let mut plain: Vec<(f64, u32)> =
            (0..words as u32).map(|id| (plain_cosine(&query, vectors.vector(id)), id)).collect();
        plain.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for n in [1, 10, words, words + 5] {
            let found = exact::top(&vectors, &query, n, 0..usize::MAX, &[]);
            assert_eq!(found.len(), n.min(words));
            for (found, plain) in found.iter().zip(&plain) {
                assert!((f64::from(found.cosine) - plain.0).abs() < 1e-5);
                // Where `f32` cannot tell two apart, either may come first.
                assert!(found.id == plain.1 || (plain_cosine(&query, vectors.vector(found.id)) - plain.0).abs() < 1e-6);
            }
        }
        let all = exact::cosines(&vectors, &query);
        assert!(plain.iter().all(|&(cosine, id)| (f64::from(all[id as usize]) - cosine).abs() < 1e-5));
    }
}

#[test]
fn the_answer_does_not_depend_on_the_threads() {
    let vectors = vectors(9000, 10);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| vectors.most_similar("w17", 200).unwrap())
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(8));
}

#[test]
fn every_backend_gives_the_same_answer() {
    let vectors = vectors(500, 45);
    let fastest = vectors.most_similar("w17", 20).unwrap();
    for backend in ohyeah::Backend::available() {
        let found = vectors.clone().with_backend(backend).most_similar("w17", 20).unwrap();
        assert_eq!(ids(&found), ids(&fastest), "{backend:?}");
        assert!(found.iter().zip(&fastest).all(|(a, b)| (a.cosine - b.cosine).abs() < 1e-6), "{backend:?}");
    }
}

#[test]
fn equal_cosines_come_by_row() {
    let names = (0..5000).map(|i| format!("w{i}"));
    let vectors = WordVectors::from_parts(names, [1.0, 1.0].repeat(5000), 2).unwrap();
    assert_eq!(ids(&vectors.most_similar("w3", 5).unwrap()), [0, 1, 2, 4, 5]);
    assert_eq!(ids(&vectors.query().vector(&[2.0, 2.0], 1.0).restrict(3).run().unwrap()), [0, 1, 2]);
}

#[test]
fn clipped_queries_are_those_of_a_part() {
    let vectors = vectors(5000, 8);
    let all = vectors.query().row(17, 1.0).top(5000).run().unwrap();
    for rows in [0..10, 10..20, 3..2500, 1030..4099, 4990..9999, 7000..8000] {
        let found = vectors.query().row(17, 1.0).top(5000).clip(rows.clone()).run().unwrap();
        let expected: Vec<_> = all.iter().copied().filter(|x| rows.contains(&(x.id as usize))).collect();
        assert_eq!(found, expected, "{rows:?}");
    }
}

#[test]
fn a_word_is_as_similar_to_itself_as_can_be() {
    let vectors = vectors(3000, 37);
    assert!(vectors.words().all(|word| vectors.similarity(word, word) == Ok(1.0)));
    let zeros = WordVectors::from_parts(["zero"], vec![0.0; 3], 3).unwrap();
    assert_eq!(zeros.similarity("zero", "zero"), Ok(0.0));
}

#[test]
fn inputs_are_left_out_unless_they_are_vectors_or_wanted() {
    let vectors = vectors(50, 8);
    let all = |query: ohyeah_words::Query<'_>| ids(&query.top(99).run().unwrap());
    let without = all(vectors.query().positive("w1").negative("w2").row(3, 0.5));
    assert_eq!(without.len(), 47);
    assert!(![1, 2, 3].iter().any(|id| without.contains(id)));
    assert_eq!(all(vectors.query().positive("w1").keep_inputs())[0], 1);
    assert_eq!(all(vectors.query().vector(vectors.vector(1), 1.0))[0], 1);
    assert_eq!(all(vectors.query().positive("w1").top(0)).len(), 49);
    assert_eq!(vectors.query().positive("w1").top(0).run().unwrap(), []);
}

#[test]
fn a_query_that_cancels_itself_is_similar_to_nothing() {
    let vectors = vectors(200, 4);
    let found = vectors.query().positive("w1").negative("w1").top(3).run().unwrap();
    assert_eq!(ids(&found), [0, 2, 3]);
    assert!(found.iter().all(|neighbour| neighbour.cosine == 0.0));
    // Whatever the rounding of the sums leaves.
    for a in 0..198 {
        let query = vectors.query().row(a, 1.0).row(a + 1, 1.0).row(a + 2, 0.1).row(a, -1.0);
        let resolved = query.row(a + 2, -0.1).row(a + 1, -1.0).resolve().unwrap();
        assert_eq!(resolved.vector, [0.0; 4]);
    }
    // What is nearly the same is not.
    let almost = [1.0, 1.0, 1.0, 1.000_000_1];
    let resolved = vectors.query().vector(&[1.0; 4], 1.0).vector(&almost, -1.0).resolve().unwrap();
    assert_eq!(resolved.vector, [0.0, 0.0, 0.0, -1.0]);
}

#[test]
fn what_cannot_be_asked() {
    let vectors = vectors(20, 4);
    assert_eq!(vectors.query().run(), Err(QueryError::NoInput));
    assert_eq!(vectors.query().vector(&[1.0; 3], 1.0).run(), Err(QueryError::Length { expected: 4, found: 3 }));
    assert_eq!(vectors.query().vector(&[f32::NAN; 4], 1.0).run(), Err(QueryError::NotFinite));
    assert_eq!(vectors.query().weighted("w1", f32::INFINITY).run(), Err(QueryError::NotFinite));
    assert_eq!(vectors.query().row(20, 1.0).run(), Err(QueryError::Row { id: 20, rows: 20 }));
    let error = vectors.most_similar("w20x", 1).unwrap_err();
    assert!(
        matches!(&error, QueryError::UnknownWord { word, nearest } if word == "w20x" && nearest.is_empty()),
        "{error}"
    );
    let error = vectors.similarity("w1", "W2").unwrap_err();
    assert!(error.to_string().ends_with("did you mean \"w2\", \"w0\", \"w1\", \"w3\", \"w4\"?"), "{error}");
    assert_eq!(vectors.doesnt_match(&[]).unwrap_err(), QueryError::NoInput);
    assert_eq!(vectors.doesnt_match(&["x"]).unwrap_err(), QueryError::NoKnownWord { words: vec!["x".into()] });
    assert_eq!(vectors.doesnt_match(&["w1", "x", "w2"]).unwrap().unknown, ["x"]);
}

#[test]
fn an_index_of_other_vectors_is_refused_and_not_trusted() {
    let angular = |vectors: &WordVectors| {
        let forest = vectors.items(Metric::Angular).unwrap().par_build(&BuildOptions::new().trees(3)).unwrap();
        let AnyForest::Angular(forest) =
            AnyForest::open(forest.as_bytes().to_vec(), Metric::Angular, vectors.dimensions()).unwrap()
        else {
            panic!()
        };
        forest
    };
    let few = vectors(20, 4);
    let query = || few.query().positive("w1").top(3);
    assert_eq!(ids(&query().run_with(&angular(&few), Some(1000)).unwrap()), ids(&query().run().unwrap()));
    let error = query().run_with(&angular(&vectors(50, 4)), None).unwrap_err();
    assert_eq!(error, QueryError::OtherIndex(IndexMismatch::Words { expected: 20, found: 50 }));
    assert!(error.to_string().ends_with("it has 50 items, not 20; build it again from them"), "{error}");
    let error = query().run_with(&angular(&vectors(20, 5)), None).unwrap_err();
    assert_eq!(error, QueryError::OtherIndex(IndexMismatch::Dimensions { expected: 4, found: 5 }));
}

#[test]
fn huge_and_tiny_vectors_are_like_any_other() {
    let rows = [[1.0, 2.0], [1e-30, 2e-30], [1e30, 2e30], [3e38, 3e38], [1e-44, 0.0], [0.0, 0.0]];
    let names = (0..rows.len()).map(|i| format!("w{i}"));
    let vectors = WordVectors::from_parts(names, rows.concat(), 2).unwrap();
    for a in 0..5 {
        for b in 0..5 {
            let plain = plain_cosine(&rows[a], &rows[b]);
            let found = vectors.similarity(&format!("w{a}"), &format!("w{b}")).unwrap();
            assert!((f64::from(found) - plain).abs() < 1e-5, "{a} {b}: {found} {plain}");
        }
    }
    assert_eq!(ids(&vectors.most_similar("w0", 9).unwrap()), [1, 2, 3, 4, 5]);
}

#[test]
fn packed_indexes_of_every_metric_answer_as_brute_force_does() {
    let vectors = vectors(300, 8);
    let words: Vec<&str> = vectors.words().collect();
    let row = |id: u32| vectors.vector(id).iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    for metric in [Metric::Angular, Metric::Euclidean, Metric::Dot] {
        let options = packed::BuildOptions::new().keys(&words);
        let index = Packed::build(metric, vectors.vectors(), vectors.dimensions(), &options).unwrap();
        for restrict in [300, 40] {
            let packed = PackedWords::new(&index).restrict(restrict).unwrap();
            let with_table = PackedWords::new(&index).with_table().restrict(restrict).unwrap();
            for terms in [&[("w17", 1.0)][..], &[("w17", 1.0), ("w3", 1.0)], &[("w5", 1.0), ("w8", -1.0), ("w9", 1.0)]]
            {
                let mut query = vec![0.0; 8];
                let weights: f64 = terms.iter().map(|(_, weight)| f64::from(*weight)).sum();
                for (word, weight) in terms {
                    let row = row(vectors.id(word).unwrap());
                    let scale = if metric == Metric::Angular { length(&row) } else { weights };
                    query.iter_mut().zip(&row).for_each(|(sum, x)| *sum += f64::from(*weight) * x / scale);
                }
                // Less is better.
                let score = |id: u32| {
                    let row = row(id);
                    match metric {
                        Metric::Angular => -dot(&query, &row) / length(&row),
                        Metric::Dot => -dot(&query, &row),
                        _ => length(&query.iter().zip(&row).map(|(x, y)| x - y).collect::<Vec<_>>()),
                    }
                };
                let mut expected: Vec<u32> = (0..restrict as u32).collect();
                expected.retain(|id| terms.iter().all(|(word, _)| *word != vectors.word(*id)));
                expected.sort_by(|a, b| score(*a).total_cmp(&score(*b)));
                let found = packed.similar(terms, 5, None).unwrap();
                assert_eq!(found, with_table.similar(terms, 5, Some(1.0)).unwrap());
                let found_ids: Vec<u32> = found.iter().map(|found| vectors.id(found.word).unwrap()).collect();
                assert_eq!(found_ids, expected[..5], "{metric} {restrict} {terms:?}");
                for (found, id) in found.iter().zip(&expected) {
                    let row = row(*id);
                    let cosine = dot(&query, &row) / length(&row) / length(&query);
                    assert!((f64::from(found.cosine) - cosine).abs() < 1e-5, "{metric}: {found:?} {cosine}");
                }
            }
        }
        let words = PackedWords::new(&index);
        assert!(matches!(words.similar(&[("w1x", 1.0)], 5, None), Err(QueryError::UnknownWord { .. })));
        assert_eq!(words.similar(&[], 5, None), Err(QueryError::NoInput));
        assert!(matches!(words.similar(&[("w1", 1.0)], 5, Some(7.0)), Err(QueryError::Packed(_))));
    }
}

#[test]
fn a_dictionary_refuses_a_recall_that_is_none() {
    let vectors = vectors(50, 4);
    for recall in [7.0, -1.0, 0.0, f32::NAN] {
        for dictionary in [vectors.dictionary().top(3), vectors.dictionary().top(120), vectors.dictionary().trees(3)] {
            let error = dictionary.recall(recall).run(|id, _| id, |_| Ok::<_, std::io::Error>(())).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("recall is {recall}: it must be above 0, and at most 1, which is exact")
            );
        }
    }
}

/// Squares of these overflow or vanish in `f32`.
#[test]
fn a_dictionary_of_huge_and_tiny_vectors_is_that_of_their_directions() {
    let (plain, scales) = (vectors(300, 6), [1e30, 1.0, 1e-30, 3e37, 1e-40]);
    let numbers = plain.vectors().iter().enumerate().map(|(at, x)| x * scales[at / 6 % scales.len()]).collect();
    let scaled = WordVectors::from_parts(plain.words(), numbers, 6).unwrap();
    for (top, exact) in [(3, true), (3, false), (120, false)] {
        let lists = |vectors: &WordVectors| {
            let mut lists = Vec::new();
            let dictionary = vectors.dictionary().top(top).recall(0.999);
            let dictionary = if exact { dictionary.exact() } else { dictionary };
            let list = |_, similar: &[SimilarWord]| ids(&similar[..3]);
            let mut keep = |list| {
                lists.push(list);
                Ok::<_, std::io::Error>(())
            };
            dictionary.run(list, &mut keep).unwrap();
            lists
        };
        let (plain, scaled) = (lists(&plain), lists(&scaled));
        let same = plain.iter().zip(&scaled).filter(|(a, b)| a == b).count();
        // Numbers of 1e-40 have but a few digits.
        assert!(same > 200, "{same} of 300");
    }
    scaled.most_similar("w0", 3).unwrap();
}
