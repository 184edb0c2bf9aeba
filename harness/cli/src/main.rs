//! The mqspec command line.
fn main() {}
