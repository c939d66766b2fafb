//! Calibrating with queries that somebody gives, in place of rows: queries from elsewhere, as texts that ask for images, need more
//! effort than rows do.

use alloc::vec::Vec;

use super::effort::{NO_EFFORT, calibrate};
use super::{LIST_LENGTHS, ROWS_A_PLACE};
use crate::packed::calibrate::CalibrateError;
use crate::packed::file::buf::PackedBuf;
use crate::packed::file::layout::FileLayout;
use crate::packed::file::sections::{CalibrationHeader, POINTS};
use crate::packed::file::view::{Calibration, View};
use crate::packed::quantise::space::check_vector;
use crate::packed::search::PackedScratch;
use crate::packed::truth::CalibrationQuery;
use crate::parallel::{self, Join};
use crate::progress::{Cancel, Steps};

/// Fewer queries say nothing.
pub(crate) const FEWEST: usize = 20;

/// Neighbours of so many queries are looked for, at most, for each of the list lengths.
const MOST: [usize; LIST_LENGTHS.len()] = [2000, 1000, 300, 100];

/// Measures an index, of which this is the layout, with queries, and writes what is found to a copy of it.
pub(crate) fn calibrate_with<J: Join>(
    layout: &FileLayout,
    view: &View<'_>,
    buf: &mut PackedBuf,
    queries: &[&[f32]],
    (steps, cancel): (&Steps<'_>, Cancel<'_>),
) -> Result<(), CalibrateError> {
    let Calibration::Adaptive(header, _) = view.calibration else { return Err(CalibrateError::Version) };
    if queries.len() < FEWEST {
        return Err(CalibrateError::TooFew { found: queries.len() });
    }
    for (at, query) in queries.iter().enumerate() {
        let checked = check_vector(view.shape.metric, query, view.shape.dimensions, view.backend);
        checked.map_err(|error| CalibrateError::Query { at, error })?;
    }
    let header = CalibrationHeader { queries: queries.len() as u32, ..header };
    let mut efforts = [[NO_EFFORT; POINTS]; LIST_LENGTHS.len()];
    for ((efforts, n), most) in efforts.iter_mut().zip(LIST_LENGTHS).zip(MOST) {
        if n * ROWS_A_PLACE <= view.shape.rows {
            let every = queries.len().div_ceil(most);
            let some: Vec<&[f32]> = queries.iter().step_by(every).copied().collect();
            let known = parallel::map::<J, _>(0..some.len(), &|at| {
                (!cancel.is_set()).then(|| CalibrationQuery::of_vector(&mut PackedScratch::new(), view, some[at], n))
            });
            cancel.check()?;
            let known: Vec<CalibrationQuery> = known.into_iter().flatten().collect();
            *efforts = calibrate::<J>(view, &header, &known, cancel)?;
        }
        steps.step();
    }
    layout.sections_mut(buf).write_calibration(&header, &efforts);
    layout.seal(buf.as_mut());
    Ok(())
}
