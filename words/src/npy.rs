//! Arrays of NumPy (`.npy`), which hold vectors without words.
//!
//! The format is described at <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>: a mark, the version, the
//! length of a header, a Python literal with the type, the order and the shape, and the numbers.

use std::{
    fmt, fs,
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::Compression;

const MARK: &[u8; 6] = b"\x93NUMPY";
/// No honest header is longer.
const LONGEST_HEADER: usize = 1 << 16;
/// Bytes that are read and converted at a time; a multiple of every size of a number.
const BLOCK: usize = 1 << 20;

/// Rows of numbers without names.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// All rows, one behind the other; every number is finite.
    pub numbers: Vec<f32>,
    /// Length of a row, at least 1.
    pub dimensions: usize,
}

/// Why an array cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum NpyError {
    /// The system cannot open or read it.
    Io(io::Error),
    /// It is something else than an array of NumPy.
    NotNpy,
    /// The header cannot be understood.
    Header(String),
    /// The numbers are of a type that no vector has, such as complex ones or objects.
    Type(String),
    /// It has not two dimensions, or rows without numbers.
    Shape(Vec<u64>),
    /// The file ends before the numbers that its shape promises.
    Truncated {
        /// The bytes of numbers that there should be.
        expected: u128,
        /// The bytes that there are.
        found: u64,
    },
    /// A number is NaN, infinite, or too large for an `f32`.
    NotFinite {
        /// Its row, from 0.
        row: u64,
        /// Its place in the row, from 0.
        column: u64,
    },
    /// Something follows the array, such as another one.
    GoesOn,
    /// The numbers do not fit in memory.
    OutOfMemory(u128),
}

impl fmt::Display for NpyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => write!(f, "there is no such file; check the name"),
                io::ErrorKind::IsADirectory => write!(f, "is a folder; give the name of a file"),
                io::ErrorKind::PermissionDenied => write!(f, "may not be read; change its permissions"),
                _ => write!(f, "cannot be read: {error}"),
            },
            Self::NotNpy => write!(f, "not an array of NumPy; write it with numpy.save"),
            Self::Header(header) => {
                write!(f, "the header {header:?} cannot be understood; write the array with numpy.save")
            }
            Self::Type(descr) => {
                write!(
                    f,
                    "numbers of type {descr:?} cannot be read; convert the array (.astype('float32')) and save it again"
                )
            }
            Self::Shape(shape) => write!(
                f,
                "the array has the shape {shape:?}, and two dimensions are needed, a row for each vector; reshape it"
            ),
            Self::Truncated { expected, found } => {
                write!(f, "the file ends after {found} of the {expected} bytes that its shape promises; fetch it again")
            }
            Self::NotFinite { row, column } => {
                write!(f, "row {row}: number {column} is NaN, infinite or too large; repair or remove the row")
            }
            Self::GoesOn => {
                write!(f, "the file goes on behind the array; save the array alone (numpy.save)")
            }
            Self::OutOfMemory(bytes) => write!(f, "{bytes} bytes of memory for the vectors cannot be had"),
        }
    }
}

impl core::error::Error for NpyError {}

impl From<io::Error> for NpyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What the header says.
#[derive(Debug, PartialEq)]
struct Header {
    kind: Kind,
    big_endian: bool,
    by_column: bool,
    rows: u64,
    columns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Float(usize),
    Signed(usize),
    Unsigned(usize),
}

