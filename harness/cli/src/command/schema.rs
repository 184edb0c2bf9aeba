//! `mqspec schema`: JSON Schemas, for editors and for programs that read what mqspec writes.

use std::io::Write;

use schemars::{Schema, schema_for};

use super::coverage;
use crate::arguments::SchemaOf;
use crate::decode;
use crate::failure::{Conclusion, Failure};
use crate::report;

/// Prints a schema.
///
/// # Errors
///
/// What the output returns.
pub fn run(of: SchemaOf, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    super::write_json(&schema(of), out)?;
    Ok(Conclusion::Holds)
}

/// The schema of an input or output.
pub fn schema(of: SchemaOf) -> Schema {
    match of {
        SchemaOf::Test => schema_for!(report::json::Document),
        SchemaOf::Coverage => schema_for!(coverage::Document),
        SchemaOf::Decode => schema_for!(decode::json::Document),
    }
}
