//! Ports for servers that tests start.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Above the well-known ones, and below those that systems give to outgoing connections: a port that is free now is not
/// taken by somebody's client a moment later.
const FIRST: u16 = 10_000;
const LAST: u16 = 32_000;

/// The first of several ports in a row that are free, and that this process does not get again.
///
/// # Panics
///
/// If there are none.
pub(crate) fn free(in_a_row: u16) -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let span = u32::from(LAST - FIRST);
    for _ in 0..1000 {
        // Processes that run at the same time begin far from each other.
        let begin = process::id().wrapping_mul(97) + u32::from(GIVEN.fetch_add(in_a_row, Ordering::Relaxed));
        let first = FIRST + u16::try_from(begin % span).expect("less than the span");
        if (first..first + in_a_row).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
    panic!("no {in_a_row} ports in a row are free between {FIRST} and {LAST}");
}
