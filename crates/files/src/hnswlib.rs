//! Index files of hnswlib (`saveIndex`; hnswlib 0.4 to 0.8): rows, labels and links.
//!
//! ```text
//!   0    offset of level 0   u64, 0          48   highest level     i32
//!   8    rows there is room for  u64         52   entry             u32
//!   16   rows                u64             56   links above, at 0, m   3 x u64
//!   24   bytes of a row      u64             80   1 / ln m          f64
//!   32   offset of its label u64             88   ef_construction   u64
//!   40   offset of its values u64
//!   96   rows x { count u16, mark u8, 0 u8, links at 0 x u32, values f32, label u64 }
//!        rows x { bytes of upper links u32, levels x { count u32, links above x u32 } }
//! ```
//!
//! Nothing in the file names the metric or the type of the values: the caller knows them, and they are float32 here. A count is
//! believed only after it has been compared with the file's length.

use crate::{corrupt, failed};
use hnsw_core::{Control, ForeignLinks, Index, Options, Result, Rows};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

const HEADER: usize = 96;
/// No link.
const EMPTY: u32 = u32::MAX;
/// In the third byte of a row's links: the row was deleted.
const DELETED: u8 = 1;
/// Bytes read at a time.
const BUFFER: usize = 1 << 20;

/// Where a file's bytes are: those of a client's file come over the wire.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// In the file system.
    File(&'a Path),
    /// In memory.
    Bytes(&'a [u8]),
}

impl<'a> From<&'a Path> for Source<'a> {
    fn from(path: &'a Path) -> Self {
        Source::File(path)
    }
}

impl<'a> From<&'a PathBuf> for Source<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Source::File(path)
    }
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Source::Bytes(bytes)
    }
}

/// What a file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Rows, deleted ones among them.
    pub rows: usize,
    /// Columns.
    pub dim: usize,
    /// Links of a row on the levels above 0; twice as many on level 0.
    pub m: usize,
    /// Candidates looked at before links were chosen.
    pub ef_construction: usize,
    entry: usize,
}

impl Header {
    /// The header of a file. O(1).
    ///
    /// Errors: `File`, `CorruptFile`.
    pub fn read<'a>(source: impl Into<Source<'a>>) -> Result<Header> {
        Ok(open(source.into())?.1)
    }

    fn of(bytes: &[u8; HEADER], len: u64) -> Result<Header> {
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let (rows, row, label, values) = (u64_at(16), u64_at(24), u64_at(32), u64_at(40));
        let (above, base, m) = (u64_at(56), u64_at(64), u64_at(72));
        let links = m.checked_mul(8).and_then(|bytes| bytes.checked_add(4));
        let layout = u64_at(0) == 0
            && (2..=512).contains(&m)
            && (above, Some(base)) == (m, m.checked_mul(2))
            && Some(values) == links
            && label.checked_sub(values).is_some_and(|bytes| bytes > 0 && bytes % 4 == 0)
            && label.checked_add(8) == Some(row);
        if !layout {
            return Err(corrupt("it is not laid out as an index file of hnswlib with float32 rows"));
        }
        // Each row has its record and at least the length of its upper links.
        let least = row.checked_add(4).and_then(|bytes| bytes.checked_mul(rows));
        if least.is_none_or(|bytes| bytes > len - HEADER as u64) {
            return Err(corrupt(format!("{rows} rows of {row} bytes in a file of {len}")));
        }
        let size = |value: u64| usize::try_from(value).map_err(|_| corrupt("sizes beyond this machine's memory"));
        Ok(Header {
            rows: size(rows)?,
            dim: size((label - values) / 4)?,
            m: size(m)?,
            ef_construction: size(u64_at(88))?,
            entry: u32_at(52) as usize,
        })
    }
}

