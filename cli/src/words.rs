//! The file of words that belongs to an array of vectors.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use ohyeah::FileError;
use ohyeah_words::Compression;

use crate::failure::Failure;

/// The name that messages give.
pub(crate) fn name(path: &Path) -> String {
    if is_standard(path) { "standard input".into() } else { path.display().to_string() }
}

/// The words, a line each.
pub(crate) fn text(path: &Path, lossy: bool) -> Result<String, Failure> {
    let text = if is_standard(path) { unpacked(io::stdin()) } else { File::open(path).and_then(unpacked) };
    let text = text.map_err(|error| match error.raw_os_error() {
        Some(_) => FileError::Io(name(path).into(), error).into(),
        // That of a decompressor.
        None => Failure::about(name(path), format_args!("damaged or cut short: {error}; fetch it again")),
    })?;
    let text = match String::from_utf8(text) {
        Ok(text) => text,
        Err(error) if lossy => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        Err(error) => {
            // The part of the last line before the fault is one, too, though it may be empty.
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.split(|byte| *byte == b'\n').count();
            let problem =
                format_args!("line {line}: the word is not UTF-8; read with lossy decoding (--lossy) or repair it");
            return Err(Failure::about(name(path), problem));
        }
    };
    // Windows editors put a byte order mark in front, which belongs to no word.
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

fn unpacked(reader: impl Read + Send) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Compression::unpacked(reader)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}
