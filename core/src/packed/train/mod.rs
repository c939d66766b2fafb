//! Building: partition, codebooks, codes, calibration, each straight into its place in the file.

pub(crate) mod kmeans;
pub(crate) mod sample;
pub(crate) mod source;

use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use crate::error::{PackedError, VectorError};
use crate::metric::Element;
use crate::packed::file::layout::{Layout, LeafStart, MOST_DIMENSIONS, Shape, can_pack, row_bytes};
use crate::packed::options::Cancel;
use crate::packed::quantise::pq4::{Codebook, Encoder, NUMBERS, tables, train};
use crate::packed::quantise::sq7::{Grid, code_in, offset_and_step, tile_width};
use crate::packed::train::kmeans::{KMeans, Leaves};
use crate::packed::train::sample::Sample;
use crate::packed::train::source::Rows;
use crate::packed::tune::effort::{Trial, calibrate, sample};
use crate::packed::tune::list_bias::Ranking;
use crate::packed::{KnnOptions, PackedBuf, PackedOptions};
use crate::parallel::Join;
use crate::simd::in_f64::dot;
use crate::simd::{SCAN_ROWS, TILE_ROWS};
use crate::{Backend, Metric};

/// Rows in a leaf, about: fewer cost more centroids to compare, more cost more codes to scan.
const ROWS_A_LEAF: usize = 224;
/// Passes of k-means.
pub(crate) const PASSES: usize = 6;
/// Rows from which codebooks are trained.
const TRAINED_ON: usize = 1 << 14;

/// Passes of k-means and rows in a leaf where only neighbours are wanted: worse and fewer leaves cost them less than better ones.
const PASSES_FOR_NEIGHBOURS: usize = 3;
const ROWS_A_LEAF_FOR_NEIGHBOURS: usize = 320;

/// An index.
pub(crate) fn build<J: Join>(
    rows: Rows<'_>,
    backend: Backend,
    options: &PackedOptions<'_>,
) -> Result<(PackedBuf, Layout), PackedError> {
    build_with::<J>(rows, backend, options, true)
}

/// An index without codes and calibration, which finding neighbours does without.
pub(crate) fn build_partition<J: Join>(
    rows: Rows<'_>,
    backend: Backend,
    options: &KnnOptions<'_>,
) -> Result<(PackedBuf, Layout), PackedError> {
    let steps = AtomicUsize::new(0);
    let progress = || options.tell(0.0..0.3, steps.fetch_add(1, Relaxed), PASSES_FOR_NEIGHBOURS + 3);
    let leaves = (rows.len() / ROWS_A_LEAF_FOR_NEIGHBOURS).max(1);
    let how = PackedOptions::new().leaves(leaves).seed(options.seed).passes(PASSES_FOR_NEIGHBOURS).progress(&progress);
    let how = how.cancelled_by(options.cancel);
    build_with::<J>(rows, backend, &how, false)
}