/// The index in a file and the labels of its rows, in their order. Its links are kept, unless rows were deleted:
/// those are left out, and the others linked anew when first needed. `m` and `ef_construction` of `options`, which are made for
/// the header, are the file's. O(bytes).
///
/// Errors: `File`, `CorruptFile`, and those of [`Index::build`] and of `options`.
pub fn import_hnswlib<'a>(
    source: impl Into<Source<'a>>,
    options: impl FnOnce(&Header) -> Result<Options>,
    control: Control<'_>,
) -> Result<(Index, Vec<u64>)> {
    let (mut reader, header) = open(source.into())?;
    let options = Options { m: header.m, ef_construction: header.ef_construction.max(1), ..options(&header)? };
    let phase = control.phase("reading", header.rows as u64);
    let mut rows = Rows::zeroed(header.rows, header.dim)?;
    let (mut labels, mut deleted, mut base) = (Vec::new(), Vec::new(), Vec::new());
    let mut record = vec![0; 8 * header.m + 4 + 4 * header.dim + 8];
    for id in 0..header.rows {
        phase.check()?;
        reader.fill(&mut record)?;
        let (links, rest) = record.split_at(8 * header.m + 4);
        let (values, label) = rest.split_at(4 * header.dim);
        let count = usize::from(u16::from_le_bytes([links[0], links[1]]));
        push_links(&mut base, count, &links[4..]).map_err(|what| corrupt(format!("row {id} has {what}")))?;
        rows.write_bytes(id, values)?;
        labels.push(u64::from_le_bytes(label.try_into().expect("eight bytes")));
        deleted.push(links[2] & DELETED != 0);
        phase.advance(1);
    }
    let (levels, upper) = upper_links(&mut reader, header)?;
    reader.end()?;
    if deleted.contains(&true) {
        return without_deleted(rows, labels, &deleted, options, control);
    }
    let links = ForeignLinks { levels, base, upper, entry: header.entry };
    Ok((Index::with_links(rows, links, options, control)?, labels))
}

/// Behind the header, which has been compared with the length.
fn open(source: Source<'_>) -> Result<(Reader<'_>, Header)> {
    let (mut reader, len) = match source {
        Source::File(path) => {
            let file = File::open(path).map_err(|error| failed(path, error))?;
            let found = file.metadata().map_err(|error| failed(path, error))?;
            let len = if found.is_file() { found.len() } else { 0 };
            (Reader { path, content: Box::new(BufReader::with_capacity(BUFFER, file)) }, len)
        }
        Source::Bytes(bytes) => (Reader { path: Path::new(""), content: Box::new(bytes) }, bytes.len() as u64),
    };
    if len < HEADER as u64 {
        return Err(corrupt(format!("{len} bytes are too few for an index file of hnswlib")));
    }
    let mut bytes = [0; HEADER];
    reader.fill(&mut bytes)?;
    Ok((reader, Header::of(&bytes, len)?))
}

/// Levels of all rows, and their links above level 0.
fn upper_links(reader: &mut Reader<'_>, header: Header) -> Result<(Vec<u8>, Vec<u32>)> {
    let (mut levels, mut upper) = (Vec::new(), Vec::new());
    let mut block = vec![0; 4 * header.m + 4];
    for id in 0..header.rows {
        let bytes = reader.u32()? as usize;
        let level = bytes / block.len();
        let level = u8::try_from(level).ok().filter(|_| bytes.is_multiple_of(block.len()));
        let level = level.ok_or_else(|| corrupt(format!("row {id} has {bytes} bytes of upper links")))?;
        levels.push(level);
        for _ in 0..level {
            reader.fill(&mut block)?;
            let count = u16::from_le_bytes([block[0], block[1]]).into();
            push_links(&mut upper, count, &block[4..]).map_err(|what| corrupt(format!("row {id} has {what}")))?;
        }
    }
    Ok((levels, upper))
}

/// `count` links and empty places up to as many as `bytes` has.
fn push_links(links: &mut Vec<u32>, count: usize, bytes: &[u8]) -> std::result::Result<(), String> {
    let (places, _) = bytes.as_chunks::<4>();
    if count > places.len() {
        return Err(format!("{count} links in {} places", places.len()));
    }
    links.extend(places[..count].iter().map(|&link| u32::from_le_bytes(link)));
    links.extend(std::iter::repeat_n(EMPTY, places.len() - count));
    Ok(())
}

fn without_deleted(
    rows: Rows,
    labels: Vec<u64>,
    deleted: &[bool],
    options: Options,
    control: Control<'_>,
) -> Result<(Index, Vec<u64>)> {
    let kept: Vec<usize> = (0..rows.len()).filter(|&id| !deleted[id]).collect();
    let mut left = Rows::zeroed(kept.len(), rows.dim())?;
    for (to, &from) in kept.iter().enumerate() {
        left.write(to, &rows.row(from)[..rows.dim()])?;
    }
    drop(rows);
    Ok((Index::build(left, options, control)?, kept.into_iter().map(|id| labels[id]).collect()))
}

struct Reader<'a> {
    path: &'a Path,
    content: Box<dyn Read + 'a>,
}

impl Reader<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.content.read_exact(bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => corrupt("it ends before its last row"),
            _ => failed(self.path, error),
        })
    }

    fn u32(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn end(&mut self) -> Result<()> {
        let mut more = [0];
        match self.content.read(&mut more).map_err(|error| failed(self.path, error))? {
            0 => Ok(()),
            _ => Err(corrupt("bytes behind the last row")),
        }
    }
}
