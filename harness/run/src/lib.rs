//! Makes a plan happen: the harness's one place for tokio and turmoil.
//!
//! A [`script`] walks the plan's steps and drives [`actor`]s, scripted peers that record what they see and
//! judge nothing. They know only an [`environment`]: a network, a clock, a source of chance and a recorder.
//! The [`fault`] layer sits at the actors' end of each connection, the same in every world, and in a [`proxy`]
//! between clients and brokers of other people. Only
//! [`sut`] knows the reference broker.

pub mod actor;
pub mod environment;
pub mod fault;
pub mod news;
pub mod proxy;
pub mod queue;
pub mod recorder;
pub mod script;
pub mod sut;

pub use script::RunResult;
