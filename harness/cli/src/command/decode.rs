//! `mqspec decode`: any bytes, field by field, with the statements that they break.

use std::io::{Read, Write};

use mqspec_conformance::statement::Catalogue;

use crate::arguments::DecodeArguments;
use crate::decode::{Decoded, input, json, text};
use crate::failure::{Conclusion, Failure};
use crate::paint::Paint;

/// Reads, shows and judges. [`Conclusion::Broken`] where the bytes break a statement.
///
/// # Errors
///
/// [`Failure::Input`]: what is given is no bytes.
pub fn run(
    arguments: &DecodeArguments,
    stdin: &mut dyn Read,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    let bytes = input::read(&arguments.input, arguments.binary, stdin)?;
    let decoded = Decoded::read(arguments.spec, arguments.from.into(), &bytes);
    let catalogue = Catalogue::load();
    if arguments.json {
        super::write_json(&json::document(&decoded, catalogue), out)?;
    } else {
        write!(out, "{}", text::render(&decoded, catalogue, paint))?;
    }
    let broken = decoded.violations().next().is_some();
    Ok(if broken { Conclusion::Broken } else { Conclusion::Holds })
}
