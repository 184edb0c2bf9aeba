//! Scenario files on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Diagnostics, load};
use crate::plan::Plan;

/// One scenario file, read.
#[derive(Debug)]
pub struct File {
    /// Its path as it was found, with `/` between the parts.
    pub path: String,
    /// Its plans, or what is wrong with it.
    pub plans: Result<Vec<Plan>, Diagnostics>,
}

/// A file or folder that cannot be read at all.
#[derive(Debug, Error)]
#[error("cannot read {path}: {source}")]
pub struct Unreadable {
    /// Which.
    pub path: String,
    /// Why.
    pub source: io::Error,
}

/// Reads every `*.yaml` below a folder (or the one file), sorted by path.
///
/// # Errors
///
/// A path that cannot be read. What is wrong with a scenario stands in its [`File`].
pub fn load_dir(root: &Path) -> Result<Vec<File>, Unreadable> {
    let mut paths = Vec::new();
    collect(root, &mut paths)?;
    paths.sort();
    paths.iter().map(|path| load_file(path)).collect()
}

/// Reads one scenario file.
///
/// # Errors
///
/// A file that cannot be read, or is not UTF-8.
pub fn load_file(path: &Path) -> Result<File, Unreadable> {
    let text = fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
    let path = name(path);
    let plans = load(&path, &text);
    Ok(File { path, plans })
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Unreadable> {
    let failed = |source| unreadable(path, source);
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?.path();
        if entry.is_dir() || entry.extension().is_some_and(|ending| ending == "yaml") {
            collect(&entry, found)?;
        }
    }
    Ok(())
}

fn unreadable(path: &Path, source: io::Error) -> Unreadable {
    Unreadable { path: name(path), source }
}

fn name(path: &Path) -> String {
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}