impl Matrix {
    /// Reads a `.npy` file of two dimensions: floats of 16, 32 or 64 bits, whole numbers or booleans, in either order of bytes and of
    /// rows and columns; plain, or packed as [`Compression`] names. Memory is that of the numbers as `f32`; for a while up to three
    /// times that where the file is packed, and twice that where columns have to become rows.
    ///
    /// # Errors
    ///
    /// [`NpyError`].
    pub fn open_npy(path: impl AsRef<Path>) -> Result<Self, NpyError> {
        let path = path.as_ref();
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(NpyError::Io(io::ErrorKind::IsADirectory.into()));
        }
        Self::read(File::open(path)?, metadata.len())
    }

    /// Reads the bytes of a `.npy` file. As their number is not known, memory for a while is up to three times that of the numbers.
    ///
    /// # Errors
    ///
    /// [`NpyError`].
    pub fn read_npy(reader: impl Read + Send) -> Result<Self, NpyError> {
        Self::read(reader, 0)
    }

    /// Reads an array from a file of at least so many bytes.
    fn read(reader: impl Read + Send, size_of_file: u64) -> Result<Self, NpyError> {
        let mut reader = Compression::unpacked(reader)?;
        let header = read_header(&mut reader)?;
        let (Header { kind, rows, columns, .. }, size) = (&header, header.kind.size());
        if *columns == 0 {
            return Err(NpyError::Shape(vec![*rows, *columns]));
        }
        let count = u128::from(*rows) * u128::from(*columns);
        let expected = count.saturating_mul(size as u128);
        let out_of_memory = || NpyError::OutOfMemory(count.saturating_mul(4));
        let mut numbers = Vec::new();
        // What the header alone promises is not asked for.
        if expected <= u128::from(size_of_file) {
            numbers.try_reserve_exact(count as usize).map_err(|_| out_of_memory())?;
        }
        let mut block = Vec::with_capacity(BLOCK.min(usize::try_from(expected).unwrap_or(BLOCK)));
        let mut found = 0;
        while u128::from(found) < expected {
            block.clear();
            let wanted = (BLOCK as u128).min(expected - u128::from(found)) as u64;
            let read = reader.by_ref().take(wanted).read_to_end(&mut block)? as u64;
            found += read;
            if read < wanted {
                return Err(NpyError::Truncated { expected, found });
            }
            numbers.try_reserve(block.len() / size).map_err(|_| out_of_memory())?;
            numbers.extend(block.chunks_exact(size).map(|bytes| kind.number(bytes, header.big_endian)));
        }
        if reader.take(1).read_to_end(&mut Vec::new())? > 0 {
            return Err(NpyError::GoesOn);
        }
        header.matrix(numbers)
    }
}

impl Header {
    fn matrix(&self, numbers: Vec<f32>) -> Result<Matrix, NpyError> {
        let (rows, columns) = (self.rows as usize, self.columns as usize);
        let numbers = if self.by_column && rows > 1 && columns > 1 {
            let mut by_row = Vec::new();
            by_row.try_reserve_exact(numbers.len()).map_err(|_| NpyError::OutOfMemory(4 * numbers.len() as u128))?;
            by_row.extend((0..rows).flat_map(|row| numbers[row..].iter().step_by(rows).copied()));
            by_row
        } else {
            numbers
        };
        match numbers.iter().position(|x| !x.is_finite()) {
            Some(at) => Err(NpyError::NotFinite { row: (at / columns) as u64, column: (at % columns) as u64 }),
            None => Ok(Matrix { numbers, dimensions: columns }),
        }
    }
}

fn read_header(reader: &mut impl Read) -> Result<Header, NpyError> {
    let mut start = [0; 8];
    let short = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => NpyError::NotNpy,
        _ => NpyError::Io(error),
    };
    reader.read_exact(&mut start).map_err(short)?;
    if !start.starts_with(MARK) {
        return Err(NpyError::NotNpy);
    }
    let mut length = [0; 4];
    // Version 1 has two bytes for the length, later ones four.
    let bytes = if start[6] == 1 { 2 } else { 4 };
    reader.read_exact(&mut length[..bytes]).map_err(short)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST_HEADER {
        return Err(NpyError::NotNpy);
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text).map_err(short)?;
    let text = String::from_utf8_lossy(&text);
    parse_header(&text)
}

