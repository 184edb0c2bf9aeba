//! Nothing leaves before it is kept, shown with a disk that fails when it is told to.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::support::Bench;
use mqspec_broker_log::{Disk, MemoryDisk};
use mqspec_broker_server::{LOOK_FOR_ROOM, StorageError, StorageNotice};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// A disk that outlives the server, and whose syncs fail when they are told to.
#[derive(Clone, Default)]
struct TestDisk {
    memory: Rc<RefCell<MemoryDisk>>,
    syncs_fail: Rc<Cell<bool>>,
    syncs: Rc<Cell<u32>>,
}

impl TestDisk {
    fn leave_free(&self, bytes: Option<u64>) {
        let mut memory = self.memory.borrow_mut();
        let used = memory.used();
        memory.set_capacity(bytes.map(|free| used + free));
    }
}

impl Disk for TestDisk {
    fn length(&mut self, file: &str) -> io::Result<Option<u64>> {
        self.memory.borrow_mut().length(file)
    }

    fn read(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        self.memory.borrow_mut().read(file)
    }

    fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.memory.borrow_mut().append(file, bytes)
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        if self.syncs_fail.get() {
            self.memory.borrow_mut().fail_sync(file);
            return Err(io::Error::other("input/output error"));
        }
        self.syncs.set(self.syncs.get() + 1);
        self.memory.borrow_mut().sync(file)
    }

    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()> {
        self.memory.borrow_mut().truncate(file, length)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.memory.borrow_mut().rename(from, to)
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.memory.borrow_mut().remove(file)
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.memory.borrow_mut().sync_directory()
    }
}

/// Gives an order and reads the answer.
async fn ask(client: &mut DuplexStream, order: &str, answer: &str) {
    client.write_all(order.as_bytes()).await.expect("the server reads");
    let mut heard = vec![0; answer.len()];
    client.read_exact(&mut heard).await.expect("the server answers");
    assert_eq!(String::from_utf8_lossy(&heard), answer);
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_is_there_after_a_loss_of_power() {
    let disk = TestDisk::default();
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    let before = disk.syncs.clone();
    let (_, result) = bench
        .run_on(disk.clone(), async {
            ask(&mut client, "keep one\nsay kept\nkeep two\n", "kept").await;
            let syncs = before.get();
            ask(&mut client, "say still\n", "still").await;
            assert_eq!(before.get(), syncs, "what needs no keeping costs no sync");
        })
        .await;
    result.expect("the disk is well");
    disk.memory.borrow_mut().power_loss(&mut |_| 0);
    let (log, result) = Bench::new().run_on(disk, std::future::ready(())).await;
    result.expect("the disk is well");
    assert_eq!(log.inputs(), ["restored one, two", "shut down"]);
    assert_eq!(log.storage(), []);
}

#[tokio::test(start_paused = true)]
async fn a_failed_sync_lets_nothing_leave_and_ends_the_server() {
    let disk = TestDisk::default();
    let mut bench = Bench::new();
    let (mut client, mut witness) = (bench.connect(1024), bench.connect(1024));
    let (_, result) = bench
        .run_on(disk.clone(), async {
            ask(&mut witness, "keep one\nsay kept\n", "kept").await;
            disk.syncs_fail.set(true);
            client.write_all(b"keep two\nsay kept\n").await.expect("the server reads");
            for stream in [&mut client, &mut witness] {
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).await.expect("an end, not an error");
                assert_eq!(rest, b"", "nothing is acknowledged that is not kept");
            }
        })
        .await;
    let why = result.expect_err("the disk failed").to_string();
    assert_eq!(why, "syncing the file `log` of the data directory failed");
    disk.syncs_fail.set(false);
    disk.memory.borrow_mut().power_loss(&mut |_| 0);
    let (log, result) = Bench::new().run_on(disk, std::future::ready(())).await;
    result.expect("the disk is well again");
    assert_eq!(log.inputs(), ["restored one", "shut down"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_told_of_and_so_is_its_end() {
    let disk = TestDisk::default();
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    let (log, result) = bench
        .run_on(disk.clone(), async {
            ask(&mut client, "say hello\n", "hello").await;
            disk.leave_free(Some(10));
            ask(&mut client, "keep what finds no room\nsay kept\n", "kept").await;
            tokio::time::sleep(LOOK_FOR_ROOM * 3 + LOOK_FOR_ROOM / 2).await;
            disk.leave_free(None);
            tokio::time::sleep(LOOK_FOR_ROOM).await;
        })
        .await;
    result.expect("the ballast was enough");
    assert_eq!(log.storage(), [StorageNotice::Full, StorageNotice::RoomAgain]);
    let (full, again) = (log.time_of("storage full: true"), log.time_of("storage full: false"));
    assert_eq!(again.saturating_sub(full), LOOK_FOR_ROOM * 4, "it looked every so often");
    let (log, _) = Bench::new().run_on(disk, std::future::ready(())).await;
    assert_eq!(log.inputs(), ["restored what finds no room", "shut down"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_makes_room_on_a_full_disk() {
    let disk = TestDisk::default();
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    let (log, result) = bench
        .run_on(disk.clone(), async {
            ask(&mut client, "hoard 6000\nsay kept\n", "kept").await;
            disk.leave_free(Some(10));
            ask(&mut client, "forget\nsay forgot\n", "forgot").await;
            tokio::time::sleep(LOOK_FOR_ROOM + Duration::from_millis(1)).await;
        })
        .await;
    result.expect("there is room");
    assert_eq!(log.storage(), [StorageNotice::Full, StorageNotice::RoomAgain]);
}

#[tokio::test(start_paused = true)]
async fn a_disk_without_any_room_left_ends_the_server() {
    let disk = TestDisk::default();
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    let (_, result) = bench
        .run_on(disk.clone(), async {
            ask(&mut client, "say hello\n", "hello").await;
            disk.leave_free(Some(10));
            client.write_all(b"hoard 20000\nsay kept\n").await.expect("the server reads");
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.expect("an end, not an error");
            assert_eq!(rest, b"");
        })
        .await;
    let why = result.expect_err("there is no room");
    assert!(matches!(why, StorageError::Full), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_applied_is_named() {
    let disk = TestDisk::default();
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    let (_, result) =
        bench.run_on(disk.clone(), async { ask(&mut client, "keep poison\nsay kept\n", "kept").await }).await;
    result.expect("the disk is well");
    let (_, result) = Bench::new().run_on(disk, std::future::ready(())).await;
    let why = result.expect_err("it cannot be applied");
    assert!(matches!(why, StorageError::Record { .. }), "{why}");
}