fn build_with<J: Join>(
    rows: Rows<'_>,
    backend: Backend,
    options: &PackedOptions<'_>,
    codes_too: bool,
) -> Result<(PackedBuf, Layout), PackedError> {
    check(rows, backend)?;
    let (n, d) = (rows.len(), rows.dimensions);
    let origin = origin::<J>(rows);
    let rows = Rows { origin: &origin, ..rows };
    let (offset, step): (Vec<f32>, Vec<f32>) = rows.ranges::<J>().into_iter().map(offset_and_step).unzip();
    let grid = Grid { offset: &offset, step: &step };
    let leaves = options.leaves.unwrap_or(n / ROWS_A_LEAF).clamp(1, n.max(1)).min(n);
    let passes = options.passes.unwrap_or(PASSES);
    let held_out = if codes_too { sample(n) } else { Sample::NONE };
    let k_means = KMeans { rows, grid, leaves, passes, held_out, backend, options };
    let (centroids, leaves) = k_means.run::<J>().ok_or(PackedError::Cancelled)?;
    let starts = leaf_starts(&leaves);
    let keys = options.keys.map(|keys| keys.iter().map(|key| key.len()).sum());
    let blocks = starts.last().map_or(0, |end| end.block) as usize;
    let shape = Shape { metric: rows.metric, dimensions: d, rows: n, leaves: leaves.len(), blocks, keys };
    let layout = Layout::plan(shape, options.seed).ok_or(PackedError::OutOfMemory)?;
    let mut buf = PackedBuf::zeroed(layout.end())?;

    let centroid = |leaf: usize, value: &mut [f32]| {
        let tile = &centroids.tiles[leaf / TILE_ROWS * tile_width(d)..][..tile_width(d)];
        for (dimension, value) in value.iter_mut().enumerate().take(d) {
            *value = grid.value(dimension, code_in(tile, leaf % TILE_ROWS, dimension));
        }
    };
    let rests = if codes_too { sample_rests(rows, &leaves, &centroid) } else { Vec::new() };
    let codebooks = train::<J>(&rests, NUMBERS * tables(d));
    options.cancel.check()?;
    options.step();

    let [
        grids,
        tiles,
        biases,
        starts_to,
        books,
        codes,
        code_biases,
        leaf_biases,
        ids,
        bytes,
        vectors,
        rows_to,
        _,
        ends,
        keys,
    ] = layout.sections_mut(buf.as_mut());
    grids.copy_from_slice(bytemuck::cast_slice(&[&origin[..], &offset, &step].concat()));
    tiles.copy_from_slice(bytemuck::cast_slice(&centroids.tiles));
    let ranking = Ranking::new::<J>(rows, backend, &leaves, &centroid, options.cancel);
    ranking.write(if codes_too { 0.0 } else { ranking.usual_weight() }, bytemuck::cast_slice_mut(biases));
    starts_to.copy_from_slice(bytemuck::cast_slice(&starts));
    books.copy_from_slice(bytemuck::cast_slice(&codebooks));
    ids.copy_from_slice(bytemuck::cast_slice(&leaves.order));
    let rows_to: &mut [u32] = bytemuck::cast_slice_mut(rows_to);
    for (row, id) in (0..).zip(&leaves.order) {
        rows_to[*id as usize] = row;
    }
    let writer = Writer {
        rows,
        grid,
        codebooks: &codebooks,
        leaves: &leaves,
        starts: &starts,
        centroid: &centroid,
        codes_too,
        cancel: options.cancel,
    };
    writer.write::<J>(
        0,
        Parts {
            codes: bytemuck::cast_slice_mut(codes),
            code_biases: bytemuck::cast_slice_mut(code_biases),
            leaf_biases: bytemuck::cast_slice_mut(leaf_biases),
            bytes,
            vectors: bytemuck::cast_slice_mut(vectors),
            leaves: leaves.len(),
        },
    );
    write_keys(options.keys.unwrap_or(&[]), keys, bytemuck::cast_slice_mut(ends));
    options.cancel.check()?;
    options.step();
    if !codes_too {
        return Ok((buf, layout));
    }
    let view = layout.view(buf.as_ref());
    let trials = Trial::sample::<J>(&view, backend, options.cancel);
    options.cancel.check()?;
    let weight = ranking.best_weight::<J>(&view, backend, &trials, options.cancel);
    let [_, _, biases, ..] = layout.sections_mut(buf.as_mut());
    ranking.write(weight, bytemuck::cast_slice_mut(biases));
    options.cancel.check()?;
    let points = calibrate::<J>(&layout.view(buf.as_ref()), backend, &trials, options.cancel);
    options.cancel.check()?;
    let [.., calibration, _, _] = layout.sections_mut(buf.as_mut());
    calibration.copy_from_slice(bytemuck::cast_slice(&points));
    layout.seal(buf.as_mut());
    options.step();
    Ok((buf, layout))
}

/// Where the rows and the blocks of codes of each leaf begin, and where those of the last end.
fn leaf_starts(leaves: &Leaves) -> Vec<LeafStart> {
    let blocks = leaves.starts.windows(2).map(|pair| (pair[1] - pair[0]).div_ceil(SCAN_ROWS as u32)).chain([0]);
    let mut block = 0;
    let mut start = |(blocks, row): (u32, &u32)| {
        let start = LeafStart { row: *row, block };
        block += blocks;
        start
    };
    blocks.zip(&leaves.starts).map(&mut start).collect()
}

fn write_keys(from: &[&str], to: &mut [u8], ends: &mut [u64]) {
    let mut end = 0;
    for (key, end_to) in from.iter().zip(ends) {
        to[end..end + key.len()].copy_from_slice(key.as_bytes());
        end += key.len();
        *end_to = end as u64;
    }
}

