//! The systems under test: our reference broker, and other people's.

pub mod capabilities;
pub mod doorkeeper;
pub mod external;
pub mod mutant;
pub mod process;
pub mod profile;
mod question;
pub mod reference;
