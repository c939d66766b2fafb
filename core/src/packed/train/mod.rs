//! The first stages of a build: what is learned from the vectors ([`train`]), and what is written of each row ([`write`],
//! [`Draft::write_codes`]). What is measured on some of the rows comes after ([`tune`](crate::packed::tune)), and then the header
//! that seals the file. A graph needs [`train`] and [`write`] alone.

mod encode;
pub(crate) mod kmeans;
mod local;
pub(crate) mod sample;
pub(crate) mod source;

use alloc::vec::Vec;

use self::encode::{CodeWriter, train_codebooks, write_rows};
use self::kmeans::{Centroids, KMeans, Partition};
use self::local::{OwnLocalSpace, write_local};
use self::sample::Sample;
use self::source::RowSource;
use super::error::{OutOfMemory, Stopped};
use super::file::buf::PackedBuf;
use super::file::layout::FileLayout;
use super::file::sections::{CodeErrors, LeafStart, Shape, Version};
use super::file::view::{SectionsMut, View};
use super::quantise::sq7::{ScalarQuantiser, code_in, offset_and_step, tile_width};
use super::quantise::subquantisation::Codebooks;
use crate::Backend;
use crate::parallel::Join;
use crate::progress::{Cancel, Cancelled, Steps};
use crate::simd::{SCAN_ROWS, TILE_ROWS};

/// How to train.
pub(crate) struct Plan<'a> {
    pub(crate) leaves: usize,
    pub(crate) passes: usize,
    /// Rows that have no part in the centroids.
    pub(crate) held_out: Sample,
    pub(crate) seed: u64,
    pub(crate) backend: Backend,
    pub(crate) steps: &'a Steps<'a>,
    pub(crate) cancel: Cancel<'a>,
}

/// What is learned from the vectors: the quantiser of their numbers, and the leaves.
pub(crate) struct Trained<'a> {
    pub(crate) source: RowSource<'a>,
    offset: Vec<f32>,
    step: Vec<f32>,
    centroids: Centroids,
    pub(crate) partition: Partition,
    /// The space of local codes, where there are any.
    local: Option<OwnLocalSpace>,
}

/// Trains on vectors that are seen from their origin.
pub(crate) fn train<'a, J: Join>(source: RowSource<'a>, plan: &Plan<'_>) -> Result<Trained<'a>, Cancelled> {
    let n = source.len();
    let (offset, step): (Vec<f32>, Vec<f32>) = source.ranges::<J>().into_iter().map(offset_and_step).unzip();
    let k_means = KMeans {
        source,
        quantiser: ScalarQuantiser { offset: &offset, step: &step },
        leaves: plan.leaves.clamp(1, n.max(1)).min(n),
        passes: plan.passes,
        held_out: plan.held_out,
        seed: plan.seed,
        backend: plan.backend,
        steps: plan.steps,
        cancel: plan.cancel,
    };
    let (centroids, partition) = k_means.run::<J>()?;
    Ok(Trained { source, offset, step, centroids, partition, local: None })
}

impl Trained<'_> {
    /// With local codes, where they are worth it.
    pub(crate) fn with_local_codes(self) -> Self {
        Self { local: local::choose(self.source, self.quantiser()), ..self }
    }

    pub(crate) fn quantiser(&self) -> ScalarQuantiser<'_> {
        ScalarQuantiser { offset: &self.offset, step: &self.step }
    }

    /// Writes what the codes of a leaf's centroid stand for.
    pub(crate) fn read_centroid(&self, leaf: usize, to: &mut [f32]) {
        let (d, quantiser) = (self.source.dimensions, self.quantiser());
        let tile = &self.centroids.tiles[leaf / TILE_ROWS * tile_width(d)..][..tile_width(d)];
        for (dimension, value) in to.iter_mut().enumerate().take(d) {
            *value = quantiser.value(dimension, code_in(tile, leaf % TILE_ROWS, dimension));
        }
    }

    /// Where the rows and the blocks of codes of each leaf begin, and where those of the last end.
    fn leaf_starts(&self) -> Vec<LeafStart> {
        let starts = &self.partition.starts;
        let blocks = starts.windows(2).map(|pair| (pair[1] - pair[0]).div_ceil(SCAN_ROWS as u32)).chain([0]);
        let mut block = 0;
        let mut start = |(blocks, row): (u32, &u32)| {
            let start = LeafStart { row: *row, block };
            block += blocks;
            start
        };
        blocks.zip(starts).map(&mut start).collect()
    }
}

