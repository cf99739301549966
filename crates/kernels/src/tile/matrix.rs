//! A borrowed row-major matrix.

/// `rows` x `dim` values, row `i` starting at `i * stride`.
#[derive(Clone, Copy, Debug)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    dim: usize,
    stride: usize,
}

impl<'a, T> MatRef<'a, T> {
    /// Views `data` as `rows` rows of `dim` values, `stride` values apart.
    ///
    /// # Panics
    ///
    /// If `stride < dim`, `data` ends before the last row does, or there are 2^31 rows or more.
    #[must_use]
    pub fn new(data: &'a [T], rows: usize, dim: usize, stride: usize) -> Self {
        assert!(stride >= dim, "stride {stride} for rows of {dim} values");
        // Rows without values need no data; the bound keeps later sums of row counts from wrapping.
        assert!(i32::try_from(rows).is_ok(), "{rows} rows");
        let needed = match rows {
            0 => Some(0),
            n => (n - 1).checked_mul(stride).and_then(|x| x.checked_add(dim)),
        };
        assert!(
            needed.is_some_and(|x| x <= data.len()),
            "{} values for {rows} rows of {dim}, stride {stride}",
            data.len()
        );
        Self { data, rows, dim, stride }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values used of each row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Distance between the starts of two neighbouring rows, in values.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Row `i`.
    ///
    /// # Panics
    ///
    /// If `i >= rows`.
    #[must_use]
    pub fn row(&self, i: usize) -> &'a [T] {
        assert!(i < self.rows, "row {i} of {}", self.rows);
        &self.data[i * self.stride..i * self.stride + self.dim]
    }

    pub(crate) fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }
}
