//! What has brought other engines down: counts beyond the file, products that wrap, ids out of range, links to oneself, an entry
//! at a level it lacks, small headers that ask for much, ids that no rows can have.

use super::{deleted, dense, forge, forged, made, sections};
use hnsw_core::Control;

/// Files with a lie in them, by what the lie is.
pub fn liars() -> Vec<(String, Vec<u8>)> {
    let index = made("euclidean", dense, 40);
    let good = index.dump(true, Control::none()).unwrap();
    let mut out: Vec<(String, Vec<u8>)> = Vec::new();
    let put = |bytes: &mut [u8], at: usize, value: u64, len: usize| {
        bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len])
    };
    let mut header = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        forge(&mut bytes);
        out.push((name.into(), bytes));
    };
    header("90 bytes that ask for 16 GB", &|bytes| {
        bytes.truncate(90);
        put(bytes, 12, 1, 4);
        put(bytes, 16, 16 << 30, 8);
    });
    header("a length of 90 and a section of 16 GB", &|bytes| {
        put(bytes, 16, 90, 8);
        put(bytes, 64 + 16, 16 << 30, 8);
        bytes.truncate(90);
    });
    header("more sections than the file has room for", &|bytes| put(bytes, 12, 1000, 4));
    header("four billion sections", &|bytes| put(bytes, 12, u64::from(u32::MAX), 4));
    header("no sections", &|bytes| put(bytes, 12, 0, 4));
    for (i, &(at, kind, offset, len)) in sections(&good).iter().enumerate() {
        for (what, field, value) in [
            ("a length beyond the file", 16, 1 << 40),
            ("a length that wraps", 16, u64::MAX - 100),
            ("a length of one more", 16, len as u64 + 1),
            ("no length", 16, 0),
            ("an offset beyond the file", 8, 1 << 40),
            ("an offset that wraps", 8, u64::MAX - 63),
            ("an offset into the table", 8, 64),
            ("an offset that is not aligned", 8, offset as u64 + 1),
            ("no place", 8, 0),
            ("something in the zeros", 24, 1),
        ] {
            // What the caller keeps may have any length, and empty sections have none to lose.
            if kind == 13 && what == "a length of one more"
                || (field == 16 && value == len as u64)
                || (field == 8 && value == offset as u64)
            {
                continue;
            }
            header(&format!("section {kind}, entry {i}: {what}"), &|bytes| put(bytes, at + field, value, 8));
        }
        header(&format!("section {kind} twice"), &|bytes| put(bytes, at, if kind == 1 { 2 } else { 1 }, 4));
    }
    let word = |section: u32, index: usize, value: u32| {
        forged(&good, section, |bytes| bytes[4 * index..4 * index + 4].copy_from_slice(&value.to_le_bytes()))
    };
    let info = |section: u32, index: usize, value: u64| {
        forged(&good, section, |bytes| bytes[8 * index..8 * index + 8].copy_from_slice(&value.to_le_bytes()))
    };
    let text = 8 + "dense".len();
    let shape = |at: usize, value: u64| {
        forged(&good, 1, |bytes| bytes[text + 8 * at..text + 8 * at + 8].copy_from_slice(&value.to_le_bytes()))
    };
    let more: Vec<(&str, Vec<u8>)> = vec![
        ("more rows than values", shape(0, 41)),
        ("rows whose product wraps", shape(0, 1 << 60)),
        ("rows times columns that wrap to the right length", shape(0, (1 << 61) + 40)),
        ("columns whose product wraps", shape(1, u64::MAX - 8)),
        ("no columns", shape(1, 0)),
        ("no rows", shape(0, 0)),
        ("a value that is no number", word(2, 0, 0x7fc0_0000)),
        ("an infinite value", word(2, 20, 0x7f80_0000)),
        ("padding that is not zero", word(2, 12, 1)),
        ("a neighbour beyond the rows", word(7, 3, 40)),
        ("a neighbour below -1", word(7, 3, 0x8000_0000)),
        ("a distance that is no number", word(8, 3, 0x7fc0_0000)),
        ("a graph of more rows", info(6, 0, 41)),
        ("a graph of wrapping columns", info(6, 1, 1 << 62)),
        ("m of another", info(9, 0, 5)),
        ("m that wraps", info(9, 0, 1 << 61)),
        ("no m", info(9, 0, 0)),
        ("an entry beyond the rows", info(9, 1, 40)),
        ("an entry beyond 32 bits", info(9, 1, 1 << 32)),
        ("a link beyond the rows", word(11, 0, 40)),
        ("a link far beyond the rows", word(11, 0, u32::MAX - 1)),
        ("a link to the row itself", word(11, 8, 1)),
        (
            "a link behind an empty place",
            forged(&good, 11, |links| {
                links[..4].fill(0xff);
                links[4..8].copy_from_slice(&3u32.to_le_bytes());
            }),
        ),
        ("a row on level 255", forged(&good, 10, |levels| levels[0] = 255)),
        ("all rows on level 0", forged(&good, 10, |levels| levels.fill(0))),
    ];
    out.extend(more.into_iter().map(|(name, bytes)| (name.into(), bytes)));
    let levels = sections(&good).into_iter().find(|&(_, kind, ..)| kind == 10).unwrap();
    let levels = &good[levels.2..levels.2 + levels.3];
    let low = levels.iter().position(|&level| level == 0).unwrap();
    out.push(("an entry at a level it lacks".into(), info(9, 1, low as u64)));
    if levels.iter().any(|&level| level > 0) {
        out.push(("an upper link to a row that is not up there".into(), word(12, 0, low as u32)));
    }
    out.extend(id_liars());
    out
}

