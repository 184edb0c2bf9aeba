//! Any bytes as the durable log: whole entries come back, damaged ones are told of, nothing is invented, and a broker can
//! be made of what comes back.

use std::time::Duration;

use mqspec_broker_core::{Broker, Config, Effect, Effects, Input};
use mqspec_broker_log::{Disk, Log, LogError, MemoryDisk, Options, Recovery, Warning};
use mqspec_fuzz_script::{Act, Choices, record};

mod entries;

use entries::{Found, whole_entries};

/// Small, so that short scripts compact.
const OPTIONS: Options = Options { salt: 7, ballast: 0, compact_from: 4096 };
/// Steps of one script, at most, and as many damages.
const STEPS: usize = 24;

/// The first byte says what the rest is. Bit 0 clear: the bytes of the log, behind a header of ours where bit 1 is set. Bit 0
/// set: a script that writes a log and damages it.
///
/// # Panics
/// Where recovery loses what is whole, invents, differs from time to time, or where its records bring a broker down.
pub fn log(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    match choice & 3 {
        0 => {
            recovers(rest, None);
        }
        2 => {
            let header = file(Log::open(MemoryDisk::new(), OPTIONS).expect("an empty disk").0);
            recovers(&[&header[..], rest].concat(), None);
        }
        _ => script(&mut Choices::new(rest)),
    }
}

/// What stands in the log's file.
fn file(mut log: Log<MemoryDisk>) -> Vec<u8> {
    let bytes = log.disk_mut().read("log").expect("a disk in memory can be read");
    bytes.expect("an open log has its file")
}

/// Writes a log, damages it, and has it recovered.
fn script(script: &mut Choices<'_>) {
    let (mut log, _) = Log::open(MemoryDisk::new(), OPTIONS).expect("an empty disk");
    let mut written: Vec<Vec<u8>> = Vec::new();
    for _ in 0..STEPS {
        if script.is_over() {
            break;
        }
        let choice = script.byte();
        match choice & 7 {
            // The damage begins.
            0 => break,
            1 | 2 => append(&mut log, &mut written, vec![script.bytes().to_vec()]),
            3 => {
                let records = vec![script.bytes().to_vec(), Vec::new(), script.bytes().to_vec()];
                append(&mut log, &mut written, records);
            }
            4 => log.compact(&written).expect("there is room"),
            5 => {
                let (again, recovery) =
                    Log::open(std::mem::take(log.disk_mut()), OPTIONS).expect("it is whole");
                assert_eq!(records(&recovery), written, "a whole log is there after a restart");
                assert_eq!(recovery.warnings, [], "of a whole log");
                log = again;
            }
            // What a broker asks for, in entries of one to four records.
            kind => {
                let target = if kind == 6 { "broker_mqtt" } else { "broker_amqp" };
                let Ok(played) = record(target, script.bytes()) else { continue };
                let asked: Vec<_> = played.acts.into_iter().filter_map(kept).collect();
                for entry in asked.chunks(1 + usize::from(choice >> 6)) {
                    append(&mut log, &mut written, entry.to_vec());
                }
            }
        }
    }
    let whole = file(log);
    let mut bytes = whole.clone();
    let mut is_chosen = false;
    for _ in 0..STEPS {
        if script.is_over() {
            break;
        }
        is_chosen |= damage(&mut bytes, script);
    }
    // Bytes that are chosen could be an entry, checksums and all; others cannot become one by chance.
    let found = recovers(&bytes, if is_chosen { None } else { Some(&written) });
    assert!(bytes != whole || found == written, "an undamaged log gives all that was written");
}

fn kept(act: Act) -> Option<Vec<u8>> {
    if let Act::Recorded { bytes } = act { Some(bytes) } else { None }
}

fn append(log: &mut Log<MemoryDisk>, written: &mut Vec<Vec<u8>>, records: Vec<Vec<u8>>) {
    log.append(&records).expect("there is room");
    written.extend(records);
}

/// Does one thing to the bytes; whether the script chose what stands there now.
fn damage(bytes: &mut Vec<u8>, script: &mut Choices<'_>) -> bool {
    let choice = script.byte();
    let place = |script: &mut Choices<'_>| {
        let number = usize::from(script.byte()) << 8 | usize::from(script.byte());
        number.checked_rem(bytes.len()).unwrap_or_default()
    };
    let (one, other) = (place(script), place(script));
    let (start, end) = (one.min(other), one.max(other));
    match choice % 6 {
        0 => bytes.truncate(start),
        1 => bytes.get_mut(start..end).unwrap_or_default().fill(0),
        2 => drop(bytes.drain(start..end)),
        3 => {
            let again = bytes.get(start..end).unwrap_or_default().to_vec();
            bytes.extend(again);
        }
        4 => {
            if let Some(byte) = bytes.get_mut(start) {
                *byte ^= script.byte();
            }
            return true;
        }
        _ => {
            let chosen = script.bytes().to_vec();
            drop(bytes.splice(start..start, chosen));
            return true;
        }
    }
    false
}

