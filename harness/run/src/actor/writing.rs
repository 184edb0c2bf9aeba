//! The task of a connection that writes.

use std::rc::{Rc, Weak};

use mqspec_conformance::plan::Ending;
use mqspec_conformance::trace::{ConnectionNumber, UNTOLD};
use tokio::io::AsyncWrite;
use tokio::task::AbortHandle;

use super::{Actor, bare};
use crate::fault::pen::{Outgoing, Pen};
use crate::fault::stream::Opened;
use crate::queue::Receiver;

/// Writes what the actor sends, and ends the connection.
pub(super) struct Writing {
    pub(super) actor: Weak<Actor>,
    pub(super) number: ConnectionNumber,
    pub(super) opened: Opened,
    pub(super) pen: Pen,
    pub(super) reader: AbortHandle,
}

impl Writing {
    pub(super) async fn run(mut self, mut queue: Receiver<Outgoing>, writer: Box<dyn AsyncWrite + Unpin>) {
        let mut writer = Some(writer);
        let Some((ending, by)) = self.pen.run(&mut queue, &mut writer).await else { return };
        let Some(actor) = self.actor.upgrade() else { return };
        if ending == Ending::Fin && self.pen.cannot_end() {
            // The broker hears of it when the partition is over.
            actor.layer.tell(format!("struck: the actor has closed its end; {UNTOLD}"));
            actor.end(self.number, by, ending, 0);
            let layer = Rc::clone(&actor.layer);
            layer.partition_over(self.opened).await;
            self.reader.abort();
            return;
        }
        bare::finish(&actor, self.number, self.reader, writer, (ending, by)).await;
    }
}
