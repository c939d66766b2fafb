//! Files that are packed, whole and damaged.

use std::io::Write;

use flate2::write::GzEncoder;
use ohyeah_words::{Compression, Loaded, ReadError, ReadErrorKind as Kind, Reader};

fn read(bytes: impl AsRef<[u8]>) -> Result<Loaded, ReadError> {
    Reader::new().read_slice(bytes.as_ref())
}

#[track_caller]
fn message(bytes: impl AsRef<[u8]>) -> String {
    read(bytes).expect_err("must fail").to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// A binary file of three words and two dimensions.
fn binary(header: &str, rows: &[(&[u8], [f32; 2])]) -> Vec<u8> {
    let mut bytes = format!("{header}\n").into_bytes();
    for (word, vector) in rows {
        bytes.extend_from_slice(word);
        bytes.push(b' ');
        bytes.extend(vector.iter().flat_map(|x| x.to_le_bytes()));
    }
    bytes
}

const ROWS: [(&[u8], [f32; 2]); 3] = [(b"cat", [0.1, 0.2]), (b"dog", [0.3, 0.4]), (b"cow", [0.5, 0.6])];

#[test]
fn damaged_gzip() {
    let mut packed = gzip(&binary("3 2", &ROWS));
    let cut = message(&packed[..packed.len() - 12]);
    assert!(cut.contains("gzip data is damaged or cut short"), "{cut}");
    packed[15] ^= 0xff;
    message(&packed);
}

#[test]
fn all_kinds_of_packing_are_read_and_damage_is_named() {
    let rows = b"2 2\ncat 1 2\ndog 3 4\n";
    for (file, compression) in [
        (bzip2(rows), Compression::Bzip2),
        (zstd(rows), Compression::Zstd),
        (xz(rows), Compression::Xz),
        (gzip(rows), Compression::Gzip),
    ] {
        let loaded = read(&file).unwrap();
        assert_eq!(loaded.compression, Some(compression));
        assert!(loaded.vectors.words().eq(["cat", "dog"]));
        let name = compression.to_string();
        // Cut and changed anywhere.
        for at in 6..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 0x20;
            for bytes in [&file[..at], &changed] {
                if let Err(error) = read(bytes) {
                    let error = error.to_string();
                    assert!(
                        !error.contains('\n') && (error.contains(&name) || error.contains("line 1")),
                        "{at}: {error}"
                    );
                }
            }
        }
        assert!(read(&file[..file.len() - 2]).unwrap_err().to_string().contains("damaged or cut short"));
        // Several, one behind the other.
        let packed = |bytes: &[u8]| match compression {
            Compression::Bzip2 => bzip2(bytes),
            Compression::Zstd => [b"\x51\x2a\x4d\x18\x03\0\0\0abc", &zstd(bytes)[..]].concat(),
            Compression::Xz => xz(bytes),
            _ => gzip(bytes),
        };
        let two = [packed(&rows[..9]), packed(&rows[9..])].concat();
        assert!(read(&two).unwrap().vectors.words().eq(["cat", "dog"]), "{name}");
    }
}

#[test]
fn zeros_behind_gzip_data_are_padding() {
    let padded = [gzip(b"2 1\ncat 1\n"), vec![0; 512], gzip(b"dog 2\n"), vec![0; 70_000]].concat();
    assert_eq!(read(&padded).unwrap().vectors.len(), 2);
    let garbage = [gzip(b"1 1\ncat 1\n"), vec![0; 512], b"something".to_vec()].concat();
    assert!(message(&garbage).contains("gzip data is damaged"));
}

#[test]
fn an_endless_name_in_a_gzip_header_takes_no_memory() {
    // A name begins behind ten bytes, and has no end.
    let start = [0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
    let mut given = 0_u64;
    let endless = std::io::Read::chain(&start[..], std::io::repeat(b'a'));
    let counted = Counted { reader: endless, given: &mut given };
    let error = Reader::new().read(counted).unwrap_err();
    assert!(matches!(error.kind(), Kind::Packed { .. }), "{error}");
    assert!(given < 1 << 20, "{given}");
}

struct Counted<'g, R> {
    reader: R,
    given: &'g mut u64,
}

impl<R: std::io::Read> std::io::Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        *self.given += read as u64;
        Ok(read)
    }
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(6)).unwrap();
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn a_gzip_checksum_is_checked_wherever_the_rows_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.gz");
    // The sample by which the format is told, and the blocks that follow the header, end in turn right behind the last row.
    for (header, bytes) in [(true, (1 << 18) - 16), (true, 1 << 22), (true, 160), (false, 1 << 18), (false, 1 << 22)] {
        let rows = bytes / 16;
        let words = (0..rows).map(|i| format!("w{i:06} {:07}\n", i % 97)).collect::<Vec<_>>().concat();
        let header = if header { format!("{rows:<13} 1\n") } else { String::new() };
        let whole = gzip((header + &words).as_bytes());
        let end = whole.len();
        assert_eq!(read(&whole).unwrap().vectors.len(), rows);
        let mut wrong = whole.clone();
        wrong[end - 8] ^= 1;
        for damaged in [&wrong[..], &whole[..end - 8], &whole[..end - 1]] {
            std::fs::write(&path, damaged).unwrap();
            let error = Reader::new().open(&path).unwrap_err();
            assert!(matches!(error.kind(), Kind::Packed { .. }), "{error}");
            let error = error.to_string();
            assert!(error.starts_with(path.to_str().unwrap()) && error.ends_with("; fetch the file again"), "{error}");
            // Rows at the front can be had all the same.
            if bytes == 1 << 22 {
                assert_eq!(Reader::new().limit(5).open(&path).unwrap().vectors.len(), 5);
            }
        }
    }
}

#[test]
fn a_gzip_checksum_is_checked_behind_rows_too_many() {
    let mut packed = gzip(format!("2 1\n{}", "cat 1\ndog 2\n".repeat(1 << 17)).as_bytes());
    assert!(read(&packed).unwrap().warnings.trailing);
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    assert!(message(&packed).contains("gzip data is damaged"));
}
