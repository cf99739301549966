//! The container alone; whole indexes are dumped and restored in tests/dumps.rs.

use super::Kind;
use super::container::Container;
use super::products::{graph_sections, read_graph};
use super::table::VERSION;
use super::write::{Content, Section, length, write};
use crate::control::Control;
use crate::knn::{Reached, RunOn};
use crate::neighbors::Neighbors;

fn sample() -> Vec<u8> {
    let (floats, sizes): (Vec<f32>, [usize; 3]) = ((0..100_000).map(|i| i as f32).collect(), [1, 2, 70_000]);
    let sections = [
        Section::new(Kind::Rows, Content::F32(&floats)),
        Section { included: false, ..Section::new(Kind::Levels, Content::Bytes(&[7; 5])) },
        Section::new(Kind::RowStarts, Content::Sizes(&sizes)),
        Section::new(Kind::Options, Content::Own(vec![])),
    ];
    written(&sections)
}

fn written(sections: &[Section<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(sections, &mut bytes, Control::none()).unwrap();
    assert_eq!(bytes.len(), length(sections));
    bytes
}

fn code(bytes: &[u8]) -> Option<&'static str> {
    Container::open(bytes, 2, Control::none()).err().map(|error| error.code())
}

#[test]
fn sections_come_back_and_those_left_out_are_known() {
    let bytes = sample();
    let container = Container::open(&bytes, 1, Control::none()).unwrap();
    assert_eq!(container.need(Kind::Rows).unwrap().len(), 400_000);
    assert_eq!(container.need(Kind::RowStarts).unwrap()[16..], 70_000u64.to_le_bytes());
    assert_eq!((container.get(Kind::Levels), container.get(Kind::Options)), (Ok(None), Ok(Some(&[][..]))));
    let levels = |bytes: &'static [u8]| Section::new(Kind::Levels, Content::Bytes(bytes));
    assert!(container.describes(&levels(&[7; 5])).unwrap());
    assert!(
        !container.describes(&levels(&[7; 6])).unwrap() && !container.describes(&levels(&[7, 7, 7, 7, 6])).unwrap()
    );
}

#[test]
fn every_flipped_bit_of_the_header_and_its_neighbourhood_is_found() {
    let bytes = sample();
    for at in (0..500).chain([200_000, bytes.len() - 1, bytes.len() - 64]) {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let seen = code(&flipped);
            assert!(
                matches!(seen, Some("ERR_CORRUPT_FILE" | "ERR_UNSUPPORTED_VERSION")),
                "byte {at}, bit {bit}: {seen:?}"
            );
        }
    }
}

#[test]
fn every_length_but_the_right_one_is_refused() {
    let bytes = sample();
    for len in (0..500).chain([4096, 200_000, bytes.len() - 1]) {
        assert_eq!(code(&bytes[..len]), Some("ERR_CORRUPT_FILE"), "{len} bytes");
    }
    assert_eq!(code(&[&bytes[..], &[0; 64]].concat()), Some("ERR_CORRUPT_FILE"));
}

#[test]
fn a_version_to_come_is_named() {
    let mut bytes = sample();
    bytes[8..12].copy_from_slice(&(VERSION + 1).to_le_bytes());
    let message = Container::open(&bytes, 1, Control::none()).err().unwrap().to_string();
    assert_eq!(message, format!("an index of format version {}, allowed: 1..={VERSION}", VERSION + 1));
}

#[test]
fn what_is_known_of_a_graph_comes_back_also_from_what_older_versions_wrote() {
    let graph = Neighbors::missing(3, 2).unwrap();
    let back = |reached: Option<Reached>, cut: usize| {
        let mut sections = graph_sections(&graph, Some(2.5), reached);
        if let Content::Own(info) = &mut sections[0].data {
            info.truncate(info.len() - cut);
        }
        let bytes = written(&sections);
        read_graph(&Container::open(&bytes, 1, Control::none()).unwrap(), 3, 2).map(|stored| stored.unwrap().reached)
    };
    let sampled = Reached::sampled(0.75);
    for reached in [sampled, Reached::EXACT].into_iter().chain(RunOn::ALL.map(|on| Reached::EXACT.on(on))) {
        assert_eq!(back(Some(reached), 0).unwrap(), Some(reached));
        assert_eq!(back(Some(reached), 8).unwrap(), Some(Reached { on: None, ..reached }));
        assert_eq!(back(Some(reached), 16).unwrap(), Some(Reached { exact: false, on: None, ..reached }));
        assert_eq!(back(Some(reached), 4).err().map(|error| error.code()), Some("ERR_CORRUPT_FILE"));
    }
    assert_eq!(back(None, 0).unwrap(), None);
}