fn check(rows: Rows<'_>, backend: Backend) -> Result<(), PackedError> {
    let Rows { metric, vectors, dimensions, .. } = rows;
    if !can_pack(metric) {
        return Err(PackedError::Metric(metric));
    }
    if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
        return Err(PackedError::Dimensions(dimensions));
    }
    if vectors.len() % dimensions != 0 {
        return Err(PackedError::Length { numbers: vectors.len(), dimensions });
    }
    if i32::try_from(rows.len()).is_err() {
        return Err(PackedError::TooMany);
    }
    for (id, row) in (0..).zip(vectors.chunks_exact(dimensions)) {
        check_vector(metric, row, dimensions, backend).map_err(|error| PackedError::Vector { id, error })?;
    }
    Ok(())
}

/// Where the index sees vectors from.
fn origin<J: Join>(rows: Rows<'_>) -> Vec<f32> {
    if rows.metric != Metric::Euclidean {
        return vec![0.0; rows.dimensions];
    }
    let middle = |[low, high]: [f32; 2]| if low <= high { low / 2.0 + high / 2.0 } else { 0.0 };
    let origin: Vec<f32> = rows.ranges::<J>().into_iter().map(middle).collect();
    // From an origin as near to zero as vectors have to be, none is farther than twice that.
    if dot(&origin, &origin) <= f64::from(LONGEST_SQUARED) { origin } else { vec![0.0; rows.dimensions] }
}

/// The square of the greatest length of a vector whose products with bytes are finite: 2⁵⁹, twice as much from an origin, times
/// √2048 times a range of twice as much.
const LONGEST_SQUARED: f32 = (1_u128 << 118) as f32;

/// Whether an index can have, and search for, a vector. Of directions the lengths do not matter.
pub(crate) fn check_vector(
    metric: Metric,
    vector: &[f32],
    dimensions: usize,
    backend: Backend,
) -> Result<(), VectorError> {
    Element::check(vector, dimensions, backend)?;
    let fits = metric == Metric::Angular || dot(vector, vector) <= f64::from(LONGEST_SQUARED);
    if fits { Ok(()) } else { Err(VectorError::TooLong) }
}

/// What a sample of rows has besides the centroids of their leaves.
fn sample_rests(rows: Rows<'_>, leaves: &Leaves, centroid: &(impl Fn(usize, &mut [f32]) + Sync)) -> Vec<f32> {
    let width = NUMBERS * tables(rows.dimensions);
    let every = rows.len().div_ceil(TRAINED_ON).max(1);
    let mut rests = Vec::new();
    let (mut row, mut middle) = (vec![0.0; width], vec![0.0; width]);
    let mut leaf = 0;
    for at in (0..rows.len()).step_by(every) {
        while leaves.starts[leaf + 1] as usize <= at {
            leaf += 1;
        }
        rows.read(leaves.order[at], &mut row);
        centroid(leaf, &mut middle);
        rests.extend(row.iter().zip(&middle).map(|(x, c)| x - c));
    }
    rests
}

/// The sections that hold something for each row, from some leaf on.
struct Parts<'a> {
    codes: &'a mut [[u8; SCAN_ROWS]],
    code_biases: &'a mut [[u16; SCAN_ROWS]],
    leaf_biases: &'a mut [[f32; 2]],
    bytes: &'a mut [u8],
    vectors: &'a mut [f32],
    leaves: usize,
}

struct Writer<'a, C> {
    rows: Rows<'a>,
    grid: Grid<'a>,
    codebooks: &'a [Codebook],
    leaves: &'a Leaves,
    starts: &'a [LeafStart],
    centroid: &'a C,
    codes_too: bool,
    cancel: Cancel<'a>,
}

/// Leaves that a thread writes at a time.
const LEAVES: usize = 16;

