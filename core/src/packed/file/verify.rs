//! Whether a file means what a build would have written: the rules that opening leaves out, as they would read all of it.
//!
//! A checksum only shows that bytes are as somebody wrote them. These rules (the numbers are those of `docs/packed-format.md`)
//! show that they are an index: of a file that keeps them, every answer is one of its vectors, with its distance.

use alloc::vec;

use super::layout::FileLayout;
use super::sections::{CalibrationHeader, CodeErrors, Effort, FixedEffort, POINTS, Section, Shape, row_bytes};
use super::view::{Calibration, View};
use crate::Metric;
use crate::packed::damage::{Damage, Rule};
use crate::packed::quantise::lvq::LocalSpace;
use crate::packed::quantise::space::{check_vector, fits_products, longest_packed};
use crate::packed::quantise::sq7::{encode_row, row_bias, tile_width};
use crate::packed::truth::error_bound::distances_of_codes;
use crate::simd::in_f64::dot;
use crate::simd::{TILE_BYTES, TILE_ROWS};

/// Checks rules 8 to 20.
pub(crate) fn verify(layout: &FileLayout, bytes: &[u8], view: &View<'_>) -> Result<(), Damage> {
    for section in Section::ALL {
        rule(Rule::SectionSum, section as usize, layout.is_as_written(bytes, section))?;
        rule(Rule::Padding, section as usize, layout.padding(bytes, section).iter().all(|byte| *byte == 0))?;
    }
    check_quantiser(view)?;
    check_centroids(view)?;
    for (subquantiser, words) in view.codebooks.iter().enumerate() {
        rule(Rule::Codebooks, subquantiser, words.as_flattened().iter().all(|x| x.is_finite()))?;
    }
    for (leaf, [least, step]) in view.leaf_biases.iter().enumerate() {
        rule(Rule::LeafBiases, leaf, least.is_finite() && step.is_finite() && *step >= 0.0)?;
    }
    check_row_of_id(view)?;
    check_rows(view)?;
    check_calibration(view)?;
    check_keys(view)?;
    check_code_errors(view)?;
    check_local_codes(view)
}

/// An error unless what stands at this number keeps a rule.
fn rule(rule: Rule, at: usize, is_kept: bool) -> Result<(), Damage> {
    if is_kept { Ok(()) } else { Err(Damage { rule, at: at as u64 }) }
}

/// Checks rules 10, 11 and 14 to 16, on which a graph relies: it has a place for each neighbour of each row, and all are filled
/// where ids are different and scores are numbers. That is little work beside finding the neighbours.
pub(crate) fn check_for_graph(view: &View<'_>) -> Result<(), Damage> {
    check_quantiser(view)?;
    check_centroids(view)?;
    check_row_of_id(view)?;
    check_rows(view)
}

/// The greatest range of a dimension in the index space: of vectors of the greatest length from an origin of such a length.
const fn widest(dimensions: usize) -> f32 {
    4.0 * longest_packed(dimensions)
}

/// Rule 10. What the quantiser of an index can be is bounded by what its vectors can be, and products stay finite.
fn check_quantiser(view: &View<'_>) -> Result<(), Damage> {
    let each = view.space.origin.iter().zip(view.quantiser.offset).zip(view.quantiser.step);
    let widest = widest(view.shape.dimensions);
    for (dimension, ((origin, offset), step)) in each.enumerate() {
        let is_near = origin.abs().max(offset.abs()) <= widest / 2.0 && !origin.is_nan() && !offset.is_nan();
        rule(Rule::Quantiser, dimension, is_near && (0.0..=widest / 127.0).contains(step))?;
    }
    rule(Rule::Quantiser, 0, fits_products(view.space.origin))?;
    let Some((mean_codes, _)) = view.code_errors else { return Ok(()) };
    let wrong = mean_codes.iter().position(|mean| !(0.0..=127.0).contains(mean));
    rule(Rule::Quantiser, wrong.unwrap_or(0), wrong.is_none())
}

/// Rule 11.
fn check_centroids(view: &View<'_>) -> Result<(), Damage> {
    for (first, tile) in (0..).step_by(TILE_ROWS).zip(view.centroids.chunks(tile_width(view.shape.dimensions))) {
        // A register holds four codes of each leaf.
        let wrong = tile.as_flattened().iter().position(|code| *code > 127);
        rule(Rule::Centroids, first + wrong.unwrap_or(0) % TILE_BYTES / 4, wrong.is_none())?;
    }
    // Beyond what centroids and spreads of vectors that can be packed give, a bias could overflow a score, and lose its leaf.
    let widest = widest(view.shape.dimensions);
    let most = if view.shape.metric == Metric::Euclidean { widest * widest } else { widest };
    for (leaf, bias) in view.centroid_biases.iter().enumerate() {
        let is_empty = leaf >= view.shape.leaves || view.leaf_rows(leaf as u32).is_empty();
        rule(Rule::Centroids, leaf, bias.abs() <= most || is_empty && *bias == f32::NEG_INFINITY)?;
    }
    Ok(())
}

/// Rule 14: then ids are all different.
fn check_row_of_id(view: &View<'_>) -> Result<(), Damage> {
    for (row, id) in view.ids.iter().enumerate() {
        rule(Rule::Ids, row, view.row_of(*id) == Some(row as u32))?;
    }
    Ok(())
}

