//! Rows as sections: as they are stored, transformed for their metric.

use super::Kind;
use super::container::{Container, corrupt, words};
use super::options::Shape;
use super::write::{Content, Section};
use crate::error::{Error, Result};
use crate::ids::Ids;
use crate::points::{BitRows, Form, Points, Rows, SparseRows};

/// The sections of `points`; left out, they still pin down which rows they were.
pub(crate) fn sections(points: &Points, included: bool) -> Vec<Section<'_>> {
    let parts = match points {
        Points::Dense(rows) => vec![(Kind::Rows, Content::F32(rows.stored()))],
        Points::Bits(rows) => vec![(Kind::Rows, Content::Bytes(rows.stored()))],
        Points::Sparse(rows) => {
            let (starts, columns, values) = rows.parts();
            vec![
                (Kind::RowStarts, Content::Sizes(starts)),
                (Kind::RowColumns, Content::U32(columns)),
                (Kind::RowValues, Content::F32(values)),
            ]
        }
    };
    parts.into_iter().map(|(kind, data)| Section { kind, data, included }).collect()
}

/// Compares the sections of rows with their checksums, and their values with what rows may hold. O(bytes).
pub(crate) fn check(container: &Container<'_>, points: &Points) -> Result<()> {
    if points.form() != Form::Sparse {
        container.check(Kind::Rows)?;
    }
    points.check_stored(container.threads()).map_err(refused)
}

/// The rows of a container. Dense rows and bits stay where they lie if they may; they are looked at by [`check`] only.
pub(crate) fn read(container: &Container<'_>, shape: Shape) -> Result<Points> {
    let Shape { form, len, dim, spare } = shape;
    match form {
        Form::Dense => {
            Rows::from_stored(container.numbers(Kind::Rows)?, len, dim, spare).map_err(refused).map(Points::from)
        }
        Form::Bits => BitRows::from_stored(container.numbers(Kind::Rows)?, len, dim).map_err(refused).map(Points::from),
        Form::Sparse => {
            let starts = container.need(Kind::RowStarts)?;
            let (starts, rest) = starts.as_chunks::<8>();
            if !rest.is_empty() || starts.len() != len.saturating_add(1) {
                return Err(corrupt(format!("{} row starts for {len} rows", starts.len())));
            }
            let starts = starts.iter().map(|&start| usize::try_from(u64::from_le_bytes(start)));
            let starts =
                starts.collect::<std::result::Result<_, _>>().map_err(|_| corrupt("a row start beyond all memory"))?;
            let columns = words(container.need(Kind::RowColumns)?, u32::from_le_bytes)?;
            let values = words(container.need(Kind::RowValues)?, f32::from_le_bytes)?;
            SparseRows::from_parts(starts, columns, values, dim).map_err(refused).map(Points::from)
        }
    }
}

fn refused(error: Error) -> Error {
    match error {
        Error::OutOfMemory { .. } => error,
        other => corrupt(format!("rows: {other}")),
    }
}

/// The ids of rows, where they are not the numbers of the rows: the next id, then one for each row.
pub(crate) fn ids_section(ids: &Ids) -> Option<Section<'static>> {
    let (by_slot, next) = ids.parts()?;
    let bytes = std::iter::once(next).chain(by_slot).flat_map(u32::to_le_bytes).collect();
    Some(Section::new(Kind::Ids, Content::Own(bytes)))
}

/// The ids of `rows` rows, checked to be ids that rows can have. O(rows) where some are stored.
pub(crate) fn read_ids(container: &Container<'_>, rows: usize) -> Result<Ids> {
    let Some(bytes) = container.get(Kind::Ids)? else { return Ok(Ids::first(rows)) };
    let mut numbers = words(bytes, u32::from_le_bytes)?;
    if numbers.len() != rows + 1 {
        return Err(corrupt(format!("{} ids of {rows} rows", numbers.len().saturating_sub(1))));
    }
    let next = numbers.remove(0);
    Ids::from_parts(numbers, next).ok_or_else(|| corrupt(format!("ids that do not ascend below {next}")))
}
