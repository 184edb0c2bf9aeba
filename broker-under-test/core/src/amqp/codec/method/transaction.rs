//! Class 90, Tx.

use super::{MethodId, bare_reply};
use crate::amqp::Violation;

/// What a client may send; none has arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// 90.10.
    Select,
    /// 90.20.
    Commit,
    /// 90.30.
    Rollback,
}

impl Method {
    pub(super) fn read(id: MethodId) -> Result<Self, Violation> {
        match id.method_id {
            10 => Ok(Self::Select),
            20 => Ok(Self::Commit),
            30 => Ok(Self::Rollback),
            11 | 21 | 31 => Err(Violation::ServerOnlyMethod(id)),
            _ => Err(Violation::UnknownMethod(id)),
        }
    }
}

bare_reply!(
    /// 90.11.
    SelectOk = 90, 11
);
bare_reply!(
    /// 90.21.
    CommitOk = 90, 21
);
bare_reply!(
    /// 90.31.
    RollbackOk = 90, 31
);
