//! What is measured on a sample of the rows once an index is written: how leaves are ranked (`list_bias`), what each recall takes
//! (`effort`), and how far scores by 7-bit codes can be off.

mod effort;
pub(crate) mod given;
pub(crate) mod list_bias;
mod trace;

use alloc::vec::Vec;

use self::effort::{NO_EFFORT, calibrate};
use self::list_bias::ListBias;
use super::file::sections::{CalibrationHeader, LIST_LENGTHS, POINTS};
use super::search::probe::WEIGHT;
use super::train::Draft;
use super::truth::{CalibrationQuery, Truths};
use crate::Backend;
use crate::parallel::Join;
use crate::progress::{Cancel, Cancelled};

/// The scale of euclidean slacks is no less than that of distances that are this part of the usual one, squared, between a row and
/// the centroid of its leaf.
const LEAST_SCALE: f32 = 1.0 / 16.0;

/// Of the sample one of so many is searched for, for each of the list lengths: long lists have neighbours enough.
const EVERY: [usize; LIST_LENGTHS.len()] = [1, 2, 6, 20];

/// A list is calibrated where there are so many times as many rows.
const ROWS_A_PLACE: usize = 8;

/// Tunes an index that is written, and writes what is found.
pub(crate) fn tune<J: Join>(draft: &mut Draft<'_>, backend: Backend, cancel: Cancel<'_>) -> Result<(), Cancelled> {
    let list_bias = ListBias::new::<J>(draft.trained(), backend, cancel)?;
    list_bias.write(0.0, draft.sections_mut().centroid_biases);
    let (queries, code_errors) = {
        let view = draft.view(backend);
        let truths = Truths::new::<J>(&view);
        (sample::<J>(&truths, cancel)?, truths.code_errors())
    };
    let weight = list_bias.best_weight::<J>(&draft.view(backend), &queries[1], cancel)?;
    let mut to = draft.sections_mut();
    list_bias.write(weight, to.centroid_biases);
    to.write_code_errors(&code_errors);
    let floor = LEAST_SCALE * list_bias.mean_spread();
    let header = CalibrationHeader { weight: WEIGHT, floor, queries: 0, reserved: 0 };
    let mut efforts = [[NO_EFFORT; POINTS]; LIST_LENGTHS.len()];
    for (efforts, queries) in efforts.iter_mut().zip(&queries) {
        *efforts = calibrate::<J>(&draft.view(backend), &header, queries, cancel)?;
    }
    draft.sections_mut().write_calibration(&header, &efforts);
    Ok(())
}

/// A sample of the rows with their neighbours, for each list length.
fn sample<J: Join>(
    truths: &Truths<'_>,
    cancel: Cancel<'_>,
) -> Result<[Vec<CalibrationQuery>; LIST_LENGTHS.len()], Cancelled> {
    let mut queries = [const { Vec::new() }; LIST_LENGTHS.len()];
    for ((queries, n), every) in queries.iter_mut().zip(LIST_LENGTHS).zip(EVERY) {
        if n * ROWS_A_PLACE <= truths.view.shape.rows {
            *queries = truths.sample::<J>(n, every, cancel)?;
        }
    }
    Ok(queries)
}
