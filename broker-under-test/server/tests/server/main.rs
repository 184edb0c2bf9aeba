//! The shell over pipes, real sockets and simulated ones.

#![allow(
    clippy::disallowed_methods,
    reason = "the tests are what the clock is for: they pause it and wait by it"
)]

mod durable;
mod loopback;
mod shell;
mod simulated;
mod support;
