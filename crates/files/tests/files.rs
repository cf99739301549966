//! Indexes saved and loaded, and files that are damaged.

mod support;

use hnsw_core::{Changes, Control, Index, Verification};
use hnsw_files::{Load, Verify, load, save, verify};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use support::*;

#[test]
fn a_loaded_index_answers_bit_for_bit_and_makes_nothing_anew() {
    let folder = Folder::new();
    for (metric, make) in KINDS {
        let index = made(metric, make, 300);
        index.update(Changes::fresh(make(9, 800)), Control::none()).unwrap();
        index.neighbor_graph(Control::none()).unwrap();
        let path = folder.join("index.hnsw");
        let length = save(&index, &path, Control::none()).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!((bytes.len() as u64, &bytes), (length, &index.dump(true, Control::none()).unwrap()));
        for how in every_way() {
            let again = load(&path, how, Control::none()).unwrap();
            assert_eq!(again.options().caller, b"mine");
            assert!(again.stats().graph_ready && again.stats().search_ready, "{how:?}");
            let answers = |index: &Index| index.query(make(30, 50), QUERY, Control::none()).unwrap();
            assert_eq!(answers(&again), answers(&index), "{metric} {how:?}");
            assert_eq!(again.neighbor_graph(Control::none()), index.neighbor_graph(Control::none()));
            assert_eq!((again.stats().graph_builds, again.stats().search_builds), (0, 0));
            assert_eq!(again.dump(true, Control::none()).unwrap(), bytes);
            again
                .update(
                    Changes { fresh: Some(make(3, 5000)), ..Changes::replaced(vec![2], make(1, 9)) },
                    Control::none(),
                )
                .unwrap();
            assert_eq!(again.len(), 312);
            assert_eq!(fs::read(&path).unwrap(), bytes, "an update left the file alone");
        }
    }
}

#[test]
fn an_index_without_products_is_saved_too() {
    let (folder, index) = (Folder::new(), index("euclidean", dense(30, 0)));
    save(&index, &folder.join("a"), Control::none()).unwrap();
    for how in every_way() {
        let again = load(&folder.join("a"), how, Control::none()).unwrap();
        assert!(!again.stats().graph_ready && !again.stats().search_ready);
        assert_eq!(again.neighbor_graph(Control::none()), index.neighbor_graph(Control::none()));
    }
}

#[test]
fn saving_replaces_a_file_as_a_whole_or_leaves_it_as_it_was() {
    let folder = Folder::new();
    let path = folder.join("index.hnsw");
    fs::write(&path, b"before").unwrap();
    let index = made("euclidean", dense, 200);
    let stop = AtomicBool::new(true);
    assert_eq!(save(&index, &path, Control::new(&stop, &|_| {})).unwrap_err().code(), "ERR_CANCELLED");
    // Cancelled while the file is written: after the first report of that phase.
    let stop = AtomicBool::new(false);
    let report = |progress: hnsw_core::Progress| stop.store(progress.phase == "writing", Ordering::Relaxed);
    assert_eq!(save(&index, &path, Control::new(&stop, &report)).unwrap_err().code(), "ERR_CANCELLED");
    assert_eq!((fs::read(&path).unwrap(), folder.names()), (b"before".to_vec(), vec!["index.hnsw".to_string()]));
    save(&index, &path, Control::none()).unwrap();
    save(&index, &path, Control::none()).unwrap();
    assert_eq!(folder.names(), ["index.hnsw"]);
    load(&path, IN_MEMORY, Control::none()).unwrap();
    for bad in [folder.join("no/folder"), folder.join(""), std::path::PathBuf::from("/")] {
        assert_eq!(save(&index, &bad, Control::none()).unwrap_err().code(), "ERR_FILE", "{bad:?}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_permissions_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new();
    let (real, link) = (folder.join("real"), folder.join("link"));
    fs::write(&real, b"before").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &link).unwrap();
    save(&index("euclidean", dense(9, 0)), &link, Control::none()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    load(&link, MAPPED, Control::none()).unwrap();
}

#[test]
fn what_is_no_regular_file_is_not_waited_for() {
    let folder = Folder::new();
    for how in every_way() {
        for path in [folder.join("nothing"), folder.join("")] {
            assert_eq!(load(&path, how, Control::none()).err().unwrap().code(), "ERR_FILE");
        }
    }
    #[cfg(unix)]
    {
        let pipe = folder.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()));
        assert_eq!(load(&pipe, IN_MEMORY, Control::none()).err().unwrap().code(), "ERR_FILE");
        assert_eq!(save(&index("euclidean", dense(9, 0)), &pipe, Control::none()).unwrap_err().code(), "ERR_FILE");
    }
}

