//! The disk is full.

use mqspec_broker_log::AppendError;

use crate::support::{SharedDisk, record, snapshot, table};

/// Leaves so many bytes free.
fn leave(disk: &SharedDisk, free: u64) {
    let mut state = disk.0.borrow_mut();
    let used = state.disk.used();
    state.disk.set_capacity(Some(used + free));
}

#[test]
fn the_ballast_finishes_the_entry_that_found_no_room() {
    let disk = SharedDisk::default();
    let (mut log, _) = disk.open().expect("an empty disk");
    assert!(!log.is_full());
    leave(&disk, 30);
    log.append(&[record(1, &[1; 100])]).expect("the ballast makes room");
    assert!(log.is_full());
    assert!(!log.find_room().expect("the disk is well"), "there is still none");
    disk.0.borrow_mut().disk.set_capacity(None);
    assert!(log.find_room().expect("the disk is well"));
    assert!(!log.is_full());
    drop(log);
    let (log, recovery) = disk.open().expect("the disk is well");
    assert_eq!(recovery.warnings, []);
    assert_eq!(table(&recovery).get(&1), Some(&vec![1; 100]));
    assert!(!log.is_full(), "the ballast is the one that was made again");
}

#[test]
fn an_entry_without_room_leaves_the_log_as_it_was() {
    let disk = SharedDisk::default();
    let (mut log, _) = disk.open().expect("an empty disk");
    log.append(&[record(1, b"one")]).expect("there is room");
    leave(&disk, 30);
    let why = log.append(&[record(2, &[2; 9000])]).expect_err("more than the ballast holds");
    assert!(matches!(why, AppendError::Full), "{why}");
    log.append(&[record(3, b"three")]).expect("a smaller one has room");
    drop(log);
    let (_, recovery) = disk.open().expect("the disk is well");
    assert_eq!(table(&recovery).into_keys().collect::<Vec<u8>>(), [1, 3]);
    assert_eq!(recovery.warnings, []);
}

#[test]
fn compaction_makes_room_on_a_full_disk() {
    let disk = SharedDisk::default();
    let (mut log, _) = disk.open().expect("an empty disk");
    for value in 0..100 {
        log.append(&[record(1, &[value; 100])]).expect("there is room");
    }
    leave(&disk, 0);
    log.append(&[record(1, b"latest")]).expect("the ballast makes room");
    let long = log.length();
    log.compact(&[record(1, b"latest")]).expect("the snapshot fits where the ballast was");
    assert!(log.length() < long / 10);
    assert!(log.find_room().expect("the disk is well"), "the old log's room is free");
}

#[test]
fn compaction_without_room_keeps_the_old_log() {
    let disk = SharedDisk::default();
    let (mut log, _) = disk.open().expect("an empty disk");
    log.append(&[record(1, &[1; 3000])]).expect("there is room");
    leave(&disk, 100);
    let table_before = [(1, vec![1; 3000])].into();
    let why = log.compact(&snapshot(&table_before)).expect_err("no room for two");
    assert!(matches!(why, AppendError::Full), "{why}");
    log.append(&[record(2, b"two")]).expect("there is room for this");
    drop(log);
    let (_, recovery) = disk.open().expect("the disk is well");
    assert_eq!(table(&recovery).len(), 2);
}

#[test]
fn a_log_on_a_full_disk_opens_and_says_so() {
    let disk = SharedDisk::default();
    drop(disk.open().expect("an empty disk"));
    {
        use mqspec_broker_log::Disk as _;
        disk.0.borrow_mut().disk.remove("ballast").expect("it is there");
    }
    leave(&disk, 10);
    let (log, _) = disk.open().expect("the disk is well");
    assert!(log.is_full());
}
