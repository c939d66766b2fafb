//! Unpacking files, by the mark that they begin with: gzip, Zstandard, xz and bzip2.
//!
//! Each of these formats may hold several streams, one behind the other, as `cat a.gz b.gz`, `pzstd` and `pbzip2` write them.
//! All are read. Memory stays bounded whatever a header asks for: flate2 gives up on names of more than 64 kB in a gzip header,
//! and windows of Zstandard and xz have a limit here.

use std::{
    fmt,
    io::{self, BufRead, Read},
};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// With gzip.
    Gzip,
    /// With Zstandard.
    Zstd,
    /// With xz.
    Xz,
    /// With bzip2.
    Bzip2,
}

/// The memory that an xz file may ask for, in KiB. `xz -9` takes 65 MiB.
const XZ_MEMORY: u32 = 256 << 10;
/// The window that a Zstandard file may ask for: what the command `zstd` allows, too.
const ZSTD_WINDOW: u64 = 128 << 20;

impl Compression {
    /// No mark is longer.
    pub(super) const LONGEST_MARK: usize = 10;

    /// How a file is packed that begins with these bytes.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // The second mark is that of a frame to be skipped, which `pzstd` begins with.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            // The level, and then the mark of a block or of the end, each of six bytes: a word may begin with `BZh91AY`.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Some(Self::Bzip2),
            _ => None,
        }
    }

    /// The bytes of a stream, unpacked if they begin as something packed does.
    ///
    /// # Errors
    ///
    /// The first bytes cannot be read. Damage of what is packed is an error of the reader that is given back.
    ///
    /// ```
    /// use std::io::Read;
    ///
    /// let mut text = String::new();
    /// ohyeah_words::Compression::unpacked(&b"cat\ndog\n"[..])?.read_to_string(&mut text)?;
    /// assert_eq!(text, "cat\ndog\n");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn unpacked<'a>(mut reader: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
        let mut start = Vec::with_capacity(Self::LONGEST_MARK);
        // A pipe may give one byte at a time, so peeking into a buffer is not enough.
        reader.by_ref().take(Self::LONGEST_MARK as u64).read_to_end(&mut start)?;
        let compression = Self::of(&start);
        let reader = io::Cursor::new(start).chain(reader);
        Ok(match compression {
            Some(compression) => compression.unpack(io::BufReader::with_capacity(1 << 16, reader)),
            None => Box::new(reader),
        })
    }

    /// What is packed in a stream.
    pub(super) fn unpack<'a>(self, reader: impl BufRead + Send + 'a) -> Box<dyn Read + Send + 'a> {
        match self {
            Self::Gzip => Box::new(GzipMembers { member: None, between: Some(reader) }),
            Self::Zstd => {
                let mut decoder = FrameDecoder::new();
                decoder.set_max_window_size(ZSTD_WINDOW);
                Box::new(ZstdFrames { decoder, reader, in_frame: false })
            }
            Self::Xz => Box::new(XzReader::new_mem_limit(reader, true, XZ_MEMORY)),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(reader)),
        }
    }

    /// The command that unpacks it.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Gzip => "gunzip",
            Self::Zstd => "unzstd",
            Self::Xz => "unxz",
            Self::Bzip2 => "bunzip2",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "Zstandard",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        })
    }
}

/// Passes over zeros, with which tapes and some downloads fill their last block, and tells whether the stream ends there.
fn ends_behind_zeros(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(true);
        }
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        let all = zeros == bytes.len();
        reader.consume(zeros);
        if !all {
            return Ok(false);
        }
    }
}

struct GzipMembers<R> {
    member: Option<GzDecoder<R>>,
    between: Option<R>,
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(member) = &mut self.member {
                let read = member.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                self.between = self.member.take().map(GzDecoder::into_inner);
            }
            let Some(reader) = &mut self.between else { return Ok(0) };
            if ends_behind_zeros(reader)? {
                return Ok(0);
            }
            self.member = self.between.take().map(GzDecoder::new);
        }
    }
}

struct ZstdFrames<R> {
    decoder: FrameDecoder,
    reader: R,
    in_frame: bool,
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.in_frame {
                let read = self.read_frame(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                self.in_frame = false;
            }
            if ends_behind_zeros(&mut self.reader)? {
                return Ok(0);
            }
            match self.decoder.reset(&mut self.reader) {
                Ok(()) => self.in_frame = true,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let skipped = io::copy(&mut self.reader.by_ref().take(length.into()), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(invalid(error)),
            }
        }
    }
}

impl<R: BufRead> ZstdFrames<R> {
    /// Bytes of this frame, and 0 at its end, where its checksum is compared.
    fn read_frame(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            self.decoder.decode_blocks(&mut self.reader, BlockDecodingStrategy::UptoBlocks(1)).map_err(invalid)?;
        }
        let read = self.decoder.read(buffer)?;
        let ended = read == 0 && !buffer.is_empty();
        let sums = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        if let (true, (Some(expected), Some(found))) = (ended, sums)
            && expected != found
        {
            return Err(invalid("the checksum is wrong"));
        }
        Ok(read)
    }
}

fn invalid(error: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
