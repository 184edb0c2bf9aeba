//! Room that is kept for the time when the disk is full.
//!
//! A broker on a full disk must still be able to keep that a message was consumed or deleted. So a file lies
//! there that nobody needs: removing it makes room to finish what was begun, and to go on while new work is
//! refused.

use super::{COPY, Log};
use crate::disk::{Disk, is_full};
use crate::error::{AppendError, LogError};

const BALLAST: &str = "ballast";

impl<D: Disk> Log<D> {
    /// Whether the disk was full lately: the ballast is gone, and new work should be refused.
    pub fn is_full(&self) -> bool {
        !self.ballast
    }

    /// Tries to have the ballast again; says whether there is room again.
    ///
    /// # Errors
    ///
    /// A failure, after which nothing can be kept any more.
    pub fn find_room(&mut self) -> Result<bool, LogError> {
        if self.failed {
            return Err(LogError::FailedBefore);
        }
        self.failing_result(Self::weigh_down)?;
        Ok(self.ballast)
    }

    /// Makes the ballast, where there is none and the disk has room for it.
    pub(super) fn weigh_down(&mut self) -> Result<(), LogError> {
        let wanted = self.options.ballast as u64;
        if self.ballast || self.length_of(BALLAST)? == Some(wanted) {
            self.ballast = true;
            return Ok(());
        }
        self.remove_if_there(BALLAST)?;
        let block = vec![0xba; self.options.ballast.min(COPY)];
        let mut written = 0;
        while written < self.options.ballast {
            let part = block.get(..(self.options.ballast - written).min(COPY)).unwrap_or_default();
            match self.write_part(BALLAST, part) {
                Ok(()) => written += part.len(),
                Err(AppendError::Full) => return self.remove_if_there(BALLAST),
                Err(AppendError::Failed(why)) => return Err(why),
            }
        }
        match self.disk.sync(BALLAST) {
            Ok(()) => self.ballast = true,
            // A system may find out late. The ballast holds nothing that anybody could miss.
            Err(error) if is_full(&error) => self.remove_if_there(BALLAST)?,
            Err(error) => return Err(LogError::of_disk("syncing", BALLAST, error)),
        }
        Ok(())
    }

    /// Makes room by removing the ballast, where it is there.
    ///
    /// # Errors
    ///
    /// A failure, after which nothing can be kept any more.
    pub fn give_up_ballast(&mut self) -> Result<(), LogError> {
        if !std::mem::take(&mut self.ballast) {
            return Ok(());
        }
        self.failing(|disk| disk.remove(BALLAST), "removing", BALLAST)?;
        // Some systems free the room only once the name is really gone.
        self.failing(Disk::sync_directory, "syncing the names after removing", BALLAST)
    }
}
