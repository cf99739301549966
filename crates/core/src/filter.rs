//! Which rows a call may return.

/// A set of ids, a bit each. Ids that no row has, or has any more, are allowed and match nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    bits: Vec<u8>,
}

impl Filter {
    /// Bit `i % 8` of byte `i / 8` stands for the id `i`; ids behind the last bit do not match.
    pub fn of_bits(bits: Vec<u8>) -> Filter {
        Filter { bits }
    }

    /// The ids themselves, in any order. O(largest id) bits.
    pub fn of_ids(ids: &[u32]) -> Filter {
        let mut bits = vec![0; ids.iter().max().map_or(0, |&largest| largest as usize / 8 + 1)];
        ids.iter().for_each(|&id| bits[id as usize / 8] |= 1 << (id % 8));
        Filter { bits }
    }

    /// The bits.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bits
    }

    /// Whether a row with this id may be returned.
    pub fn has(&self, id: u32) -> bool {
        self.bits.get(id as usize / 8).is_some_and(|byte| byte >> (id % 8) & 1 == 1)
    }
}
