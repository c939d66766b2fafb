//! Word vectors: reading and writing their files, and asking for similar words.
//!
//! [`Reader`] takes word2vec's binary and text formats and GloVe's text, plain or packed (gzip,
//! Zstandard, xz, bzip2), and finds out by itself which it is. [`WordVectors`] holds the words and the matrix. [`Query`] finds the words most similar to a word or to a sum of
//! words, with the answers that gensim's `most_similar` gives. [`Dictionary`] finds them for every word at once. [`Writer`] saves, so that gensim reads it back bit for bit.
//!
//! ```no_run
//! use ohyeah_words::{Reader, Writer};
//!
//! let loaded = Reader::new().limit(500_000).open("GoogleNews-vectors-negative300.bin.gz")?;
//! loaded.warnings.messages().for_each(|line| eprintln!("warning: {line}"));
//! let vectors = loaded.vectors;
//!
//! for neighbour in vectors.most_similar("cat", 10)? {
//!     println!("{}\t{:.4}", vectors.word(neighbour.id), neighbour.cosine);
//! }
//! let queen = vectors.query().positive("king").positive("woman").negative("man").top(1).run()?;
//! println!("{}", vectors.word(queen[0].id));
//! Writer::new().save(&vectors, "first-500000.txt.gz")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where this differs from gensim
//!
//! On purpose, and only where gensim 4.4 fails or misleads:
//!
//! - Format and compression are told from the content and not from the name or a flag; files without a header need none.
//! - A word in a text file may hold spaces, as the last fields of a line are its vector. Such words are not written, as
//!   no reader but this one could read them back.
//! - A row of text with a single number is an error and not a vector of that number throughout.
//! - NaN and infinity are errors. A vector of zeros is similar to nothing, with cosine 0 and not NaN.
//! - Duplicate words leave no nameless rows behind.
//! - Cosines are within ±1, and of equally similar words the one in the lower row comes first.
//!
//! # Threads
//!
//! Long work runs on rayon's current thread pool. No result depends on the number of threads.

// A panic that data can reach is a bug. Here and not in the workspace's lints, for those would forbid it to tests as well.
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod alike;
mod dictionary;
mod dot;
mod format;
mod index;
mod npy;
mod packed;
mod query;
mod read;
mod spelling;
mod vectors;
mod vocabulary;
mod write;

pub use dictionary::{Dictionary, DictionaryError, Step};
pub use format::Format;
pub use index::IndexMismatch;
pub use npy::{Matrix, NpyError};
pub use packed::{PackedWords, SimilarKey};
pub use query::{OddOneOut, Query, QueryError, Resolved, SimilarWord, exact};
pub use read::{Compression, Dimensions, Foreign, Loaded, Place, Progress, ReadError, ReadErrorKind, Reader, Warnings};
pub use vectors::{PartsError, WordVectors};
pub use write::{WriteError, Writer};

/// The examples of the README are compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
