//! The shell over pipes, real sockets and simulated ones.

mod shell;
mod simulated;
mod support;