/// A Python dictionary such as `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`.
fn parse_header(text: &str) -> Result<Header, NpyError> {
    let unclear = || NpyError::Header(text.trim().chars().take(120).collect());
    let behind = |key: &str| -> Result<&str, NpyError> {
        let quoted = [format!("'{key}'"), format!("\"{key}\"")];
        let rest = quoted.iter().find_map(|key| text.find(key.as_str()).map(|at| &text[at + key.len()..]));
        Ok(rest.and_then(|rest| rest.trim_start().strip_prefix(':')).ok_or_else(unclear)?.trim_start())
    };
    let shape = behind("shape")?.strip_prefix('(').and_then(|rest| rest.split(')').next()).ok_or_else(unclear)?;
    // Python 2 wrote long numbers as `3L`.
    let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let sizes = sizes.map(|size| size.strip_suffix('L').unwrap_or(size).parse());
    let shape: Vec<u64> = sizes.collect::<Result<_, _>>().map_err(|_| unclear())?;
    let by_column = match behind("fortran_order")?.split([',', '}']).next().map(str::trim_end) {
        Some("True") => true,
        Some("False") => false,
        _ => return Err(unclear()),
    };
    let descr = behind("descr")?;
    let in_quotes = |quote: char| descr.strip_prefix(quote).and_then(|rest| rest.split(quote).next());
    let Some(name) = in_quotes('\'').or_else(|| in_quotes('"')) else {
        // A list of fields.
        return Err(NpyError::Type(descr.chars().take_while(|c| *c != ']').take(60).collect()));
    };
    let (big_endian, kind) = kind_of(name).ok_or_else(|| NpyError::Type(name.into()))?;
    let [rows, columns] = shape[..] else { return Err(NpyError::Shape(shape)) };
    Ok(Header { kind, big_endian, by_column, rows, columns })
}

/// Whether the first byte is the highest, and the type.
fn kind_of(descr: &str) -> Option<(bool, Kind)> {
    let (order, name) = descr.split_at_checked(1)?;
    let kind = match name {
        "f2" => Kind::Float(2),
        "f4" => Kind::Float(4),
        "f8" => Kind::Float(8),
        "i1" => Kind::Signed(1),
        "i2" => Kind::Signed(2),
        "i4" => Kind::Signed(4),
        "i8" => Kind::Signed(8),
        "b1" | "u1" => Kind::Unsigned(1),
        "u2" => Kind::Unsigned(2),
        "u4" => Kind::Unsigned(4),
        "u8" => Kind::Unsigned(8),
        _ => return None,
    };
    match order {
        ">" => Some((true, kind)),
        "<" | "|" | "=" => Some((false, kind)),
        _ => None,
    }
}

impl Kind {
    fn size(self) -> usize {
        match self {
            Self::Float(size) | Self::Signed(size) | Self::Unsigned(size) => size,
        }
    }

    /// The nearest `f32` to the number in these bytes.
    fn number(self, bytes: &[u8], big_endian: bool) -> f32 {
        let high_first = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        let bits = if big_endian { bytes.iter().fold(0, high_first) } else { bytes.iter().rev().fold(0, high_first) };
        match self {
            Self::Float(2) => half(bits as u16),
            Self::Float(4) => f32::from_bits(bits as u32),
            Self::Float(_) => f64::from_bits(bits) as f32,
            Self::Unsigned(_) => bits as f32,
            Self::Signed(size) => {
                let unused = 64 - 8 * size as u32;
                ((bits << unused) as i64 >> unused) as f32
            }
        }
    }
}

