//! Rows whose codes lose far more than the others': they would spoil a bound for all, and are set apart.

/// At most one row in so many is set apart, and a few more.
const SHARE: usize = 1024;
/// Rows are set apart where that makes the largest residual this much smaller.
const GAIN: f32 = 1.5;

/// What codes of many rows lose.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Apart {
    /// Rows that stand out, ascending.
    pub rows: Vec<u32>,
    /// Largest residual of all others.
    pub bound: f32,
}

impl Apart {
    /// O(n).
    pub fn of(residuals: &[f32]) -> Apart {
        let largest = residuals.iter().copied().fold(0.0, f32::max);
        let most = (residuals.len() / SHARE + 4).min(residuals.len() / 16);
        let mut sorted = residuals.to_vec();
        let Some(at) = sorted.len().checked_sub(most + 1) else { return Apart { rows: Vec::new(), bound: largest } };
        let (_, &mut bound, _) = sorted.select_nth_unstable_by(at, f32::total_cmp);
        if bound * GAIN > largest {
            return Apart { rows: Vec::new(), bound: largest };
        }
        let rows = (0u32..).zip(residuals).filter(|(_, residual)| **residual > bound).map(|(id, _)| id).collect();
        Apart { rows, bound }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_stand_out_are_set_apart() {
        let of = |residuals: &[f32]| Apart::of(residuals);
        let mut residuals = vec![1.0; 5000];
        assert_eq!(of(&residuals), Apart { rows: vec![], bound: 1.0 });
        residuals[17] = 9.0;
        residuals[4000] = f32::INFINITY;
        assert_eq!(of(&residuals), Apart { rows: vec![17, 4000], bound: 1.0 });
        residuals[..500].fill(3.0);
        residuals[17] = 9.0;
        assert_eq!(of(&residuals), Apart { rows: vec![17, 4000], bound: 3.0 });
        assert_eq!(of(&[]), Apart { rows: vec![], bound: 0.0 });
    }
}
