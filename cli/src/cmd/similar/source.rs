//! Where similar words come from: vectors, a forest over vectors, or a packed index alone.

use std::path::Path;

use ohyeah::forest::{AnyForest, OpenError};
use ohyeah::{Angular, FileError, Forest, MappedFile, Metric, Packed};
use ohyeah_words::{PackedWords, QueryError, WordVectors};

use super::Args;
use crate::{failure::Failure, kind::is_packed, mapped, report::Report};

/// A similar word: the cosine, and what it is sorted by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Similar<'a> {
    pub(super) word: &'a str,
    pub(super) cosine: f32,
    pub(super) distance: f32,
}

/// The files of a command line.
pub(super) enum Opened {
    Vectors { vectors: WordVectors, forest: Option<Forest<Angular, MappedFile>> },
    Packed(Packed<MappedFile>),
}

/// What is asked.
pub(super) struct Source<'o> {
    args: &'o Args,
    of: Of<'o>,
}

enum Of<'o> {
    Vectors { vectors: &'o WordVectors, forest: Option<&'o Forest<Angular, MappedFile>> },
    Packed { words: PackedWords<'o, MappedFile>, metric: Metric, recall: Option<f32> },
}

/// Numbers in an index that are compared in some hundredths of a second.
const COMPARED_AT_ONCE: usize = 128_000_000;
/// The recall of larger ones, and of many queries, where nothing else is said.
const USUAL_RECALL: f32 = 0.95;

impl Opened {
    pub(super) fn new(args: &Args, report: Report) -> Result<Self, Failure> {
        if is_packed(&args.input.path) {
            return Ok(Self::Packed(open_packed(args)?));
        }
        if args.recall.is_some() {
            let problem = "--recall is for a packed index, and here all words are compared; make one with ohyeah build VECTORS -o \
                           INDEX.oy";
            return Err(Failure::about(args.input.name(), problem));
        }
        if let Some(path) = args.index.as_ref().filter(|path| is_packed(path)) {
            let name = path.display();
            let problem =
                format_args!("a packed index holds words and vectors: ask it alone, with ohyeah similar {name} WORD");
            return Err(Failure::about(path.display(), problem));
        }
        let vectors = args.input.load(report)?;
        let forest = args.index.as_ref().map(|path| open_forest(path, &vectors, &args.input.name()));
        Ok(Self::Vectors { forest: forest.transpose()?, vectors })
    }
}

impl<'o> Source<'o> {
    /// `many` tells whether there will be more than one query.
    pub(super) fn new(opened: &'o Opened, args: &'o Args, many: bool) -> Result<Self, Failure> {
        let of = match opened {
            Opened::Vectors { vectors, forest } => Of::Vectors { vectors, forest: forest.as_ref() },
            Opened::Packed(index) => {
                let words = PackedWords::new(index);
                let words = if many { words.with_table() } else { words };
                let words = match args.restrict {
                    Some(rows) => words.restrict(rows).map_err(|error| Failure::about(args.input.name(), error))?,
                    None => words,
                };
                // One query: nobody sees the time that it takes to compare all of not too many, but a word that is missing.
                let is_large = many || index.len().saturating_mul(index.dimensions()) > COMPARED_AT_ONCE;
                let usual = is_large.then_some(USUAL_RECALL);
                let recall = if args.exact { None } else { args.recall.or(usual) };
                Of::Packed { words, metric: index.metric(), recall }
            }
        };
        Ok(Self { args, of })
    }

    /// What answers are sorted by.
    pub(super) fn metric(&self) -> Metric {
        match &self.of {
            Of::Vectors { .. } => Metric::Angular,
            Of::Packed { metric, .. } => *metric,
        }
    }

