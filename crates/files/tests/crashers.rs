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
