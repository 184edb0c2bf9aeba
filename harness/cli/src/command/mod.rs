//! The commands, a file each. They write to what they are given and say how they ended.

pub mod broker;
pub mod coverage;
pub mod decode;
pub mod explain;
pub mod explore;
pub mod fuzz_to_scenario;
pub mod list;
pub mod merge;
pub mod mutants;
pub mod proxy;
pub mod replay;
pub mod schema;
pub mod sweep;
pub mod test;

use std::io::Write;

use serde::Serialize;

use crate::failure::Failure;

/// Writes a document for programs, indented, with a line end.
pub(crate) fn write_json(document: &impl Serialize, out: &mut dyn Write) -> Result<(), Failure> {
    serde_json::to_writer_pretty(&mut *out, document).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}
