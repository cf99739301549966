//! Which rows a search has met: an epoch per row, so that a new search costs nothing to start.

/// Marks for `n` rows.
#[derive(Debug, Default)]
pub(crate) struct Visited {
    marks: Vec<u16>,
    epoch: u16,
}

impl Visited {
    /// Forgets everything and covers `n` rows.
    pub fn start(&mut self, n: usize) {
        if self.marks.len() < n {
            self.marks.resize(n, self.epoch);
        }
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            // Marks of 65 536 searches ago would look new.
            self.marks.fill(0);
            self.epoch = 1;
        }
    }

    /// True the first time a row is met.
    #[inline]
    pub fn mark(&mut self, id: u32) -> bool {
        let mark = &mut self.marks[id as usize];
        let new = *mark != self.epoch;
        *mark = self.epoch;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_right_when_epochs_wrap_and_rows_are_added() {
        let mut visited = Visited::default();
        for round in 0..70_000usize {
            visited.start(2 + round / 30_000);
            assert!(visited.mark(1));
            assert!(!visited.mark(1));
        }
    }
}