impl<C: Fn(usize, &mut [f32]) + Sync> Writer<'_, C> {
    /// Writes the rows of the leaves from `first` on.
    fn write<J: Join>(&self, first: usize, mut parts: Parts<'_>) {
        let count = parts.leaves;
        if count <= LEAVES {
            self.write_here(first, &mut parts);
            return;
        }
        let (from, to) = (self.starts[first], self.starts[first + count / 2]);
        let (rows, blocks) = ((to.row - from.row) as usize, (to.block - from.block) as usize);
        let euclidean = self.rows.metric == Metric::Euclidean;
        let Parts { codes, code_biases, leaf_biases, bytes, vectors, .. } = parts;
        let codes = codes.split_at_mut(blocks * self.codebooks.len() / 2);
        let code_biases = code_biases.split_at_mut(if euclidean { blocks } else { 0 });
        let leaf_biases = leaf_biases.split_at_mut(if euclidean { count / 2 } else { 0 });
        let bytes = bytes.split_at_mut(rows * row_bytes(self.rows.dimensions));
        let vectors = vectors.split_at_mut(rows * self.rows.dimensions);
        let left = Parts {
            codes: codes.0,
            code_biases: code_biases.0,
            leaf_biases: leaf_biases.0,
            bytes: bytes.0,
            vectors: vectors.0,
            leaves: count / 2,
        };
        let right = Parts {
            codes: codes.1,
            code_biases: code_biases.1,
            leaf_biases: leaf_biases.1,
            bytes: bytes.1,
            vectors: vectors.1,
            leaves: count - count / 2,
        };
        J::join(|| self.write::<J>(first, left), || self.write::<J>(first + count / 2, right));
    }

    fn write_here(&self, first: usize, parts: &mut Parts<'_>) {
        let (d, tables) = (self.rows.dimensions, self.codebooks.len());
        let width = NUMBERS * tables;
        let mut encoder = Encoder::new(self.codebooks);
        let (mut row, mut along, mut middle) = (vec![0.0; width], vec![0.0; width], vec![0.0; width]);
        let (mut rest, mut codes) = (vec![0.0; width], vec![0; tables]);
        let mut biases = Vec::new();
        let (mut row_at, mut block_at) = (0, 0);
        for at in 0..parts.leaves {
            if self.cancel.is_set() {
                return;
            }
            (self.centroid)(first + at, &mut middle);
            biases.clear();
            let ids = self.leaves.rows(first + at);
            for (place, id) in ids.iter().enumerate() {
                self.rows.read(*id, &mut row);
                let vector = &mut parts.vectors[row_at * d..][..d];
                vector.copy_from_slice(self.rows.row(*id));
                let bytes = &mut parts.bytes[row_at * row_bytes(d)..][..row_bytes(d)];
                self.grid.encode(&row[..d], bytes);
                for ((rest, x), c) in rest.iter_mut().zip(&row).zip(&middle) {
                    *rest = x - c;
                }
                let squared = dot(&row, &row);
                if self.rows.metric == Metric::Euclidean
                    && let Some(to) = bytes.last_chunk_mut()
                {
                    *to = ((-0.5 * squared) as f32).to_le_bytes();
                }
                row_at += 1;
                if !self.codes_too {
                    continue;
                }
                if self.rows.metric != Metric::Euclidean {
                    along.copy_from_slice(&row);
                    source::normalise(&mut along);
                }
                encoder.encode(&rest, &along, &mut codes);
                if self.rows.metric == Metric::Euclidean {
                    // Of a query near the row, the codes miss about what they miss of the row itself.
                    biases.push((dot(&row, encoder.left()) - 0.5 * squared) as f32);
                }
                let block = &mut parts.codes[(block_at + place / SCAN_ROWS) * tables / 2..][..tables / 2];
                for (to, pair) in block.iter_mut().zip(codes.as_chunks::<2>().0) {
                    to[place % SCAN_ROWS] = pair[0] | pair[1] << 4;
                }
            }
            let blocks = ids.len().div_ceil(SCAN_ROWS);
            if self.rows.metric == Metric::Euclidean {
                let places = parts.code_biases[block_at..block_at + blocks].as_flattened_mut();
                parts.leaf_biases[at] = encode_biases(&biases, places);
            }
            block_at += blocks;
        }
    }
}

/// Writes biases as steps from the least; returns the least and the step.
fn encode_biases(biases: &[f32], to: &mut [u16]) -> [f32; 2] {
    let least = biases.iter().copied().fold(f32::INFINITY, f32::min);
    let most = biases.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let step = (most - least) / f32::from(u16::MAX);
    for (to, bias) in to.iter_mut().zip(biases) {
        *to = ((bias - least) / step + 0.5) as u16;
    }
    if least.is_finite() { [least, step] } else { [0.0, 0.0] }
}
