//! What must hold for any bytes at all. The tests here and the fuzz targets call the same functions.

// Public for the fuzz targets, which take this file in by its path.
#![allow(unreachable_pub, dead_code, clippy::panic, clippy::unwrap_used)]

use std::sync::LazyLock;

use ohyeah_words::{Format, Loaded, Reader, WordVectors, WriteError, Writer};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// One thread: these files are a few bytes long, and waking a second one for each block of them takes most of the time.
static SERIAL: LazyLock<ThreadPool> = LazyLock::new(|| ThreadPoolBuilder::new().num_threads(1).build().unwrap());

/// Bytes taken for a word2vec binary file.
pub fn word2vec_binary(bytes: &[u8]) {
    SERIAL.install(|| any_file(bytes, Some(Format::Binary)));
}

/// Bytes taken for a word2vec or GloVe text file.
pub fn word2vec_text(bytes: &[u8]) {
    SERIAL.install(|| any_file(bytes, Some(Format::Text)));
}

/// Bytes whose format is found out.
pub fn any_vectors(bytes: &[u8]) {
    SERIAL.install(|| any_file(bytes, None));
}

/// Reading either gives vectors that can be written and read again, or one line that says why not; and where the blocks
/// end makes no difference.
fn any_file(bytes: &[u8], format: Option<Format>) {
    for lossy in [false, true] {
        let read = |block: Option<usize>| {
            let reader = Reader::new().lossy(lossy);
            let reader = format.into_iter().fold(reader, Reader::format);
            block.into_iter().fold(reader, Reader::block).read_slice(bytes)
        };
        let whole = read(None);
        for block in [1, 13, 1000].into_iter().filter(|block| bytes.len() / block < 5000) {
            match (&whole, &read(Some(block))) {
                (Ok(a), Ok(b)) => assert_same_file(a, b),
                (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string(), "blocks of {block} bytes"),
                (a, b) => panic!("blocks of {block} bytes: {a:?} became {b:?}"),
            }
        }
        match whole {
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
            Ok(loaded) => {
                assert!(
                    loaded.compression.is_some() || loaded.vectors.vectors().len() * 4 <= 2 * bytes.len(),
                    "larger than its file"
                );
                assert_round_trip(&loaded.vectors, Format::Text);
                assert_round_trip(&loaded.vectors, Format::Binary);
            }
        }
    }
}

fn assert_same_file(a: &Loaded, b: &Loaded) {
    assert_eq!((a.format, a.compression, a.header), (b.format, b.compression, b.header));
    assert_eq!(a.warnings, b.warnings);
    assert_same(&a.vectors, &b.vectors);
}

/// Equal words and numbers, to the bit.
pub fn assert_same(a: &WordVectors, b: &WordVectors) {
    assert_eq!(a.dimensions(), b.dimensions());
    assert!(a.words().eq(b.words()), "the words differ");
    let bits = |vectors: &WordVectors| vectors.vectors().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(a), bits(b));
}

/// What is written comes back, its format recognised; what could not is refused.
pub fn assert_round_trip(vectors: &WordVectors, format: Format) {
    let mut bytes = Vec::new();
    match Writer::new().format(format).write(vectors, &mut bytes) {
        Ok(()) => {
            let again = Reader::new().read_slice(&bytes).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(again.warnings.messages().next(), None);
            assert!(again.header);
            // A file of no rows is the same in both formats.
            assert!(again.format == format || vectors.is_empty());
            assert_same(vectors, &again.vectors);
        }
        Err(WriteError::EmptyWord { .. } | WriteError::Unwritable { .. } | WriteError::Ambiguous) => {
            assert!(bytes.is_empty(), "refused too late");
        }
        Err(error) => panic!("{error}"),
    }
}
