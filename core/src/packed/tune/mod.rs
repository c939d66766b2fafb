//! What is measured on a sample of the rows once an index is written: how leaves are ranked (`list_bias`), and what each recall
//! takes (`effort`).

pub(crate) mod effort;
pub(crate) mod list_bias;
mod oracle;

use self::list_bias::ListBias;
use super::train::Draft;
use super::truth::CalibrationQuery;
use crate::Backend;
use crate::parallel::Join;
use crate::progress::{Cancel, Cancelled};

/// Tunes an index that is written, and writes what is found.
pub(crate) fn tune<J: Join>(draft: &mut Draft<'_>, backend: Backend, cancel: Cancel<'_>) -> Result<(), Cancelled> {
    let list_bias = ListBias::new::<J>(draft.trained(), backend, cancel)?;
    list_bias.write(0.0, draft.sections_mut().centroid_biases);
    let view = draft.view(backend);
    let queries = CalibrationQuery::sample::<J>(&view, cancel)?;
    let weight = list_bias.best_weight::<J>(&view, &queries, cancel)?;
    list_bias.write(weight, draft.sections_mut().centroid_biases);
    let points = effort::calibrate::<J>(&draft.view(backend), &queries, cancel)?;
    draft.sections_mut().calibration.copy_from_slice(&points);
    Ok(())
}
