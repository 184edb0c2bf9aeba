//! A connection without a fault layer: what the layer's cost is measured against.

use std::rc::{Rc, Weak};

use bytes::Bytes;
use mqspec_conformance::plan::Ending;
use mqspec_conformance::trace::{ConnectionNumber, EndedBy, Fate};
use mqspec_wire::{Decoder, Side};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::AbortHandle;

use super::Actor;
use crate::fault::pen::Outgoing;
use crate::queue::Receiver;

/// Reads until the broker ends the stream; every packet arrives.
pub(super) async fn read(
    actor: Weak<Actor>,
    number: ConnectionNumber,
    mut decoder: Decoder,
    mut reader: Box<dyn AsyncRead + Unpin>,
) {
    let mut buffer = Vec::with_capacity(1 << 16);
    loop {
        let read = reader.read_buf(&mut buffer).await;
        let Some(actor) = actor.upgrade() else { return };
        decoder.push_bytes(Bytes::copy_from_slice(&buffer));
        buffer.clear();
        while let Some(packet) = decoder.next_packet() {
            let lost_framing = packet.name == "unknown" && decoder.rest().is_empty();
            actor.take(number, packet, Fate::Passed);
            if lost_framing {
                break; // an unframable stream yields its rest once per read
            }
        }
        let how = match read {
            Ok(1..) => continue,
            Ok(0) => Ending::Fin,
            Err(_) => Ending::Reset,
        };
        return actor.end(number, EndedBy::Peer(Side::Server), how, decoder.rest().len());
    }
}

/// Writes what comes out of a queue, until the connection must end.
pub(super) async fn write(
    actor: Weak<Actor>,
    number: ConnectionNumber,
    reader: AbortHandle,
    mut queue: Receiver<Outgoing>,
    mut writer: Box<dyn AsyncWrite + Unpin>,
) {
    while let Some(outgoing) = queue.recv().await {
        match outgoing {
            Outgoing::Bytes(given) => {
                // A failed write means that the broker has gone; the reading task sees and records it.
                if writer.write_all(&given.bytes).await.is_err() || writer.flush().await.is_err() {
                    return;
                }
                if let (Some((event, fate)), Some(actor)) = (given.packet, actor.upgrade()) {
                    actor.layer.settle(event, fate);
                }
            }
            Outgoing::End(ending, by) => {
                let Some(actor) = actor.upgrade() else { return };
                return finish(&actor, number, reader, Some(writer), (ending, by)).await;
            }
            // Faults, of which there are none.
            Outgoing::Pause(_) | Outgoing::Sever => {}
        }
    }
}

/// Ends a connection from our side; after a FIN the reading task goes on for a while.
pub(super) async fn finish(
    actor: &Rc<Actor>,
    number: ConnectionNumber,
    reader: AbortHandle,
    writer: Option<Box<dyn AsyncWrite + Unpin>>,
    (ending, by): (Ending, EndedBy),
) {
    if let (Ending::Fin, Some(mut writer)) = (ending, writer) {
        // An error here: the broker was faster.
        drop(writer.shutdown().await);
        actor.end(number, by, ending, 0);
        actor.layer.delay(super::connection::DRAIN).await;
        reader.abort();
        return;
    }
    actor.end(number, by, ending, 0);
    reader.abort();
}