/// Rules 15 and 16.
fn check_rows(view: &View<'_>) -> Result<(), Damage> {
    let dimensions = view.shape.dimensions;
    let (mut vector, mut codes) = (vec![0.0; dimensions], vec![0; row_bytes(dimensions)]);
    for row in 0..view.shape.rows as u32 {
        let is_kept = check_vector(view.shape.metric, view.vector(row), dimensions, view.backend).is_ok();
        rule(Rule::Vectors, row as usize, is_kept)?;
        view.read(row, &mut vector);
        encode_row(view.shape.metric, view.quantiser, &vector, &mut codes);
        rule(Rule::RowCodes, row as usize, view.coded_row(row) == codes)?;
    }
    Ok(())
}

/// Rule 17.
fn check_calibration(view: &View<'_>) -> Result<(), Damage> {
    match view.calibration {
        Calibration::Fixed(points) => {
            let is_kept = |point: &FixedEffort| point.leaves as usize <= view.shape.leaves.max(1);
            check_points(points, 0, |point| (point.recall, is_kept(point)))
        }
        Calibration::Adaptive(header, lists) => {
            let CalibrationHeader { weight, floor, queries: _, reserved } = header;
            let in_range = (0.0..=1.0).contains(&weight) && floor >= 0.0 && floor.is_finite();
            rule(Rule::Calibration, 0, in_range && reserved == 0)?;
            (0..).step_by(POINTS).zip(lists).try_for_each(|(first, points)| {
                check_points(points, first, |point| (point.recall, is_effort(&view.shape, point)))
            })
        }
    }
}

/// Whether an effort is one that a search can make. No slack or margin is enough where it is infinite.
fn is_effort(shape: &Shape, effort: &Effort) -> bool {
    let Effort { recall: _, slack, least, height, low, margin, code_margin, .. } = *effort;
    let Effort { gap, widest_gap, leaves, rows, candidates, tenth, .. } = *effort;
    let leaves_and_rows = [(least, shape.leaves), (leaves, shape.leaves), (rows, shape.rows), (candidates, shape.rows)];
    !slack.is_nan()
        && [height, low, gap, widest_gap].iter().all(|x| x.is_finite())
        && margin >= 0.0
        && code_margin >= 0.0
        && leaves_and_rows.iter().all(|(x, most)| (0.0..=*most as f32).contains(x))
        && (0.0..=1.0).contains(&tenth)
}

/// Points of a list, numbered from the first on.
fn check_points<T>(points: &[T], first: usize, check: impl Fn(&T) -> (f32, bool)) -> Result<(), Damage> {
    let mut before = 0.0;
    for (at, point) in (first..).zip(points) {
        let (recall, is_kept) = check(point);
        rule(Rule::Calibration, at, is_kept && recall >= before && recall <= 1.0)?;
        before = recall;
    }
    Ok(())
}

/// Rule 18.
fn check_keys(view: &View<'_>) -> Result<(), Damage> {
    if view.shape.keys.is_none() {
        return Ok(());
    }
    for id in 0..view.shape.rows as u32 {
        rule(Rule::Keys, id as usize, view.key(id).is_some())?;
    }
    let end = view.key_ends.last().copied().unwrap_or(0);
    rule(Rule::Keys, view.shape.rows, end == view.keys.len() as u64)
}

/// Rule 19, on which exact searches rely: they leave out what lies beyond these bounds.
fn check_code_errors(view: &View<'_>) -> Result<(), Damage> {
    let Some((mean, worst)) = view.code_errors else { return Ok(()) };
    let CodeErrors { residual, codes, bias, reserved } = worst;
    let in_range = [residual, codes, bias].iter().all(|x| x.is_finite() && *x >= 0.0) && reserved.to_bits() == 0;
    rule(Rule::CodeErrors, view.shape.rows, in_range)?;
    let mut vector = vec![0.0; view.shape.dimensions];
    for row in 0..view.shape.rows as u32 {
        view.read(row, &mut vector);
        let [from_row, from_mean] = distances_of_codes(view, mean, &vector, view.codes_of_row(row));
        let is_kept = from_row <= f64::from(residual) && from_mean <= f64::from(codes);
        rule(Rule::CodeErrors, row as usize, is_kept && row_bias(view.coded_row(row)).abs() <= bias)?;
    }
    Ok(())
}

/// Rule 20, on which exact searches rely where there are local codes.
fn check_local_codes(view: &View<'_>) -> Result<(), Damage> {
    let Some(local) = &view.local else { return Ok(()) };
    let LocalSpace { direction, weights } = local.space;
    let squared = dot(direction, direction);
    let in_range =
        (squared == 0.0 || (squared - 1.0).abs() <= 1e-6) && weights.iter().all(|x| *x >= 0.0 && x.is_finite());
    rule(Rule::LocalCodes, view.shape.rows, in_range)?;
    let mut vector = vec![0.0; view.shape.dimensions];
    for row in 0..view.shape.rows as u32 {
        view.read(row, &mut vector);
        let (codes, zeros) =
            local.lines(row..row + 1).0.as_flattened().split_at_checked(view.shape.dimensions).unwrap_or_default();
        let is_kept = local.space.is_kept(view.shape.metric, &vector, codes, local.row(row));
        rule(Rule::LocalCodes, row as usize, is_kept && zeros.iter().all(|byte| *byte == 0))?;
    }
    Ok(())
}
