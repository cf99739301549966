//! Haversine: the angle between two places on a sphere.

use super::super::pair::Context;

/// The angle in radians between two rows of latitude and longitude in radians. In f64: as f32, places opposite
/// each other would be off by up to 5e-4.
pub(in crate::metric) fn haversine(a: &[f32], b: &[f32], _: &Context) -> f32 {
    let [lat_a, lon_a, lat_b, lon_b] = [a[0], a[1], b[0], b[1]].map(f64::from);
    let half = |x: f64, y: f64| (0.5 * (x - y)).sin().powi(2);
    let h = half(lat_a, lat_b) + lat_a.cos() * lat_b.cos() * half(lon_a, lon_b);
    // Latitudes beyond a pole can take h below 0, rounding can take it beyond 1.
    (2.0 * h.clamp(0.0, 1.0).sqrt().asin()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::PI;

    #[test]
    fn opposite_places_are_half_a_circle_apart() {
        let with = Context::new(2);
        for (lat, lon) in [(0.0, 0.0), (0.3, 0.4), (-1.2, 2.9), (1.5, -3.0)] {
            let opposite = [-lat, if lon > 0.0 { lon - PI } else { lon + PI }];
            assert!((haversine(&[lat, lon], &opposite, &with) - PI).abs() < 1e-6);
        }
    }

    #[test]
    fn near_places_keep_their_digits() {
        let step = 2f32.powi(-22);
        let seen = haversine(&[0.0, 0.5], &[0.0, 0.5 + step], &Context::new(2));
        assert!((seen - step).abs() < 1e-6 * step, "{seen}, expected {step}");
    }
}
