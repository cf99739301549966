//! What links are like, of any graph: also of one whose links lead anywhere.

use crate::control::Control;
use crate::error::Result;
use crate::knn::EMPTY;

/// Rows between two looks at the caller's cancel.
const STEP: usize = 1024;

/// What a look at all links of a search index tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Links {
    /// Rows by their number of links on level 0, from none to the most.
    pub degrees: Vec<usize>,
    /// Levels.
    pub levels: usize,
    /// Links of level 0 without a link back. Pruning leaves some; they are no damage.
    pub asymmetric: usize,
    /// Links, of all levels, that lead to no row, to the row itself, or to a row that is not on their level.
    pub out_of_range: usize,
    /// Rows that no walk from the entry reaches on level 0.
    pub unreachable: usize,
}

/// The links of a graph as [`super::Graph::parts`] gives them, of which nothing is believed. O(links).
///
/// Errors: `Cancelled`.
pub(crate) fn audit(
    m: usize,
    (levels, base, upper): (&[u8], &[u32], &[u32]),
    entry: usize,
    control: Control<'_>,
) -> Result<Links> {
    let mut out = Links { degrees: vec![0; 2 * m + 1], ..Links::default() };
    out.levels = levels.iter().max().map_or(0, |&top| usize::from(top) + 1);
    let places = |id: usize| base.get(2 * m * id..2 * m * (id + 1)).unwrap_or_default();
    let links = |id: usize| places(id).iter().copied().take_while(|&link| link != EMPTY);
    let fits = |id: usize, link: u32, level: usize| {
        link as usize != id && levels.get(link as usize).is_some_and(|&other| usize::from(other) >= level)
    };
    let mut above = upper.chunks(m);
    for (id, &top) in levels.iter().enumerate() {
        if id % STEP == 0 {
            control.check()?;
        }
        out.degrees[links(id).count()] += 1;
        for link in links(id) {
            if !fits(id, link, 0) {
                out.out_of_range += 1;
            } else if !places(link as usize).contains(&(id as u32)) {
                out.asymmetric += 1;
            }
        }
        for level in 1..=usize::from(top) {
            let own = above.next().unwrap_or_default().iter().take_while(|&&link| link != EMPTY);
            out.out_of_range += own.filter(|&&link| !fits(id, link, level)).count();
        }
    }
    out.unreachable = levels.len() - reached(levels.len(), entry, links);
    Ok(out)
}

/// Rows that can be reached from `entry`, itself among them.
fn reached<L: Iterator<Item = u32>>(rows: usize, entry: usize, links: impl Fn(usize) -> L) -> usize {
    let mut seen = vec![false; rows];
    let Some(first) = seen.get_mut(entry) else { return 0 };
    *first = true;
    let mut queue = vec![entry];
    let mut count = 0;
    while let Some(id) = queue.pop() {
        count += 1;
        for link in links(id).map(|link| link as usize).filter(|&link| link < rows) {
            if !std::mem::replace(&mut seen[link], true) {
                queue.push(link);
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_links_do_wrong() {
        const E: u32 = EMPTY;
        // 0 <-> 1, 1 -> 2, 2 -> 2 and 2 -> 9; 3 hangs from nothing. Row 1 is on level 1 and links there to 0, which is not.
        let base = [1, E, E, E, 0, 2, E, E, 2, 9, E, E, E, E, E, E];
        let links = audit(2, (&[0, 1, 0, 0], &base, &[0, E]), 1, Control::none()).unwrap();
        let expected =
            Links { degrees: vec![1, 1, 2, 0, 0], levels: 2, asymmetric: 1, out_of_range: 3, unreachable: 1 };
        assert_eq!(links, expected);
    }

    #[test]
    fn arrays_that_are_too_short_and_an_entry_that_is_none_are_no_danger() {
        let links = audit(4, (&[3, 0, 255], &[1, 2], &[]), 7, Control::none()).unwrap();
        assert_eq!((links.levels, links.unreachable, links.degrees[0]), (256, 3, 3));
    }
}
