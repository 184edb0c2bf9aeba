//! The mqspec command line: finds scenarios, has them run and judged, and tells people and programs.

pub mod arguments;
pub mod command;
pub mod decode;
pub mod failure;
pub mod json_value;
pub mod paint;
pub mod report;
pub mod seed;
pub mod selector;
pub mod suite;
