//! TS-SS: the area of the triangle between two rows times that of the sector between them.

use super::super::pair::Context;
use super::sums::sum;

/// `triangle * sector`, ten degrees added to the angle as its authors do. Rows more than 170 degrees apart get
/// negative values, as in PyNNDescent; a row of zeros spans no triangle: 0.
pub(in crate::metric) fn tsss(a: &[f32], b: &[f32], _: &Context) -> f32 {
    let length = |row: &[f32]| sum(row, row, |x, y| x * y).sqrt();
    let (length_a, length_b) = (length(a), length(b));
    let lengths = length_a * length_b;
    if lengths == 0.0 {
        return 0.0;
    }
    let cosine = (sum(a, b, |x, y| x * y) / lengths).clamp(-1.0, 1.0);
    let angle = cosine.acos() + 10f64.to_radians();
    let apart = sum(a, b, |x, y| (x - y) * (x - y)).sqrt() + (length_a - length_b).abs();
    let (triangle, sector) = (lengths * angle.sin() / 2.0, apart * apart * angle / 2.0);
    (triangle * sector) as f32
}
