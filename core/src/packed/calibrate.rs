//! Calibrating an index with queries that its caller has.

use alloc::collections::TryReserveError;
use core::fmt;

use super::error::STORAGE;
use super::file::buf::PackedBuf;
use super::file::layout::FileLayout;
use super::file::sections::LIST_LENGTHS;
use super::file::view::Calibration;
use super::tune::given::{self, FEWEST};
use crate::Packed;
use crate::error::VectorError;
use crate::parallel::{Join, Serial};
use crate::progress::{Cancel, Cancelled, Progress, Steps};

impl<S: AsRef<[u8]>> Packed<S> {
    /// The index, in memory, with what each recall takes measured anew: for queries like these, not for rows.
    ///
    /// A build measures with some of the rows. Queries from elsewhere (texts that ask for images) need more effort, and get less
    /// recall than was asked for, until the index is calibrated with a sample of them, some hundreds at best. Searches for
    /// vectors like the rows then take more effort than they need.
    ///
    /// ```
    /// use ohyeah_core::packed::{BuildOptions, Search};
    /// use ohyeah_core::{Metric, Packed};
    ///
    /// let vectors: Vec<f32> = (0..1000).map(|x| (x as f32).sin()).collect();
    /// let index = Packed::build(Metric::Angular, &vectors, 2, &BuildOptions::new())?;
    /// let queries: Vec<[f32; 2]> = (0..50).map(|x| [x as f32, -1.0]).collect();
    /// let queries: Vec<&[f32]> = queries.iter().map(|query| &query[..]).collect();
    /// let calibrated = index.calibrate(&queries)?;
    /// assert_eq!(calibrated.calibrated_with(), 50);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Too few queries, one that no vector could be, an index of version 1, no memory for a copy.
    pub fn calibrate(&self, queries: &[&[f32]]) -> Result<Packed, CalibrateError> {
        self.calibrate_with::<Serial>(queries, Progress::NONE, Cancel::NEVER)
    }

    /// [`calibrate`](Self::calibrate) on the threads of `J`. The index is the same.
    ///
    /// # Errors
    ///
    /// See [`calibrate`](Self::calibrate); or it was cancelled.
    pub fn calibrate_with<J: Join>(
        &self,
        queries: &[&[f32]],
        progress: Progress<'_>,
        cancel: Cancel<'_>,
    ) -> Result<Packed, CalibrateError> {
        let view = self.view().ok_or(CalibrateError::Storage)?;
        let bytes = self.storage.as_ref();
        let mut storage = PackedBuf::zeroed(bytes.len())?;
        storage.as_mut().copy_from_slice(bytes);
        let steps = Steps::new(progress, 0.0..1.0, LIST_LENGTHS.len());
        given::calibrate_with::<J>(&self.layout, &view, &mut storage, queries, (&steps, cancel))?;
        let layout = FileLayout::open(storage.as_ref()).map_err(|_| CalibrateError::Storage)?;
        Ok(Packed { storage, layout, backend: self.backend })
    }

    /// With how many queries it was calibrated; 0 where rows were taken, as a build does.
    #[must_use]
    pub fn calibrated_with(&self) -> usize {
        match self.view().map(|view| view.calibration) {
            Some(Calibration::Adaptive(header, _)) => header.queries as usize,
            _ => 0,
        }
    }
}

/// Why an index could not be calibrated.
///
/// ```
/// use ohyeah_core::packed::{BuildOptions, CalibrateError};
/// use ohyeah_core::{Metric, Packed};
///
/// let index = Packed::build(Metric::Dot, &[1.0, 2.0], 2, &BuildOptions::new())?;
/// assert_eq!(index.calibrate(&[&[1.0, 2.0]]).unwrap_err(), CalibrateError::TooFew { found: 1 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CalibrateError {
    /// Too few queries to measure anything: there have to be at least 20.
    TooFew {
        /// How many there are.
        found: usize,
    },
    /// A query that no vector could be.
    Query {
        /// Its number, counted from 0.
        at: usize,
        /// What is wrong with it.
        error: VectorError,
    },
    /// The file is one of version 1, which has no place for what is measured.
    Version,
    /// The storage no longer gives the bytes that were opened.
    Storage,
    /// There is no memory for a copy of the index.
    OutOfMemory,
    /// The work was cancelled.
    Cancelled,
}

impl fmt::Display for CalibrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { found } => {
                write!(f, "{found} queries are too few to calibrate with: give at least {FEWEST}, better some hundreds")
            }
            Self::Query { at, error } => write!(f, "query {at}: {error}"),
            Self::Version => f.write_str("an index of version 1 cannot be calibrated: build it again"),
            Self::Storage => f.write_str(STORAGE),
            Self::OutOfMemory => f.write_str("no memory for a copy of the index: free some"),
            Self::Cancelled => f.write_str("the calibration was cancelled"),
        }
    }
}

impl core::error::Error for CalibrateError {}

impl From<Cancelled> for CalibrateError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<TryReserveError> for CalibrateError {
    fn from(_: TryReserveError) -> Self {
        Self::OutOfMemory
    }
}
