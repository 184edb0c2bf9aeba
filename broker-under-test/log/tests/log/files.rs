//! The log in a directory of the real file system.

use std::fs;

use mqspec_broker_log::{Files, FilesError, Log, Warning};

use crate::support::{OPTIONS, record, table};

#[test]
fn a_log_is_there_when_it_is_opened_again() {
    let place = tempfile::tempdir().expect("a directory");
    let directory = place.path().join("made/on/the/way");
    let files = Files::open(&directory).expect("it can be made");
    let (mut log, _) = Log::open(files, OPTIONS).expect("an empty directory");
    log.append(&[record(1, b"one"), record(2, b"two")]).expect("there is room");
    log.compact(&[record(1, b"one")]).expect("there is room");
    log.append(&[record(3, b"three")]).expect("the file has its new name");
    drop(log);
    let files = Files::open(&directory).expect("nobody uses it any more");
    let (_, recovery) = Log::open(files, OPTIONS).expect("it is ours");
    assert_eq!(table(&recovery).into_keys().collect::<Vec<u8>>(), [1, 3]);
    assert_eq!(recovery.warnings, []);
}

#[test]
fn a_tail_that_is_no_entry_is_cut_off_the_file() {
    let place = tempfile::tempdir().expect("a directory");
    let open = || Log::open(Files::open(place.path()).expect("it can be had"), OPTIONS).expect("it is ours");
    let (mut log, _) = open();
    log.append(&[record(1, b"one")]).expect("there is room");
    let whole = log.length();
    drop(log);
    let path = place.path().join("log");
    let mut bytes = fs::read(&path).expect("it is there");
    bytes.extend_from_slice(&[1, 2, 3]);
    fs::write(&path, bytes).expect("it can be written");
    let (log, recovery) = open();
    let expected = Warning::TailCut { file: String::from("log"), offset: whole, bytes: 3 };
    assert_eq!(recovery.warnings, [expected]);
    drop(log);
    assert_eq!(fs::metadata(&path).expect("it is there").len(), whole);
}

#[test]
fn two_brokers_do_not_share_a_directory() {
    let place = tempfile::tempdir().expect("a directory");
    let first = Files::open(place.path()).expect("nobody has it");
    let why = Files::open(place.path()).map(|_| ()).expect_err("the first has it");
    assert!(matches!(why, FilesError::InUse(_)), "{why}");
    drop(first);
    Files::open(place.path()).expect("the first has gone");
}

#[test]
fn a_file_is_no_directory() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("file");
    fs::write(&path, b"").expect("it can be written");
    let why = Files::open(&path).map(|_| ()).expect_err("it is a file");
    assert!(why.to_string().ends_with("file is not a directory"), "{why}");
}