/// Lies about ids: an id that two rows have, or that will be given again, would be found for the wrong row.
fn id_liars() -> Vec<(String, Vec<u8>)> {
    let good = deleted("euclidean", dense, 40).dump(true, Control::none()).unwrap();
    let &(entry, _, at, len) = sections(&good).iter().find(|&&(_, kind, ..)| kind == 15).unwrap();
    let (rows, word) = (len / 4 - 1, |bytes: &[u8], i: usize| super::number(bytes, at + 4 * i, 4) as u32);
    let (next, last) = (word(&good, 0), word(&good, rows));
    let set = |places: &[(usize, u32)]| {
        forged(&good, 15, |ids| {
            places.iter().for_each(|&(i, value)| ids[4 * i..4 * i + 4].copy_from_slice(&value.to_le_bytes()));
        })
    };
    // Other lengths end within the padding, so that every section still lies where it must.
    let long = |bytes: usize| {
        let mut out = good.clone();
        out[entry + 16..entry + 24].copy_from_slice(&(bytes as u64).to_le_bytes());
        out[at + bytes.min(len)..at + len].fill(0);
        for (i, place) in (len..bytes.next_multiple_of(4)).step_by(4).enumerate() {
            out[at + place..at + place + 4].copy_from_slice(&(next + i as u32).to_le_bytes());
        }
        if bytes > len {
            out[at..at + 4].copy_from_slice(&(next + 9).to_le_bytes());
            out[at + bytes..at + bytes.next_multiple_of(64)].fill(0);
        }
        forge(&mut out);
        out
    };
    assert!(rows == 40 && next > last + 1 && len + 8 <= len.next_multiple_of(64) && len % 64 > 8);
    let all: Vec<(&str, Vec<u8>)> = vec![
        ("ids that do not ascend", set(&[(4, word(&good, 5)), (5, word(&good, 4))])),
        ("ids that descend at the end", set(&[(rows - 1, last), (rows, last - 1)])),
        ("an id twice", set(&[(7, word(&good, 8))])),
        ("the first id twice", set(&[(2, word(&good, 1))])),
        ("the last id twice", set(&[(rows - 1, last)])),
        ("an id that is the next one", set(&[(rows, next)])),
        ("an id above the next one", set(&[(rows, next + 1)])),
        ("an id beyond all rows", set(&[(rows, u32::MAX)])),
        ("a next id that a row has", set(&[(0, last)])),
        ("a next id below the rows", set(&[(0, rows as u32 - 1)])),
        ("a next id of as many as rows, below some", set(&[(0, rows as u32)])),
        ("no next id", set(&[(0, 0)])),
        ("a next id beyond all rows", set(&[(0, u32::MAX)])),
        ("one id fewer than rows", long(len - 4)),
        ("two ids fewer than rows", long(len - 8)),
        ("one id more than rows", long(len + 4)),
        ("two ids more than rows", long(len + 8)),
        ("ids of an odd length, shorter", long(len - 1)),
        ("ids of an odd length, longer", long(len + 1)),
        ("half an id more", long(len + 2)),
    ];
    let told = |(name, bytes): (&str, Vec<u8>)| (format!("ids: {name}"), bytes);
    all.into_iter().map(told).collect()
}
