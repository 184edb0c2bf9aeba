//! `mqspec schema`: JSON Schemas, for editors and for programs that read what mqspec writes.

use std::io::Write;

use mqspec_conformance::scenario;
use schemars::schema_for;

use super::{coverage, explore, mutants};
use crate::arguments::SchemaOf;
use crate::decode;
use crate::failure::{Conclusion, Failure};
use crate::report;
use crate::sweep::SweepReport;

/// Prints the schema of an input or output.
///
/// # Errors
///
/// What the output returns.
pub fn run(of: SchemaOf, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    match of {
        SchemaOf::Test => super::write_json(&schema_for!(report::json::Document), out)?,
        SchemaOf::Coverage => super::write_json(&schema_for!(coverage::Document), out)?,
        SchemaOf::Decode => super::write_json(&schema_for!(decode::json::Document), out)?,
        SchemaOf::Scenario => super::write_json(&scenario::schema(), out)?,
        SchemaOf::Mutants => super::write_json(&schema_for!(mutants::Document), out)?,
        SchemaOf::Sweep => super::write_json(&schema_for!(SweepReport), out)?,
        SchemaOf::Explore => super::write_json(&schema_for!(explore::Document), out)?,
        SchemaOf::ExploreMutants => super::write_json(&schema_for!(explore::MutantsDocument), out)?,
    }
    Ok(Conclusion::Holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schemas_are_those_of_the_types() {
        for (of, published) in [
            (SchemaOf::Test, include_str!("../../../../docs/schema/test.json")),
            (SchemaOf::Coverage, include_str!("../../../../docs/schema/coverage.json")),
            (SchemaOf::Mutants, include_str!("../../../../docs/schema/mutants.json")),
            (SchemaOf::Decode, include_str!("../../../../docs/schema/decode.json")),
            (SchemaOf::Sweep, include_str!("../../../../docs/schema/sweep.json")),
            (SchemaOf::Explore, include_str!("../../../../docs/schema/explore.json")),
            (SchemaOf::ExploreMutants, include_str!("../../../../docs/schema/explore-mutants.json")),
            (SchemaOf::Scenario, include_str!("../../../../docs/schema/scenario.json")),
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
