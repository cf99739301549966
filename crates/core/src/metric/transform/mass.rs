//! Rows as histograms: shares of their sum. Zeros stay zeros, so sparse rows take the same functions.

use super::super::sparse::SMOOTHING;
use super::{Checked, Fault};

/// Refuses negative values.
pub(super) fn not_negative(values: &[f32]) -> Checked {
    match values.iter().position(|&v| v < 0.0) {
        None => Ok(()),
        Some(at) => Err(Fault {
            at: Some(at),
            value: values[at],
            allowed: "values of 0 or more: the metric compares histograms",
        }),
    }
}

fn sum(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v)).sum()
}

/// Roots of shares: half the squared distance of two such rows is their squared hellinger distance. Returns 1, the
/// mark, for a row of zeros, else 0.
pub(super) fn root_shares(values: &mut [f32]) -> Checked<f32> {
    not_negative(values)?;
    let whole = sum(values);
    if whole == 0.0 {
        return Ok(1.0);
    }
    values.iter_mut().for_each(|v| *v = (f64::from(*v) / whole).sqrt() as f32);
    Ok(0.0)
}

/// Refuses rows of zeros, and values of both signs in one row.
pub(super) fn check(values: &[f32]) -> Checked {
    let whole = sum(values);
    if let Some(at) = values.iter().position(|&v| f64::from(v) * whole < 0.0) {
        return Err(Fault {
            at: Some(at),
            value: values[at],
            allowed: "values of one sign in a row: they are masses to move",
        });
    }
    match whole {
        0.0 => Err(Fault { at: None, value: 0.0, allowed: "rows with a mass to move" }),
        _ => Ok(()),
    }
}

/// Shares of the sum of a row that [`check`] takes.
pub(super) fn shares(values: &mut [f32]) -> Checked {
    check(values)?;
    let whole = sum(values);
    values.iter_mut().for_each(|v| *v = (f64::from(*v) / whole) as f32);
    Ok(())
}

/// Sums of shares up to each column; a row of zeros stays one. `open` drops the last column, where all others
/// have 1.
pub(super) fn distribution(values: &mut [f32], open: bool) -> Checked {
    let whole = sum(values);
    if values.iter().any(|&v| v != 0.0) {
        let mut so_far = 0.0;
        for value in values.iter_mut() {
            so_far += f64::from(*value);
            *value = (so_far / whole) as f32;
        }
        // Values of both signs can cancel, wholly or nearly.
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Fault {
                at: None,
                value: whole as f32,
                allowed: "zeros, or a sum that does not vanish beside its terms",
            });
        }
    }
    if let (true, Some(last)) = (open, values.last_mut()) {
        *last = 0.0;
    }
    Ok(())
}

/// Shares after the smoothing amount is added to each column: none is 0.
pub(super) fn smoothed(values: &mut [f32]) -> Checked {
    not_negative(values)?;
    let whole = sum(values) + f64::from(SMOOTHING) * values.len() as f64;
    values.iter_mut().for_each(|v| *v = ((f64::from(*v + SMOOTHING) / whole) as f32).max(f32::MIN_POSITIVE));
    Ok(())
}
