//! After a crash at any operation, what was acknowledged is there, and nothing is that was never written.

use mqspec_broker_log::{AppendError, Log, LogError, Warning};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{SharedDisk, Table, record, set, snapshot, table};

#[derive(Clone, Debug)]
struct Life {
    batches: Vec<Vec<(u8, Vec<u8>)>>,
    /// After how many operations of the disk this process's machine goes off.
    operations: u32,
    /// Whether it is the machine that goes off, or only the process.
    power_loss: bool,
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let value = prop_oneof![
        vec(any::<u8>(), 0..20),
        (any::<u8>(), 600..2000_usize).prop_map(|(byte, n)| vec![byte; n])
    ];
    let batch = vec((0..8_u8, value), 1..4);
    let life = (vec(batch, 0..8), 0..60_u32, any::<bool>())
        .prop_map(|(batches, operations, power_loss)| Life { batches, operations, power_loss });
    vec(life, 1..6)
}

/// What a process knows: what must be there, and what may be there too.
#[derive(Default)]
struct Knowledge {
    kept: Table,
    /// As `kept`, with the batch that was under way when the disk failed.
    perhaps: Option<Table>,
}

/// Opens the log and checks it, then appends until the disk fails; `Err` is that failure.
fn live(disk: &SharedDisk, life: &Life, known: &mut Knowledge) -> Result<(), LogError> {
    let (mut log, recovery) = disk.open()?;
    let found = table(&recovery);
    assert!(
        found == known.kept || Some(&found) == known.perhaps.as_ref(),
        "found {found:?}, kept {:?}, perhaps {:?}",
        known.kept,
        known.perhaps
    );
    for warning in &recovery.warnings {
        assert!(matches!(warning, Warning::TailCut { .. }), "a crash does no more: {warning}");
    }
    // Until the log is a new one, the disk may hold less than the system shows: a failed sync drops things.
    compact(&mut log, &found)?;
    known.kept = found;
    known.perhaps = None;
    for batch in &life.batches {
        let records: Vec<Vec<u8>> = batch.iter().map(|(key, value)| record(*key, value)).collect();
        let mut next = known.kept.clone();
        for record in &records {
            set(&mut next, record);
        }
        known.perhaps = Some(next.clone());
        match log.append(&records) {
            Ok(()) => {}
            Err(AppendError::Failed(why)) => return Err(why),
            Err(AppendError::Full) => panic!("the disk has room"),
        }
        known.kept = next;
        known.perhaps = None;
        if log.wants_compaction() {
            compact(&mut log, &known.kept)?;
        }
    }
    Ok(())
}

fn compact(log: &mut Log<SharedDisk>, table: &Table) -> Result<(), LogError> {
    match log.compact(&snapshot(table)) {
        Ok(()) => Ok(()),
        Err(AppendError::Failed(why)) => Err(why),
        Err(AppendError::Full) => panic!("the disk has room"),
    }
}

/// A small generator for what a loss of power leaves: any sequence will do.
fn chance(seed: &mut u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below.max(1)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_outlives_any_crash(lives in lives(), seed in any::<u64>()) {
        let disk = SharedDisk::default();
        let mut known = Knowledge::default();
        let mut seed = seed;
        for life in &lives {
            disk.0.borrow_mut().healthy = Some(life.operations);
            let ended = live(&disk, life, &mut known);
            prop_assert!(ended.is_ok() || disk.0.borrow().healthy == Some(0), "it fails with its disk only");
            disk.0.borrow_mut().healthy = None;
            if life.power_loss {
                disk.0.borrow_mut().disk.power_loss(&mut chance(&mut seed));
            }
        }
        let peaceful = Life { batches: Vec::new(), operations: 0, power_loss: false };
        live(&disk, &peaceful, &mut known).expect("nothing fails any more");
        // What was found once stays.
        disk.0.borrow_mut().disk.power_loss(&mut chance(&mut seed));
        live(&disk, &peaceful, &mut known).expect("nothing fails any more");
    }
}

#[test]
fn a_failed_sync_is_not_asked_again() {
    let disk = SharedDisk::default();
    let (mut log, _) = disk.open().expect("an empty disk");
    disk.0.borrow_mut().healthy = Some(1); // the append succeeds, the sync does not
    log.append(&[record(1, b"one")]).expect_err("the sync failed");
    disk.0.borrow_mut().healthy = None;
    let operations = disk.0.borrow().operations;
    let why = log.append(&[record(1, b"two")]).expect_err("nobody knows what is durable");
    assert!(matches!(why, AppendError::Failed(LogError::FailedBefore)), "{why}");
    assert_eq!(disk.0.borrow().operations, operations, "the disk is left alone");
}

#[test]
fn what_a_failed_sync_dropped_is_written_again_by_the_next_process() {
    let disk = SharedDisk::default();
    let (mut log, _) = disk.open().expect("an empty disk");
    disk.0.borrow_mut().healthy = Some(1);
    log.append(&[record(1, &[7; 5000])]).expect_err("the sync failed");
    disk.0.borrow_mut().healthy = None;
    drop(log);
    let (mut log, recovery) = disk.open().expect("the disk is well again");
    let found = table(&recovery);
    assert_eq!(found.len(), 1, "the system still shows what it has dropped");
    log.compact(&snapshot(&found)).expect("there is room");
    disk.0.borrow_mut().disk.power_loss(&mut |_| 0);
    let (_, recovery) = disk.open().expect("the disk is well");
    assert_eq!(table(&recovery), found);
}