/// A file of few bytes that has every kind of section.
fn small() -> (Index, Vec<u8>) {
    let index = made("euclidean", dense, 20);
    let bytes = index.dump(true, Control::none()).unwrap();
    (index, bytes)
}

#[test]
fn a_flipped_byte_anywhere_is_found_however_the_file_is_loaded_and_named() {
    let ((_, bytes), folder) = (small(), Folder::new());
    let path = folder.join("a");
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&path, &flipped).unwrap();
        for how in [IN_MEMORY, Load { mmap: true, ..IN_MEMORY }] {
            let code = load(&path, how, Control::none()).err().map(|error| error.code());
            assert!(matches!(code, Some("ERR_CORRUPT_FILE" | "ERR_UNSUPPORTED_VERSION")), "byte {at}: {code:?}");
        }
        let found = verify(&path, Control::none()).unwrap();
        assert!(!found.problems.is_empty(), "byte {at}");
        if let Some((name, ..)) = sections(&bytes)
            .iter()
            .map(|&(_, kind, start, len)| (kind, start, len))
            .find(|&(_, start, len)| (start..(start + len).next_multiple_of(64)).contains(&at))
        {
            let bad: Vec<_> = found.sections.iter().filter(|section| !section.sound).collect();
            assert_eq!(bad.len(), 1, "byte {at}: {:?}", found.problems);
            assert!(bad[0].name.starts_with(&format!("section {name} ")), "byte {at}: {}", bad[0].name);
            assert!(found.problems[0].contains(&bad[0].name), "byte {at}: {:?}", found.problems);
            assert_eq!(found.digest, Some(false));
        }
    }
}

#[test]
fn a_mapped_file_tells_of_a_flipped_byte_when_the_part_is_used_and_when_it_is_verified() {
    let ((_, bytes), folder) = (small(), Folder::new());
    let path = folder.join("a");
    for at in (0..bytes.len()).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        fs::write(&path, &flipped).unwrap();
        let Ok(index) = load(&path, MAPPED, Control::none()) else { continue };
        let found = index.verify(Control::none()).unwrap();
        assert!(!found.problems.is_empty(), "byte {at}");
        let used = use_all(&path, MAPPED, dense);
        // The zeros behind a section belong to it; all sections of this file are used.
        assert_eq!(used.err().map(|error| error.code()), Some("ERR_CORRUPT_FILE"), "byte {at}: {:?}", found.problems);
    }
}

#[test]
fn every_length_but_the_right_one_is_refused() {
    let ((_, bytes), folder) = (small(), Folder::new());
    let path = folder.join("a");
    let borders = sections(&bytes).into_iter().flat_map(|(at, _, start, len)| [at, start, start + len]);
    let lengths: Vec<usize> = borders.flat_map(|at| [at.saturating_sub(1), at, at + 1]).chain(0..130).collect();
    for len in lengths.into_iter().filter(|&len| len < bytes.len()) {
        fs::write(&path, &bytes[..len]).unwrap();
        // Also where the header says that it is whole.
        let mut told = bytes[..len].to_vec();
        if len >= 64 + 32 * sections(&bytes).len() {
            told[16..24].copy_from_slice(&(len as u64).to_le_bytes());
            forge_header(&mut told);
        }
        for bytes in [&bytes[..len], &told] {
            fs::write(&path, bytes).unwrap();
            for how in every_way() {
                assert_eq!(
                    load(&path, how, Control::none()).err().map(|e| e.code()),
                    Some("ERR_CORRUPT_FILE"),
                    "{len}"
                );
            }
            assert!(!verify(&path, Control::none()).unwrap().problems.is_empty());
        }
    }
    fs::write(&path, [&bytes[..], &[0; 64]].concat()).unwrap();
    assert_eq!(load(&path, MAPPED, Control::none()).err().map(|e| e.code()), Some("ERR_CORRUPT_FILE"));
}

