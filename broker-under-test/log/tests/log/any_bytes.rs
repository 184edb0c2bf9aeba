//! Any bytes may stand where the log should be.

use mqspec_broker_log::{Disk, Log, MemoryDisk, Recovery, Warning};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{OPTIONS, SharedDisk};

fn with_log(bytes: &[u8]) -> SharedDisk {
    let disk = SharedDisk::default();
    disk.0.borrow_mut().disk.append("log", bytes).expect("there is room");
    disk
}

/// A log with these records, one an entry.
fn log_of(records: &[Vec<u8>]) -> Vec<u8> {
    let disk = SharedDisk::default();
    let (mut log, _) = disk.open().expect("an empty disk");
    for record in records {
        log.append(&[record]).expect("there is room");
    }
    let bytes = disk.0.borrow_mut().disk.read("log").expect("it is in memory");
    bytes.expect("it was written")
}

fn records(recovery: &Recovery) -> Vec<Vec<u8>> {
    recovery.records().map(|(record, _)| record.to_vec()).collect()
}

/// Whether the one is the other with some left out.
fn is_part_of(part: &[Vec<u8>], whole: &[Vec<u8>]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|record| rest.any(|other| other == record))
}

fn check_reopening(disk: &SharedDisk, mut log: Log<SharedDisk>, found: &[Vec<u8>]) {
    log.compact(found).expect("there is room");
    drop(log);
    let (_, again) = disk.open().expect("it opened before");
    assert_eq!(again.warnings, [], "a warning is given once");
    assert_eq!(records(&again), found);
}

proptest! {
    #[test]
    fn any_bytes_are_recovered_from(bytes in vec(any::<u8>(), 0..300)) {
        let disk = with_log(&bytes);
        let (log, recovery) = disk.open().expect("the disk is well");
        prop_assert_eq!(recovery.records().count(), 0);
        let told = matches!(recovery.warnings.as_slice(), [Warning::Unreadable { .. }]);
        prop_assert!(told, "the warnings are {:?}", recovery.warnings);
        check_reopening(&disk, log, &[]);
    }

    #[test]
    fn a_damaged_log_keeps_what_is_whole_and_invents_nothing(
        written in vec(vec(any::<u8>(), 0..40), 0..8),
        damage in vec((any::<prop::sample::Index>(), 1..=255_u8), 0..4),
        cut in any::<prop::sample::Index>(),
        junk in vec(any::<u8>(), 0..60),
    ) {
        let whole = log_of(&written);
        let mut bytes = whole.clone();
        for (place, flip) in &damage {
            *place.get_mut::<u8>(&mut bytes) ^= flip;
        }
        bytes.truncate(24 + cut.index(bytes.len() - 23));
        bytes.extend_from_slice(&junk);
        let disk = with_log(&bytes);
        let (log, recovery) = disk.open().expect("the disk is well");
        let found = records(&recovery);
        prop_assert!(is_part_of(&found, &written), "found {found:?} of {written:?}");
        let clean = bytes.iter().zip(&whole).take_while(|(one, other)| one == other).count();
        let whole_entries = written.iter().scan(24, |end, record| {
            *end += 24 + record.len();
            Some(*end)
        });
        let kept = whole_entries.take_while(|end| *end <= clean).count();
        prop_assert_eq!(found.get(..kept), written.get(..kept), "all before the damage is there");
        prop_assert!(bytes == whole || !recovery.warnings.is_empty() || found.len() < written.len());
        check_reopening(&disk, log, &found);
    }
}

#[test]
fn damage_in_the_middle_is_told_and_its_file_kept() {
    let mut bytes = log_of(&[b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
    *bytes.get_mut(24 + 27 + 25).expect("the second record") ^= 1;
    let disk = with_log(&bytes);
    let (_, recovery) = disk.open().expect("the disk is well");
    let found: Vec<(&[u8], bool)> = recovery.records().collect();
    assert_eq!(found, [(b"one".as_slice(), true), (b"three".as_slice(), false)]);
    let [warning @ Warning::Damaged { offset: 51, bytes: 27, kept_as, .. }] = recovery.warnings.as_slice()
    else {
        panic!("{:?}", recovery.warnings)
    };
    assert!(warning.to_string().contains("27 bytes from offset 51"), "{warning}");
    let kept = disk.0.borrow_mut().disk.read(kept_as).expect("it is in memory");
    assert_eq!(kept, Some(bytes));
}

#[test]
fn each_damaged_log_is_kept_under_its_own_name() {
    let disk = with_log(b"one");
    drop(disk.open().expect("the disk is well"));
    disk.0.borrow_mut().disk.remove("log").expect("it is there");
    disk.0.borrow_mut().disk.append("log", b"two").expect("there is room");
    drop(disk.open().expect("the disk is well"));
    let mut state = disk.0.borrow_mut();
    assert_eq!(state.disk.read("log.damaged").expect("memory"), Some(b"one".to_vec()));
    assert_eq!(state.disk.read("log.damaged-2").expect("memory"), Some(b"two".to_vec()));
}

#[test]
fn a_log_of_another_version_is_left_alone() {
    let mut bytes = log_of(&[b"one".to_vec()]);
    bytes.splice(8..12, 9_u32.to_le_bytes());
    let checksum = crc32fast::hash(bytes.get(..20).expect("a header"));
    bytes.splice(20..24, checksum.to_le_bytes());
    let disk = with_log(&bytes);
    let why = disk.open().map(|_| ()).expect_err("nobody knows how to read it").to_string();
    assert!(why.contains("version 9"), "{why}");
    assert_eq!(disk.0.borrow_mut().disk.read("log").expect("memory"), Some(bytes));
}

#[test]
fn bytes_that_look_like_entries_all_over_do_not_cost_their_square() {
    // 200,000 headers that each announce the rest of the file, behind one damaged byte.
    let mut bytes = log_of(&[]);
    let header = {
        let whole = log_of(&[vec![0; 1 << 20]]);
        whole.get(24..44).expect("an entry").to_vec()
    };
    bytes.push(1);
    for _ in 0..200_000 {
        bytes.extend_from_slice(&header);
    }
    let mut disk = MemoryDisk::new();
    disk.append("log", &bytes).expect("there is room");
    // The square would be 10^12 bytes to checksum: this test would not come to its end.
    let (_, recovery) = Log::open(disk, OPTIONS).expect("the disk is well");
    assert_eq!(recovery.records().count(), 0);
}
