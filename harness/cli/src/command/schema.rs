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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schemas_are_those_of_the_types() {
        for (of, published) in [
            (SchemaOf::Test, include_str!("../../../../docs/schema/test.json")),
            (SchemaOf::Coverage, include_str!("../../../../docs/schema/coverage.json")),
            (SchemaOf::Decode, include_str!("../../../../docs/schema/decode.json")),
        ] {
            let mut out = Vec::new();
            run(of, &mut out).expect("a Vec takes all");
            assert_eq!(
                String::from_utf8(out).expect("JSON is UTF-8"),
                published,
                "write `mqspec schema` of it to docs/schema/ again"
            );
        }
    }
}