/// Has the bytes recovered, in every way that must give the same. `written` is all that can be in there, where that is
/// known.
fn recovers(bytes: &[u8], written: Option<&[Vec<u8>]>) -> Vec<Vec<u8>> {
    let mut disk = MemoryDisk::new();
    disk.append("log", bytes).expect("there is room");
    let (mut log, recovery) = match Log::open(disk.clone(), OPTIONS) {
        Ok(opened) => opened,
        Err(LogError::Version { version, .. }) => {
            assert_ne!(version, 1, "our own version is refused");
            return Vec::new();
        }
        Err(why) => panic!("a log is refused on a disk that is well: {why}"),
    };
    let found = records(&recovery);
    let (_, again) = Log::open(disk, OPTIONS).expect("it opened before");
    assert!(
        records(&again) == found && again.warnings == recovery.warnings,
        "another recovery finds other records"
    );
    judge(bytes, &recovery, &found);
    if let Some(written) = written {
        let mut rest = written.iter();
        assert!(found.iter().all(|record| rest.any(|other| other == record)), "{found:?} of {written:?}");
    }
    let (_, next) = Log::open(log.disk_mut().clone(), OPTIONS).expect("it opened before");
    assert_eq!(records(&next), found, "the next start finds other records");
    log.compact(&found).expect("there is room");
    let (_, after) = Log::open(std::mem::take(log.disk_mut()), OPTIONS).expect("it is whole");
    assert_eq!((records(&after), after.warnings), (found.clone(), Vec::new()), "after a compaction");
    restore(&recovery);
    found
}

fn records(recovery: &Recovery) -> Vec<Vec<u8>> {
    recovery.records().map(|(record, _)| record.to_vec()).collect()
}

/// Holds a recovery against the whole entries that stand in the bytes.
fn judge(bytes: &[u8], recovery: &Recovery, found: &[Vec<u8>]) {
    let Some(Found { prefix, all, end }) = whole_entries(bytes) else {
        assert!(found.is_empty(), "records of a file that is no log: {found:?}");
        let told = matches!(recovery.warnings.as_slice(), [Warning::Unreadable { .. }]);
        assert!(told, "a file that is no log, and {:?}", recovery.warnings);
        return;
    };
    let trusted = recovery.records().take_while(|(_, trusted)| *trusted).count();
    assert_eq!(found.get(..trusted), Some(prefix.as_slice()), "what stands before all damage");
    let mut rest = all.iter();
    assert!(found.iter().all(|record| rest.any(|other| other == record)), "invented: {found:?}, of {all:?}");
    assert_eq!(
        recovery.warnings.is_empty(),
        end == bytes.len(),
        "{} bytes are whole of {}: {:?}",
        end,
        bytes.len(),
        recovery.warnings
    );
}

/// Makes a broker of the records as the server does, which must be able to start again from its own snapshot.
fn restore(recovery: &Recovery) {
    let config = Config { durable: true, ..Config::default() };
    let mut broker = Broker::new(config.clone());
    for (record, trusted) in recovery.records() {
        // Where such a record is refused, the server refuses to start; behind damage it goes on without it.
        if let (Err(why), true) = (broker.restore(record), trusted) {
            return assert!(!why.to_string().is_empty(), "refused without a reason");
        }
    }
    let now = Duration::from_secs(1_700_000_000);
    let mut effects = Effects::new();
    broker.restored(now, &mut effects);
    broker.handle(now, Input::TimePassed, &mut effects);
    let is_record = |effect: &Effect| matches!(effect, Effect::Record { .. });
    assert!(effects.as_slice().iter().all(is_record), "nobody is connected: {effects:?}");
    let snapshot = broker.snapshot();
    let mut again = Broker::new(config);
    for record in &snapshot {
        if let Err(why) = again.restore(record) {
            panic!("a broker cannot apply its own snapshot, {record:?}: {why}");
        }
    }
    assert_eq!(again.snapshot(), snapshot, "a snapshot is not what it says");
}