#[test]
fn a_sound_index_is_called_sound_and_described() {
    let ((index, bytes), folder) = (small(), Folder::new());
    let path = folder.join("a");
    fs::write(&path, &bytes).unwrap();
    let of_file = verify(&path, Control::none()).unwrap();
    assert_eq!(
        (of_file.problems.len(), of_file.version, of_file.digest, of_file.rows),
        (0, Some(2), Some(true), Some(20))
    );
    assert_eq!(of_file.sections.len(), sections(&bytes).len());
    let live = index.verify(Control::none()).unwrap();
    assert_eq!((live.problems.len(), live.version, live.sections.len()), (0, None, 0));
    for how in every_way() {
        let seen = load(&path, how, Control::none()).unwrap().verify(Control::none()).unwrap();
        assert_eq!((&seen.problems, &seen.links), (&vec![], &live.links), "{how:?}");
    }
    let links = live.links.unwrap();
    assert_eq!(links.degrees.iter().sum::<usize>(), 20);
    assert_eq!((links.out_of_range, links.unreachable), (0, 0));
    // Products alone have nothing to be held against.
    fs::write(&path, index.dump(false, Control::none()).unwrap()).unwrap();
    assert_eq!(verify(&path, Control::none()).unwrap().problems, Vec::<String>::new());
}

#[test]
fn damage_that_every_checksum_covers_is_found_by_what_it_means() {
    let (_, bytes) = small();
    let digest_only = {
        let mut bytes = bytes.clone();
        bytes[40] ^= 1;
        forge(&mut bytes);
        bytes
    };
    let found = |bytes: &[u8]| Verification::of_bytes(bytes, Control::none()).unwrap();
    assert_eq!(found(&digest_only).problems, ["the digest of the whole is wrong"]);
    let stranded = found(&forged(&bytes, 11, |links| links.fill(0xff)));
    assert_eq!(stranded.links.as_ref().map(|links| (links.unreachable, links.degrees[0])), Some((19, 20)));
    let wrong = found(&forged(&bytes, 11, |links| links[..4].copy_from_slice(&77u32.to_le_bytes())));
    assert_eq!(wrong.links.as_ref().map(|links| links.out_of_range), Some(1));
    assert!(wrong.problems.iter().any(|problem| problem.contains("link to 77")), "{:?}", wrong.problems);
}

#[cfg(unix)]
#[test]
fn a_mapped_file_that_was_cut_or_written_to_is_refused_by_the_next_call() {
    let ((_, bytes), folder) = (small(), Folder::new());
    let path = folder.join("a");
    let rewrite = |path: &std::path::Path| {
        fs::OpenOptions::new().write(true).open(path).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    };
    let cut = |path: &std::path::Path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(100).unwrap();
    for change in [&cut as &dyn Fn(&std::path::Path), &rewrite] {
        for verify in [Verify::WhenUsed, Verify::Sections] {
            fs::write(&path, &bytes).unwrap();
            let index = load(&path, Load { mmap: true, verify, threads: 1 }, Control::none()).unwrap();
            change(&path);
            assert_eq!(use_index(&index, Some(dense)).unwrap_err().code(), "ERR_CORRUPT_FILE");
            assert_eq!(index.dump(true, Control::none()).unwrap_err().code(), "ERR_CORRUPT_FILE");
            if verify == Verify::WhenUsed {
                assert!(index.verify(Control::none()).unwrap().problems[0].contains("mapped file"));
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_mapped_file_may_be_replaced_and_an_updated_index_needs_it_no_more() {
    let ((index, bytes), folder) = (small(), Folder::new());
    let path = folder.join("a");
    fs::write(&path, &bytes).unwrap();
    let mapped = load(&path, MAPPED, Control::none()).unwrap();
    save(&made("cosine", dense, 7), &path, Control::none()).unwrap();
    assert_eq!(mapped.neighbor_graph(Control::none()), index.neighbor_graph(Control::none()));
    fs::write(&path, &bytes).unwrap();
    let mapped = load(&path, MAPPED, Control::none()).unwrap();
    mapped.update(Changes::fresh(dense(2, 90)), Control::none()).unwrap();
    fs::write(&path, b"").unwrap();
    use_index(&mapped, Some(dense)).unwrap();
}

#[test]
fn loading_can_be_cancelled() {
    let ((_, bytes), folder) = (small(), Folder::new());
    let path = folder.join("a");
    fs::write(&path, bytes).unwrap();
    let stop = AtomicBool::new(true);
    for how in [IN_MEMORY, Load { verify: Verify::Full, ..MAPPED }] {
        assert_eq!(load(&path, how, Control::new(&stop, &|_| {})).err().unwrap().code(), "ERR_CANCELLED");
    }
    assert_eq!(verify(&path, Control::new(&stop, &|_| {})).unwrap_err().code(), "ERR_CANCELLED");
}
