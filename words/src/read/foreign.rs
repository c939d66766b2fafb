//! Kinds of file that are no text or binary word vectors, told by their content.

use std::{fmt, path::Path};

use memchr::memchr2;

use super::{fields, unpack::Compression};

/// Kinds of file that people take for word vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// A Python pickle, such as gensim's own `.model` and `.kv` files.
    Pickle,
    /// fastText's own `.bin` or `.ftz` model.
    FastText,
    /// A NumPy array, `.npy`.
    Numpy,
    /// Several NumPy arrays, `.npz`.
    NumpyArchive,
    /// A model of `PyTorch`.
    Torch,
    /// A ZIP archive, such as GloVe's downloads.
    Zip,
    /// A tar archive.
    Tar,
    /// A 7z archive.
    SevenZip,
    /// A RAR archive.
    Rar,
    /// An HDF5 file.
    Hdf5,
    /// A Parquet file.
    Parquet,
    /// A file of Apache Arrow, or Feather.
    Arrow,
    /// A safetensors file.
    Safetensors,
    /// A GGUF model.
    Gguf,
    /// An `SQLite` database, such as Magnitude's `.magnitude` files.
    Sqlite,
    /// A folder with a model of spaCy.
    Spacy,
    /// A packed index of `ohyeah`.
    PackedIndex,
    /// Compressed with lz4.
    Lz4,
    /// Compressed with lzip or LZMA alone.
    Lzma,
    /// Compressed with `compress`.
    Compress,
    /// Compressed with zlib and without the header of gzip.
    Zlib,
    /// Compressed twice.
    CompressedTwice(Compression),
    /// Text in UTF-16.
    Utf16,
    /// A web page, which many servers send in the place of a file.
    Html,
    /// A pointer of Git LFS in the place of the file.
    LfsPointer,
}

/// What such files begin with.
const MARKS: [(&[u8], Foreign); 26] = [
    (&[0x80, 2], Foreign::Pickle),
    (&[0x80, 3], Foreign::Pickle),
    (&[0x80, 4], Foreign::Pickle),
    (&[0x80, 5], Foreign::Pickle),
    // Protocol 0, the first object of which is mostly an instance of a class.
    (b"ccopy_reg\n", Foreign::Pickle),
    (&[0xba, 0x16, 0x4f, 0x2f], Foreign::FastText),
    (b"\x93NUMPY", Foreign::Numpy),
    (b"7z\xbc\xaf\x27\x1c", Foreign::SevenZip),
    (b"Rar!\x1a\x07", Foreign::Rar),
    (b"\x89HDF", Foreign::Hdf5),
    (b"PAR1", Foreign::Parquet),
    (b"ARROW1", Foreign::Arrow),
    (b"FEA1", Foreign::Arrow),
    (b"GGUF", Foreign::Gguf),
    (b"SQLite format 3\0", Foreign::Sqlite),
    (&[0x04, 0x22, 0x4d, 0x18], Foreign::Lz4),
    (b"LZIP\x01", Foreign::Lzma),
    (&[0x5d, 0, 0], Foreign::Lzma),
    (&[0x1f, 0x9d], Foreign::Compress),
    (&[0x78, 0x01], Foreign::Zlib),
    (&[0x78, 0x9c], Foreign::Zlib),
    (&[0x78, 0xda], Foreign::Zlib),
    (&[0xff, 0xfe], Foreign::Utf16),
    (&[0xfe, 0xff], Foreign::Utf16),
    (b"version https://git-lfs", Foreign::LfsPointer),
    (&ohyeah::packed::MAGIC, Foreign::PackedIndex),
];
/// Marks that text may begin with, if it were not for what follows.
const IN_TEXT: [&[u8]; 4] = [b"PAR1", b"ARROW1", b"FEA1", b"GGUF"];

impl Foreign {
    /// What a file is that begins so, where it is something else than word vectors.
    pub(super) fn of(sample: &[u8]) -> Option<Self> {
        let marked = |(mark, _): &&(&[u8], Self)| {
            sample.starts_with(mark) && !(IN_TEXT.contains(mark) && goes_on_as_text(&sample[mark.len()..]))
        };
        if let Some((_, kind)) = MARKS.iter().find(marked) {
            return Some(*kind);
        }
        if let Some(compression) = Compression::of(sample) {
            return Some(Self::CompressedTwice(compression));
        }
        if sample.starts_with(b"PK\x03\x04") || sample.starts_with(b"PK\x05\x06") {
            return Some(in_zip(sample));
        }
        if is_tar(sample) {
            Some(Self::Tar)
        } else if is_safetensors(sample) {
            Some(Self::Safetensors)
        } else {
            (is_html(sample) && !begins_with_row(sample)).then_some(Self::Html)
        }
    }

    /// What a folder is.
    pub(super) fn of_folder(path: &Path) -> Option<Self> {
        let model = path.join("vocab").is_dir() && path.join("meta.json").is_file();
        (model || path.join("key2row").is_file()).then_some(Self::Spacy)
    }
}

/// A separator next, as behind a word, or more of the word.
fn goes_on_as_text(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| match byte {
        b' ' | b'\t' | b'\n' | b'\r' | b'!'..=b'~' => true,
        0x80.. => is_utf8(first_line(rest)),
        _ => false,
    })
}

