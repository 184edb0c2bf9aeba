//! The disk in memory forgets what a real one may forget, and nothing else.

use std::collections::BTreeSet;

use mqspec_broker_log::{Disk, MemoryDisk, SECTOR};

/// Every answer of `chance` that a short experiment can give.
fn after_any_power_loss(disk: &MemoryDisk, file: &str) -> BTreeSet<Option<Vec<u8>>> {
    let mut left = BTreeSet::new();
    for seed in 0..2000_u64 {
        let mut disk = disk.clone();
        let mut state = seed;
        disk.power_loss(&mut |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below.max(1)
        });
        left.insert(disk.read(file).expect("it is in memory"));
    }
    left
}

fn disk_with(file: &str, bytes: &[u8]) -> MemoryDisk {
    let mut disk = MemoryDisk::new();
    disk.append(file, bytes).expect("there is room");
    disk.sync(file).expect("it is there");
    disk.sync_directory().expect("it is there");
    disk
}

#[test]
fn what_is_synced_stays() {
    let disk = disk_with("file", &[7; 3 * SECTOR]);
    assert_eq!(after_any_power_loss(&disk, "file"), BTreeSet::from([Some(vec![7; 3 * SECTOR])]));
}

#[test]
fn a_name_that_is_not_synced_may_be_gone() {
    let mut disk = MemoryDisk::new();
    disk.append("file", b"bytes").expect("there is room");
    disk.sync("file").expect("it is there");
    let expected = BTreeSet::from([None, Some(b"bytes".to_vec())]);
    assert_eq!(after_any_power_loss(&disk, "file"), expected);
}

#[test]
fn unsynced_bytes_are_there_in_whole_sectors_or_not() {
    let mut disk = disk_with("file", &[1; SECTOR]);
    disk.append("file", &[2; 2 * SECTOR]).expect("there is room");
    let left = after_any_power_loss(&disk, "file");
    assert!(left.contains(&Some(vec![1; SECTOR])), "nothing of it");
    assert!(left.contains(&Some([[1; SECTOR], [2; SECTOR], [2; SECTOR]].concat())), "all of it");
    assert!(left.contains(&Some([[1; SECTOR], [0; SECTOR], [2; SECTOR]].concat())), "a hole before it");
    for bytes in left.into_iter().flatten() {
        assert_eq!(bytes.get(..SECTOR), Some([1; SECTOR].as_slice()), "what was synced stays");
        for sector in bytes.chunks(SECTOR) {
            assert!(
                sector.windows(2).all(|pair| pair.first() == pair.last()),
                "a sector is one or the other"
            );
        }
    }
}

#[test]
fn a_rename_happens_as_a_whole() {
    let mut disk = disk_with("old", b"old");
    disk.append("new", b"new").expect("there is room");
    disk.sync("new").expect("it is there");
    disk.rename("new", "old").expect("it is there");
    let expected = BTreeSet::from([Some(b"old".to_vec()), Some(b"new".to_vec())]);
    assert_eq!(after_any_power_loss(&disk, "old"), expected);
}

#[test]
fn a_cut_that_is_not_synced_may_not_have_happened() {
    let mut disk = disk_with("file", b"bytes");
    disk.truncate("file", 2).expect("it is there");
    let left = after_any_power_loss(&disk, "file");
    assert!(left.contains(&Some(b"bytes".to_vec())) && left.contains(&Some(b"by".to_vec())), "{left:?}");
    disk.sync("file").expect("it is there");
    assert_eq!(after_any_power_loss(&disk, "file"), BTreeSet::from([Some(b"by".to_vec())]));
}

#[test]
fn what_a_failed_sync_dropped_is_shown_and_may_be_gone() {
    let mut disk = disk_with("file", &[1; SECTOR]);
    disk.append("file", &[2; SECTOR]).expect("there is room");
    disk.fail_sync("file");
    disk.sync("file").expect("the next one succeeds");
    let shown = disk.read("file").expect("it is in memory");
    assert_eq!(shown, Some([[1; SECTOR], [2; SECTOR]].concat()));
    let left = after_any_power_loss(&disk, "file");
    assert_eq!(left, BTreeSet::from([shown, Some([[1; SECTOR], [0; SECTOR]].concat())]));
}

#[test]
fn a_full_disk_takes_what_fits() {
    let mut disk = MemoryDisk::new();
    disk.set_capacity(Some(3));
    let error = disk.append("file", b"bytes").expect_err("there is no room");
    assert!(mqspec_broker_log::is_full(&error), "{error}");
    assert_eq!(disk.read("file").expect("it is in memory"), Some(b"byt".to_vec()));
    disk.remove("file").expect("it is there");
    disk.append("file", b"yes").expect("there is room again");
}
