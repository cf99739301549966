//! What a cell of a tile becomes: a number with an order, an integer or a float.

/// A proxy value as tiles produce it, comparable and convertible to an order-preserving key.
pub(crate) trait Value: Copy + Send + Sync + PartialOrd + 'static {
    /// Above every value: the threshold of a row that keeps less than it may.
    const OPEN: Self;
    const ZERO: Self;
    /// Ascending values give ascending keys.
    fn key(self) -> u32;
    fn of_key(key: u32) -> Self;
    fn to_f32(self) -> f32;
    /// A value that none of those up to `value` is above.
    fn covering(value: f64) -> Self;
}

impl Value for f32 {
    const OPEN: f32 = f32::INFINITY;
    const ZERO: f32 = 0.0;
    #[inline]
    fn key(self) -> u32 {
        // Zero has one sign; negative values turn round, positive ones move behind them.
        let bits = (self + 0.0).to_bits();
        if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
    }
    #[inline]
    fn of_key(key: u32) -> f32 {
        f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
    }
    fn to_f32(self) -> f32 {
        self
    }
    fn covering(value: f64) -> f32 {
        (value as f32).next_up()
    }
}

impl Value for i32 {
    const OPEN: i32 = i32::MAX;
    const ZERO: i32 = 0;
    #[inline]
    fn key(self) -> u32 {
        self as u32
    }
    #[inline]
    fn of_key(key: u32) -> i32 {
        key as i32
    }
    fn to_f32(self) -> f32 {
        self as f32
    }
    fn covering(value: f64) -> i32 {
        // Casts saturate.
        value.ceil() as i32
    }
}
