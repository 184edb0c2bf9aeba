//! The I/O shell around the reference broker: sockets, one timer, and nothing that decides anything.
//!
//! [`Server::run`] is one future that owns the broker and every connection. It spawns no task and asks no
//! clock but the [`Clock`] it was given, so the same code serves real sockets and runs inside a simulator,
//! where one seed must give one run. What it does: bytes that arrived become inputs, effects become bytes
//! written, and everything that is ready is handled before anything is written.

mod clock;
mod connection;
mod door;
mod durable;
mod listener;
mod queue;
mod serve;

pub use clock::{Clock, Sleep, SystemClock};
pub use connection::LINGER;
pub use door::Door;
pub use durable::{Durable, LOOK_FOR_ROOM, StorageError, StorageNotice};
pub use listener::{Accept, Accepted, BindError, Listener, Stream, TcpListener};
pub use serve::{BACKLOG_LIMIT, Notice, Server, serve};