    /// The words similar to some and unlike others.
    pub(super) fn similar(&self, words: &[&str], negative: &[&str]) -> Result<Vec<Similar<'o>>, QueryError> {
        match &self.of {
            Of::Vectors { vectors, forest } => self.among_vectors(vectors, *forest, words, negative),
            Of::Packed { words: index, recall, .. } => {
                let terms = words.iter().map(|word| (*word, 1.0));
                let terms: Vec<(&str, f32)> = terms.chain(negative.iter().map(|word| (*word, -1.0))).collect();
                let found = index.similar(&terms, self.args.top, *recall)?;
                let similar = found.into_iter().map(|found| Similar {
                    word: found.word,
                    cosine: found.cosine,
                    distance: found.distance,
                });
                Ok(similar.collect())
            }
        }
    }

    fn among_vectors(
        &self,
        vectors: &'o WordVectors,
        forest: Option<&Forest<Angular, MappedFile>>,
        words: &[&str],
        negative: &[&str],
    ) -> Result<Vec<Similar<'o>>, QueryError> {
        let mut query = vectors.query().top(self.args.top).restrict(self.args.restrict.unwrap_or(usize::MAX));
        for word in words {
            query = query.positive(word);
        }
        for word in negative {
            query = query.negative(word);
        }
        if query.resolve()?.vector.iter().all(|&x| x == 0.0) {
            return Err(QueryError::NoDirection);
        }
        let found = match forest {
            Some(forest) => query.run_with(forest, self.args.search_k),
            None => query.run(),
        }?;
        let similar = found.into_iter().map(|found| Similar {
            word: vectors.word(found.id),
            cosine: found.cosine,
            distance: found.cosine,
        });
        Ok(similar.collect())
    }
}

/// Maps a packed index, which holds words and vectors.
fn open_packed(args: &Args) -> Result<Packed<MappedFile>, Failure> {
    let of_index = |problem: &dyn std::fmt::Display| Failure::about(args.input.name(), problem);
    let without_effect = args.index.as_ref().map(|_| "--index").or_else(|| args.input.without_effect_on_index());
    if let Some(option) = without_effect {
        let instead = if option == "--limit" { " (--restrict N looks among the first N words)" } else { "" };
        let problem = format_args!(
            "this is a packed index and searched itself, so {option} has no effect: leave it out{instead}"
        );
        return Err(of_index(&problem));
    }
    let index = mapped::packed(&args.input.path)?.with_backend(ohyeah::backend()?);
    if !index.has_keys() {
        let problem =
            "the index has no words in it, so none can be asked for; make one with ohyeah build VECTORS -o INDEX.oy";
        return Err(of_index(&problem));
    }
    Ok(index)
}

/// Maps an index and checks that it is one of these vectors.
fn open_forest(path: &Path, vectors: &WordVectors, name: &str) -> Result<Forest<Angular, MappedFile>, Failure> {
    let index = match mapped::forest(path, Metric::Angular, vectors.dimensions()) {
        Err(FileError::Forest(_, error)) if error != OpenError::Empty => {
            return Err(match other_metric(path, vectors) {
                Some(metric) => Failure::about(
                    path.display(),
                    format_args!(
                        "an index by the {metric} metric, and similarity takes an angular one; make it with ohyeah build {name} -o INDEX.ann"
                    ),
                ),
                None => of_other_vectors(path, &error, name, vectors),
            });
        }
        index => index?,
    };
    let index = index.with_backend(ohyeah::backend()?);
    vectors.check_index(&index).map_err(|error| Failure::about(path.display(), error))?;
    match index {
        AnyForest::Angular(forest) => Ok(forest),
        other => Err(Failure::about(path.display(), format_args!("a {} index: build an angular one", other.metric()))),
    }
}

/// By which other metric an index of these vectors was built, if it was.
fn other_metric(path: &Path, vectors: &WordVectors) -> Option<Metric> {
    Metric::ALL.into_iter().find(|metric| {
        let index = mapped::forest(path, *metric, vectors.dimensions());
        index.is_ok_and(|index| vectors.check_index(&index).is_ok())
    })
}

/// An index says nothing of itself, so what another size of vectors makes of it looks like damage.
fn of_other_vectors(path: &Path, error: &OpenError, name: &str, vectors: &WordVectors) -> Failure {
    let place = if let OpenError::Damaged(damage) = error { format!("node {}: ", damage.node) } else { String::new() };
    let dimensions = vectors.dimensions();
    let problem = format_args!(
        "{place}not a whole angular index of {dimensions} dimensions: it does not belong to {name} or is damaged; make one \
         that does with ohyeah build"
    );
    Failure::about(path.display(), problem)
}
