//! What has brought other engines down: each is refused with a typed error, however it is loaded.

mod support;

use hnsw_core::Control;
use hnsw_files::{Load, Verify, load};
use std::fs;
use support::liars::liars;
use support::*;

#[test]
fn lies_are_refused_with_a_typed_error_however_they_are_loaded() {
    let folder = Folder::new();
    let path = folder.join("liar");
    for (name, bytes) in liars() {
        fs::write(&path, &bytes).unwrap();
        for verify in [Verify::Sections, Verify::Full] {
            for mmap in [false, true] {
                let seen =
                    load(&path, Load { mmap, verify, threads: 1 }, Control::none()).err().map(|error| error.code());
                assert_eq!(seen, Some("ERR_CORRUPT_FILE"), "{name}");
            }
        }
        for mmap in [false, true] {
            let how = Load { mmap, verify: Verify::WhenUsed, threads: 1 };
            assert_eq!(use_all(&path, how, dense).err().map(|error| error.code()), Some("ERR_CORRUPT_FILE"), "{name}");
        }
    }
}

/// A lie elsewhere, a section in the wrong place say, would hide the one that is meant.
#[test]
fn lies_about_ids_are_refused_for_what_they_are() {
    let folder = Folder::new();
    let path = folder.join("liar");
    let about_ids: Vec<_> = liars().into_iter().filter(|(name, _)| name.starts_with("ids: ")).collect();
    assert!(about_ids.len() >= 20);
    for (name, bytes) in about_ids {
        fs::write(&path, &bytes).unwrap();
        for how in [IN_MEMORY, MAPPED] {
            let what = load(&path, how, Control::none()).err().expect(&name).to_string();
            assert!(what.contains("ids") || what.contains("not a multiple of 4"), "{name}: {what}");
        }
    }
}