/// A float of 16 bits.
fn half(bits: u16) -> f32 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => mantissa * 2_f32.powi(-24),
        31 if mantissa == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + mantissa) * 2_f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(descr: &str, fortran: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), numbers].concat()
    }

    fn read(bytes: &[u8]) -> Result<Vec<f32>, String> {
        Matrix::read_npy(bytes).map(|matrix| matrix.numbers).map_err(|error| error.to_string())
    }

    #[test]
    fn every_type_of_number() {
        let expected = Ok(vec![1.0, -2.0]);
        assert_eq!(read(&npy("<f2", "False", "(1, 2)", &[0x00, 0x3c, 0x00, 0xc0])), expected);
        assert_eq!(read(&npy("<f4", "False", "(1, 2)", &[1_f32, -2.0].map(f32::to_le_bytes).concat())), expected);
        assert_eq!(read(&npy(">f4", "False", "(2, 1)", &[1_f32, -2.0].map(f32::to_be_bytes).concat())), expected);
        assert_eq!(read(&npy("<f8", "False", "(1, 2)", &[1_f64, -2.0].map(f64::to_le_bytes).concat())), expected);
        assert_eq!(read(&npy("|i1", "False", "(1, 2)", &[1, 0xfe])), expected);
        assert_eq!(read(&npy(">i2", "False", "(1, 2)", &[0, 1, 0xff, 0xfe])), expected);
        assert_eq!(read(&npy("<i8", "False", "(1, 2)", &[1_i64, -2].map(i64::to_le_bytes).concat())), expected);
        assert_eq!(read(&npy("|b1", "False", "(1, 2)", &[1, 0])), Ok(vec![1.0, 0.0]));
        assert_eq!(read(&npy("|u1", "True", "(2, 3)", &[0, 3, 1, 4, 2, 5])), Ok(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
        // The smallest, a subnormal, and the greatest of 16 bits.
        assert_eq!(half(1), 2_f32.powi(-24));
        assert_eq!(half(0x3ff), 1023.0 * 2_f32.powi(-24));
        assert_eq!(half(0x7bff), 65504.0);
        assert!(half(0x7c00) == f32::INFINITY && half(0x7c01).is_nan());
    }

    #[test]
    fn headers_as_numpy_reads_them() {
        let expected = Ok(vec![1.0, -2.0]);
        let numbers = [1_f32, -2.0].map(f32::to_le_bytes).concat();
        assert_eq!(read(&npy("<f4", "False", "(1L, 2L)", &numbers)), expected);
        let text = "{\"descr\" : \"<f4\", \"shape\": (1, 2), \"fortran_order\": False}\n";
        let head = [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat();
        assert_eq!(read(&[head, numbers.clone()].concat()), expected);
        for order in ["0", "1", "true", "Truely", "None", ""] {
            let error = read(&npy("<f4", order, "(1, 2)", &numbers)).unwrap_err();
            assert!(error.contains("cannot be understood"), "{order}: {error}");
        }
    }

    #[test]
    fn a_packed_array_and_no_more_memory_than_the_numbers_take() {
        use io::Write;
        let array = npy("<f4", "False", "(1000, 3)", &[0; 12_000]);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&array).unwrap();
        assert_eq!(read(&packed.finish().unwrap()), Ok(vec![0.0; 3000]));
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &array).unwrap();
        assert_eq!(Matrix::open_npy(file.path()).unwrap().numbers.capacity(), 3000);
    }

    #[test]
    fn what_cannot_be_read_is_one_line() {
        let fails = |bytes: &[u8], text: &str| {
            let error = read(bytes).unwrap_err();
            assert!(error.contains(text) && !error.contains('\n'), "{error}");
        };
        fails(b"cat 1 2\n", "not an array of NumPy");
        fails(b"", "not an array of NumPy");
        fails(&npy("<c8", "False", "(1, 1)", &[0; 8]), "numbers of type \"<c8\"");
        fails(&npy("|O", "False", "(1, 1)", &[0; 8]), "numbers of type \"|O\"");
        fails(&npy("<f4", "False", "(4,)", &[0; 16]), "the shape [4]");
        fails(&npy("<f4", "False", "(4, 0)", &[]), "the shape [4, 0]");
        fails(&npy("<f4", "False", "(1, x)", &[0; 16]), "cannot be understood");
        fails(&npy("<f4", "False", "(2, 2)", &[0; 15]), "ends after 15 of the 16 bytes");
        fails(&npy("<f4", "False", "(18446744073709551615, 18446744073709551615)", &[0; 15]), "ends after 15");
        fails(&npy("<f4", "False", "(2, 2)", &[0; 17]), "goes on behind the array");
        let nan = [1.0, 2.0, 3.0, f32::NAN].map(f32::to_le_bytes).concat();
        fails(&npy("<f4", "False", "(2, 2)", &nan), "row 1: number 1 is NaN");
        assert_eq!(read(&npy("<f4", "False", "(0, 2)", &[])), Ok(vec![]));
    }
}