/// UTF-8, the last character of which may be cut.
fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

fn first_line(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len())]
}

/// Whether the first line is a word and numbers: `<html> 0.1 0.2`.
fn begins_with_row(sample: &[u8]) -> bool {
    let line = fields::trim(first_line(sample.trim_ascii_start()));
    fields::trailing_numbers(line) > 0 && fields::of(line).count() == 1 + fields::trailing_numbers(line)
}

/// Whether the first block is the header of a file in a tar archive: the sum of its bytes stands in it, with eight spaces in
/// the place of the sum. Archives older than POSIX have no other mark.
fn is_tar(sample: &[u8]) -> bool {
    let Some(header) = sample.get(..512) else { return false };
    let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
    let field = &header[148..156];
    let own: u64 = field.iter().map(|&byte| u64::from(byte)).sum();
    let digits: Vec<u8> = field.iter().copied().filter(u8::is_ascii_digit).collect();
    let said = std::str::from_utf8(&digits).ok().and_then(|digits| u64::from_str_radix(digits, 8).ok());
    said == Some(sum - own + 8 * u64::from(b' '))
}

/// The length of a header in JSON, and the header.
fn is_safetensors(sample: &[u8]) -> bool {
    let Some((length, rest)) = sample.split_first_chunk::<8>() else { return false };
    (2..1 << 30).contains(&u64::from_le_bytes(*length)) && rest.starts_with(b"{")
}

fn is_html(sample: &[u8]) -> bool {
    let start = sample.trim_ascii_start();
    let begins = |text: &[u8]| start.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    begins(b"<!doctype html") || begins(b"<html") || begins(b"<?xml ")
}

/// What an archive is by the name of the first file in it.
fn in_zip(sample: &[u8]) -> Foreign {
    let length = sample.get(26..28).map_or(0, |bytes| usize::from(u16::from_le_bytes([bytes[0], bytes[1]])));
    let name = sample.get(30..30 + length).unwrap_or_default();
    if name.ends_with(b".npy") {
        Foreign::NumpyArchive
    } else if name.ends_with(b"/data.pkl") {
        Foreign::Torch
    } else {
        Foreign::Zip
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pickle => {
                "a Python pickle (gensim's own format), not word2vec; in Python, load it and call save_word2vec_format"
            }
            Self::FastText => "a fastText model, not word2vec; give the .vec file that comes with it",
            Self::Numpy => "a NumPy array, which holds no words; give a file of them too (--words), a line for each row, or build an index without (--no-words)",
            Self::NumpyArchive => "a NumPy archive (.npz); take the array out (numpy.save) and give the .npy file",
            Self::Torch => {
                "a PyTorch model; save the matrix as an array (numpy.save) and give that with its words (--words)"
            }
            Self::Zip => "a ZIP archive; unpack it (unzip) and give the file inside",
            Self::Tar => "a tar archive; unpack it (tar xf) and give the file inside",
            Self::SevenZip => "a 7z archive; unpack it (7z x) and give the file inside",
            Self::Rar => "a RAR archive; unpack it (unrar x) and give the file inside",
            Self::Hdf5 => {
                "an HDF5 file, not word2vec; save its matrix as an array (h5py, numpy.save) and give that with its words (--words)"
            }
            Self::Parquet => {
                "a Parquet file, not word2vec; save its vectors as an array (pandas.read_parquet, numpy.save) and give that with \
                 its words (--words)"
            }
            Self::Arrow => {
                "an Arrow or Feather file, not word2vec; save its vectors as an array (pandas.read_feather, numpy.save) and give \
                 that with its words (--words)"
            }
            Self::Safetensors => {
                "a safetensors file, which holds no words; save its matrix as an array (safetensors.numpy.load_file, numpy.save) \
                 and give that with its words (--words)"
            }
            Self::Gguf => "a GGUF model, which holds no word vectors; give word2vec or GloVe vectors",
            Self::Sqlite => {
                "an SQLite database (Magnitude's format), not word2vec; give the word2vec or GloVe file that it was made of, or \
                 in Python, load it with pymagnitude and write a line for each word"
            }
            Self::Spacy => {
                "a model of spaCy, not word2vec; in Python, load it and save nlp.vocab.vectors.data (numpy.save) and its words"
            }
            Self::PackedIndex => "a packed index, not a file of word vectors; open it as that",
            Self::Lz4 => "compressed with lz4; unpack it first (unlz4)",
            Self::Lzma => "compressed with lzip or LZMA; unpack it first (lzip -d or unlzma)",
            Self::Compress => "compressed with compress; unpack it first (uncompress)",
            Self::Zlib => "compressed with zlib; unpack it first (zlib-flate -uncompress)",
            Self::CompressedTwice(compression) => {
                return write!(f, "compressed twice; unpack it once more ({})", compression.command());
            }
            Self::Utf16 => "text in UTF-16; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)",
            Self::Html => "a web page, not word vectors; the download went wrong: fetch the file itself",
            Self::LfsPointer => "a pointer of Git LFS; fetch the file it stands for (git lfs pull)",
        })
    }
}