/// A file that is being written.
pub(crate) struct Draft<'a> {
    buf: PackedBuf,
    layout: FileLayout,
    trained: Trained<'a>,
    starts: Vec<LeafStart>,
}

/// Writes all but the 4-bit codes and what is tuned.
pub(crate) fn write<'a, J: Join>(
    trained: Trained<'a>,
    keys: Option<&[&str]>,
    plan: &Plan<'_>,
) -> Result<Draft<'a>, Stopped> {
    let (source, starts) = (trained.source, trained.leaf_starts());
    let shape = Shape {
        version: Version::LATEST,
        metric: source.metric(),
        dimensions: source.dimensions,
        rows: source.len(),
        leaves: trained.partition.len(),
        blocks: starts.last().map_or(0, |end| end.block) as usize,
        keys: keys.map(|keys| keys.iter().map(|key| key.len()).sum()),
        has_local: trained.local.is_some(),
    };
    let layout = FileLayout::plan(shape, plan.seed).ok_or(OutOfMemory)?;
    let mut buf = PackedBuf::zeroed(layout.end())?;
    let to = layout.sections_mut(&mut buf);
    let numbers = source.space.origin.iter().chain(&trained.offset).chain(&trained.step);
    to.quantiser.iter_mut().zip(numbers).for_each(|(to, from)| *to = *from);
    to.centroids.copy_from_slice(&trained.centroids.tiles);
    to.leaves.copy_from_slice(&starts);
    to.ids.copy_from_slice(&trained.partition.order);
    for (row, id) in (0..).zip(&trained.partition.order) {
        to.row_of_id[*id as usize] = row;
    }
    write_keys(keys.unwrap_or(&[]), to.keys, to.key_ends);
    write_rows::<J>(&trained, to.vectors, to.row_codes, plan.cancel)?;
    if let (Some(space), Some(rows)) = (&trained.local, to.local) {
        let start = 4 * shape.dimensions + size_of::<CodeErrors>() / size_of::<f32>();
        to.quantiser[start..].iter_mut().zip(space.numbers()).for_each(|(to, from)| *to = *from);
        write_local::<J>(&trained, space, rows, plan.cancel)?;
    }
    Ok(Draft { buf, layout, trained, starts })
}

fn write_keys(from: &[&str], to: &mut [u8], ends: &mut [u64]) {
    let mut end = 0;
    for (key, end_to) in from.iter().zip(ends) {
        to[end..end + key.len()].copy_from_slice(key.as_bytes());
        end += key.len();
        *end_to = end as u64;
    }
}

impl Draft<'_> {
    /// Trains codebooks and writes the 4-bit codes.
    pub(crate) fn write_codes<J: Join>(&mut self, plan: &Plan<'_>) -> Result<(), Cancelled> {
        let pieces = self.layout.shape.subquantisation();
        let numbers = train_codebooks::<J>(&self.trained, pieces);
        plan.cancel.check()?;
        plan.steps.step();
        let to = self.layout.sections_mut(&mut self.buf);
        to.codebooks.copy_from_slice(&numbers);
        let (trained, starts, cancel) = (&self.trained, &self.starts[..], plan.cancel);
        let codebooks = Codebooks { pieces, numbers: &numbers };
        let writer = CodeWriter { trained, codebooks, starts, cancel };
        writer.write::<J>(to.codes, to.code_biases, to.leaf_biases)?;
        plan.steps.step();
        Ok(())
    }

    pub(crate) const fn trained(&self) -> &Trained<'_> {
        &self.trained
    }

    /// The file as it is, without its header.
    pub(crate) fn into_parts(self) -> (PackedBuf, FileLayout) {
        (self.buf, self.layout)
    }

    /// The file with its header.
    pub(crate) fn seal(mut self) -> (PackedBuf, FileLayout) {
        self.layout.seal(self.buf.as_mut());
        self.into_parts()
    }

    pub(crate) fn view(&self, backend: Backend) -> View<'_> {
        self.layout.view_buf(&self.buf, backend)
    }

    pub(crate) fn sections_mut(&mut self) -> SectionsMut<'_> {
        self.layout.sections_mut(&mut self.buf)
    }
}
