//! `OHYEAH_BACKEND`. A variable belongs to a whole process, so this test runs itself again for each value.

#![allow(clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::process::{Command, Output};

use ohyeah::forest::{BuildOptions, Items, Search};
use ohyeah::{Angular, BACKEND_VARIABLE, Backend, ParBuildItems};

/// Runs [`child`] in a process of its own.
fn with_variable(value: Option<&str>) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "child", "--ignored", "--nocapture"]).env_remove(BACKEND_VARIABLE);
    if let Some(value) = value {
        command.env(BACKEND_VARIABLE, value);
    }
    command.output().expect("runs")
}

/// Says which backend it is, and a digest of the forest and of the answers that it computes.
#[test]
#[ignore = "run by the other tests, with the variable set"]
fn child() {
    let backend = ohyeah::backend().unwrap_or_else(|error| panic!("refused: {error}"));
    let mut items = Items::<Angular>::new(50).expect("dimensions").with_backend(backend);
    let row = |id: u16| -> [f32; 50] { std::array::from_fn(|i| (f32::from(id) * 0.37 + i as f32 * 1.7).sin()) };
    for id in 0..2000 {
        items.add(u32::from(id), &row(id)).expect("a vector");
    }
    let forest = items.par_build(&BuildOptions::new().trees(8)).expect("builds");
    let digest = forest
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let found = forest.search(&row(77), &Search::top(3)).expect("searches");
    println!("answer: {} {digest:x} {found:?}", backend.name());
}

fn answer(output: &Output) -> (String, String) {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.split("answer: ").nth(1).and_then(|rest| rest.lines().next());
    let line = line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    let (name, rest) = line.split_once(' ').expect("a name");
    (name.to_owned(), rest.to_owned())
}

#[test]
fn the_variable_forces_a_backend_and_families_agree_to_the_byte() {
    let here: Vec<_> = Backend::available().collect();
    let mut families = BTreeMap::new();
    for name in ["scalar", "portable", "avx2", "avx512", "neon"] {
        let Some(backend) = here.iter().find(|backend| backend.name() == name) else {
            println!("{name}: NOT AVAILABLE HERE, not tested");
            continue;
        };
        let (used, digest) = answer(&with_variable(Some(name)));
        assert_eq!(used, name);
        let first = families.entry(backend.is_fused()).or_insert_with(|| digest.clone());
        assert_eq!(*first, digest, "{name} differs from its family");
    }
    assert!(families.len() == 1 || families[&true] != families[&false], "the variable changed nothing");
    assert_eq!(answer(&with_variable(None)).0, Backend::detect().name());
}

#[test]
fn a_name_that_is_none_is_refused_with_those_that_are() {
    for wrong in ["", "AVX2", "sse2", "scalar "] {
        let output = with_variable(Some(wrong));
        assert!(!output.status.success(), "{wrong:?} was taken");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(&format!("refused: {BACKEND_VARIABLE}={wrong}")), "{text}");
        assert!(Backend::available().all(|backend| text.contains(backend.name())), "{text}");
    }
}
