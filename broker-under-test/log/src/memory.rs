//! A disk in memory that forgets at a loss of power what a real one may forget.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use crate::disk::Disk;

/// What a disk writes as one: a loss of power leaves a sector as it was or as it was to be, in bytes.
pub const SECTOR: usize = 512;

/// Files that the system remembers for as long as it runs, and what of them survives a loss of power.
///
/// A killed process loses nothing here. [`MemoryDisk::power_loss`] takes back what was not synced: sector
/// by sector, as a length, as a name, each as chance has it.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    files: BTreeMap<u64, Contents>,
    next_file: u64,
    /// Which file a name means now.
    names: BTreeMap<String, u64>,
    /// Which file it meant when the directory was last synced.
    durable_names: BTreeMap<String, u64>,
    /// What has been done to names since then, oldest first.
    renamings: Vec<Renaming>,
    /// How many bytes fit on it.
    capacity: Option<u64>,
}

#[derive(Clone, Debug)]
enum Renaming {
    Made(String, u64),
    Renamed { from: String, to: String },
    Removed(String),
}

impl Renaming {
    fn carry_out(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Made(name, file) => {
                names.insert(name.clone(), *file);
            }
            Self::Renamed { from, to } => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Self::Removed(name) => {
                names.remove(name);
            }
        }
    }
}

/// A file as the system shows it, and how that differs from what the disk has.
#[derive(Clone, Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    /// So many bytes from the start are the same on the disk, but for `unwritten`.
    clean: usize,
    /// What the disk still has behind these.
    stale: Vec<u8>,
    /// Bytes that a failed sync has dropped: shown, believed to be written, and never written again.
    unwritten: Vec<Range<usize>>,
}

impl Contents {
    fn truncate(&mut self, length: usize) {
        if length < self.clean {
            let cut = self.bytes.get(length..self.clean).unwrap_or_default();
            let mut stale = cut.to_vec();
            stale.append(&mut self.stale);
            self.stale = stale;
            self.clean = length;
        }
        self.bytes.truncate(length);
        self.unwritten.retain_mut(|range| {
            range.end = range.end.min(length);
            range.start < range.end
        });
    }

    fn sync(&mut self) {
        self.clean = self.bytes.len();
        self.stale.clear();
    }

    fn fail_sync(&mut self) {
        if self.clean < self.bytes.len() {
            self.unwritten.push(self.clean..self.bytes.len());
        }
        self.sync();
    }

    /// The file after the machine has started again.
    fn after_power_loss(&self, chance: &mut dyn FnMut(u64) -> u64) -> Self {
        let mut durable: Vec<u8> = self.bytes.get(..self.clean).unwrap_or_default().to_vec();
        for range in &self.unwritten {
            // The failed write may have reached some sectors.
            for sector in sectors(range.clone()) {
                if chance(2) == 0
                    && let Some(bytes) = durable.get_mut(sector)
                {
                    bytes.fill(0);
                }
            }
        }
        if self.clean < self.bytes.len() || !self.stale.is_empty() {
            durable.extend_from_slice(&self.stale);
            let length = drawn_length(durable.len(), self.bytes.len(), chance);
            durable.resize(length, 0);
            for sector in sectors(self.clean..length.min(self.bytes.len())) {
                if chance(2) == 1
                    && let (Some(old), Some(new)) = (durable.get_mut(sector.clone()), self.bytes.get(sector))
                {
                    old.copy_from_slice(new);
                }
            }
        }
        Self { clean: durable.len(), bytes: durable, ..Self::default() }
    }
}

/// A range cut at the boundaries of sectors.
fn sectors(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        let end = ((start / SECTOR + 1) * SECTOR).min(range.end);
        let sector = start..end;
        start = end;
        (sector.start < sector.end).then_some(sector)
    })
}

/// One length, the other, or one between them.
fn drawn_length(old: usize, new: usize, chance: &mut dyn FnMut(u64) -> u64) -> usize {
    let (least, most) = (old.min(new), old.max(new));
    match chance(4) {
        0 => old,
        1 => least + usize::try_from(chance((most - least) as u64 + 1)).unwrap_or(0),
        _ => new,
    }
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on so many bytes fit on it; `None`: any number. What is there stays, also if it is more.
    pub fn set_capacity(&mut self, bytes: Option<u64>) {
        self.capacity = bytes;
    }

    /// How many bytes all files have together.
    pub fn used(&self) -> u64 {
        self.names.values().filter_map(|file| self.files.get(file)).map(|file| file.bytes.len() as u64).sum()
    }

    /// The machine loses its power: what was not synced is there, or not, or in part. `chance(n)` draws a
    /// number below `n`.
    pub fn power_loss(&mut self, chance: &mut dyn FnMut(u64) -> u64) {
        // Systems that keep a journal of names lose its end only.
        let kept = chance(self.renamings.len() as u64 + 1);
        for renaming in self.renamings.drain(..).take(usize::try_from(kept).unwrap_or(usize::MAX)) {
            renaming.carry_out(&mut self.durable_names);
        }
        self.renamings.clear();
        self.names.clone_from(&self.durable_names);
        self.forget_nameless();
        for file in self.files.values_mut() {
            *file = file.after_power_loss(chance);
        }
    }

    /// A sync that fails, as Linux has it: what was to be written is dropped, and the next sync succeeds
    /// without it.
    pub fn fail_sync(&mut self, file: &str) {
        if let Some(contents) = self.contents(file) {
            contents.fail_sync();
        }
    }

    fn contents(&mut self, file: &str) -> Option<&mut Contents> {
        self.files.get_mut(self.names.get(file)?)
    }

    fn known(&mut self, file: &str) -> io::Result<&mut Contents> {
        self.contents(file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename_in(&mut self, renaming: Renaming) {
        renaming.carry_out(&mut self.names);
        self.renamings.push(renaming);
    }

    fn forget_nameless(&mut self) {
        let (names, durable) = (&self.names, &self.durable_names);
        self.files.retain(|file, _| names.values().chain(durable.values()).any(|named| named == file));
    }
}

impl Disk for MemoryDisk {
    fn length(&mut self, file: &str) -> io::Result<Option<u64>> {
        Ok(self.contents(file).map(|contents| contents.bytes.len() as u64))
    }

    fn read(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.contents(file).map(|contents| contents.bytes.clone()))
    }

    fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        let room = self.capacity.map(|capacity| capacity.saturating_sub(self.used()));
        let room = room.and_then(|room| usize::try_from(room).ok()).unwrap_or(usize::MAX);
        if self.contents(file).is_none() {
            let made = self.next_file;
            self.next_file += 1;
            self.files.insert(made, Contents::default());
            self.rename_in(Renaming::Made(file.to_owned(), made));
        }
        let contents = self.known(file)?;
        match bytes.get(..room) {
            Some(fitting) if fitting.len() < bytes.len() => {
                contents.bytes.extend_from_slice(fitting);
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => {
                contents.bytes.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        self.known(file)?.sync();
        Ok(())
    }

    fn truncate(&mut self, file: &str, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.known(file)?.truncate(length);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.known(from)?;
        self.rename_in(Renaming::Renamed { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.known(file)?;
        self.rename_in(Renaming::Removed(file.to_owned()));
        Ok(())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.renamings.clear();
        self.durable_names.clone_from(&self.names);
        self.forget_nameless();
        Ok(())
    }
}
