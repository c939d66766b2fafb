//! The neighbours of every vector, as they are handed out.

use alloc::vec::Vec;

use crate::error::PackedError;
use crate::packed::options::KnnOptions;
use crate::packed::train::source::Rows;
use crate::packed::{graph, train};
use crate::parallel::Join;
use crate::{Backend, Metric, Neighbour};

/// The neighbours of every vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Knn {
    /// By vector, nearest first, as many for each.
    pub(crate) neighbours: Vec<Neighbour>,
    pub(crate) width: usize,
}

impl Knn {
    /// The neighbours of every one of some vectors, which lie one after the other, `dimensions` numbers each: partitions them
    /// as [`Packed`](crate::Packed) does, and keeps nothing of it.
    ///
    /// # Errors
    ///
    /// A metric that cannot be packed, vectors that cannot be searched for, no memory, or the work was called off.
    pub fn of<J: Join>(
        metric: Metric,
        vectors: &[f32],
        dimensions: usize,
        options: &KnnOptions<'_>,
    ) -> Result<Self, PackedError> {
        if dimensions == 0 {
            return Err(PackedError::Dimensions(0));
        }
        let rows = Rows { metric, vectors, dimensions, origin: &[] };
        let backend = options.backend.unwrap_or_else(Backend::detect);
        let (bytes, layout) = train::build_partition::<J>(rows, backend, options)?;
        graph::join::<J>(&layout.view(bytes.as_ref()), backend, options)
    }

    /// The neighbours of a vector, nearest first, of equals the smaller id first; itself is not among them. None of an id that
    /// there is not.
    #[must_use]
    pub fn neighbours(&self, id: u32) -> &[Neighbour] {
        let start = (id as usize).saturating_mul(self.width);
        self.neighbours.get(start..start.saturating_add(self.width)).unwrap_or(&[])
    }

    /// How many neighbours each vector has: as many as were asked for, or fewer where there are not as many vectors.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }
}
