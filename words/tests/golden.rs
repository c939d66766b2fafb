//! gensim's own answers on the sample, as `gensim/make_golden.py` wrote them down.

use std::{fs, path::Path, sync::LazyLock};

use ohyeah_words::{Reader, WordVectors};
use serde_json::Value;

const TOLERANCE: f64 = 1e-5;

static VECTORS: LazyLock<WordVectors> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/glove-20k-100d.bin");
    Reader::new().open(path).unwrap().vectors
});

static GOLDEN: LazyLock<Value> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gensim/golden.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
});

fn cases(name: &str) -> &'static [Value] {
    let cases = GOLDEN[name].as_array().unwrap();
    assert!(!cases.is_empty());
    cases
}

fn number(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}

#[test]
fn most_similar() {
    for case in cases("most_similar") {
        let inputs: Vec<(Result<&str, Vec<f32>>, f32)> = case["inputs"].as_array().unwrap().iter().map(input).collect();
        let mut query = VECTORS.query().top(case["top"].as_u64().unwrap() as usize);
        if let Some(rows) = case["restrict"].as_u64() {
            query = query.restrict(rows as usize);
        }
        for (input, weight) in &inputs {
            query = match input {
                Ok(word) => query.weighted(word, *weight),
                Err(vector) => query.vector(vector, *weight),
            };
        }
        let found = query.run().unwrap();
        let expected = case["answer"].as_array().unwrap();
        assert_eq!(found.len(), expected.len(), "{inputs:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(u64::from(found.id), expected[0].as_u64().unwrap(), "{inputs:?}");
            assert!((f64::from(found.cosine) - expected[1].as_f64().unwrap()).abs() < TOLERANCE, "{inputs:?}");
        }
    }
}

fn input(term: &Value) -> (Result<&str, Vec<f32>>, f32) {
    let input = match &term[0] {
        Value::String(word) => Ok(word.as_str()),
        vector => Err(vector.as_array().unwrap().iter().map(number).collect()),
    };
    (input, number(&term[1]))
}

#[test]
fn similarity() {
    for case in cases("similarity") {
        let (a, b) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
        let difference = f64::from(VECTORS.similarity(a, b).unwrap()) - case[2].as_f64().unwrap();
        assert!(difference.abs() < TOLERANCE, "{a} {b}: {difference}");
    }
}

#[test]
fn doesnt_match() {
    for case in cases("doesnt_match") {
        let words: Vec<&str> = case[0].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(VECTORS.doesnt_match(&words).unwrap().word(), case[1], "{words:?}");
    }
}

#[test]
fn closer_than() {
    for case in cases("closer_than") {
        let (word, other) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
        let expected: Vec<u32> = serde_json::from_value(case[2].clone()).unwrap();
        assert_eq!(VECTORS.closer_than(word, other).unwrap(), expected, "{word} {other}");
    }
}
