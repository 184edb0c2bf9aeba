//! AMQP 0-9-1 octets ⇄ frames, methods, tables and content headers (§4.2), strict and typed.
//!
//! What is read are borrowed views of the octets that arrived: nothing is allocated, nothing is reserved because
//! a length field says so, and every rejection is the [`Violation`](super::Violation) of one rule.

pub mod content;
pub mod field_table;
pub mod frame;
pub mod method;
mod reader;
mod writer;

pub use content::{ContentHeader, Properties, Property};
pub use field_table::{FieldTable, FieldValue};
pub use frame::{Frame, FrameType, split_frame};
pub use method::{Method, MethodId};
pub(crate) use reader::Reader;
pub(crate) use writer::{Reply, Writer, content_frames, heartbeat_frame, method_frame};
