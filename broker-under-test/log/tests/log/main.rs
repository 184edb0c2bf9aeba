//! The log on real files, and on a disk that forgets.

#![allow(clippy::expect_used, reason = "a test may stop where it cannot go on")]

mod any_bytes;
mod crashes;
mod files;
mod full;
mod memory;
mod support;
