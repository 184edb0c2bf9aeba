//! A proxy: the fault layer between any client and any broker, over real sockets.
//!
//! Each connection that a client opens is an actor of the trace, and all of them share the planned faults. `wire`
//! reads both directions of one connection; what a fault does there, the gate and the pen of the fault layer do.

mod wire;

use std::io;
use std::rc::Rc;
use std::time::Duration;

use mqspec_conformance::plan::{ActorId, ConnectFault, Fault};
use mqspec_conformance::trace::{ConnectionNumber, Trace, What};
use mqspec_wire::Spec;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::wire::{Ends, Wire};
use crate::environment::live::{RealClock, connected};
use crate::environment::{Chance, Clock};
use crate::fault::{Layer, words};
use crate::recorder::Recorder;

/// The most bytes that a client's first words may take until they tell what it speaks.
const FIRST_WORDS: usize = 64;
/// So many of them do, in AMQP and MQTT; a client that sends fewer waits for us in vain, as for any broker.
const ENOUGH_WORDS: usize = 8;
/// How often we look for what there is to tell.
const LOOK: Duration = Duration::from_millis(20);
/// How long an attempt to connect that a fault leaves unanswered is left so.
const UNANSWERED: Duration = Duration::from_secs(30);

/// What to stand between, and what goes wrong there.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The broker, as `host:port`.
    pub to: String,
    /// What the clients speak; MQTT's version is taken from each CONNECT.
    pub spec: Spec,
    /// Where all chance comes from.
    pub seed: u64,
    /// The faults; whichever actor they name, they are about every connection.
    pub faults: Vec<Fault>,
}

/// Passes on what clients and the broker say until `stop` ends, then ends every connection. `told` sees the
/// trace each time that it has grown, with the number of the first new event.
///
/// # Errors
///
/// What the listener says that keeps it from taking connections.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    mut told: impl FnMut(&Trace, usize),
    stop: impl Future<Output = ()>,
) -> io::Result<Trace> {
    let settings = Rc::new(settings);
    let clock: Rc<dyn Clock> = Rc::new(RealClock { start: Instant::now() });
    let recorder = Rc::new(Recorder::empty(Rc::clone(&clock)));
    let faults = Rc::new(Layer::new(ActorId(0), clock, Chance::new(settings.seed), Rc::clone(&recorder)));
    for fault in &settings.faults {
        recorder.record(What::Fault { actor: None, text: words::fault(fault) });
        faults.plan(fault.clone());
    }
    let mut connections = JoinSet::new();
    let mut seen = 0;
    let mut look = tokio::time::interval(LOOK);
    tokio::pin!(stop);
    let ended = loop {
        recorder.look(|trace| {
            told(trace, seen);
            seen = trace.events.len();
        });
        tokio::select! {
            biased;
            () = &mut stop => break Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    let (settings, recorder) = (Rc::clone(&settings), Rc::clone(&recorder));
                    let faults = Rc::clone(&faults);
                    connections.spawn_local(async move { pass(client, &settings, &recorder, &faults).await });
                }
                // That client has gone again; the next one may stay.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => break Err(error),
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = look.tick() => {}
        }
    };
    connections.shutdown().await;
    recorder.look(|trace| told(trace, seen));
    ended.map(|()| recorder.take())
}

/// One client's connection, from its first words to its end.
async fn pass(mut client: TcpStream, settings: &Settings, recorder: &Rc<Recorder>, faults: &Layer) {
    let words = first_words(&mut client).await;
    if words.is_empty() {
        return; // somebody who looked whether the port is open
    }
    let spec = spec_of(settings.spec, &words);
    let actor = recorder.add_actor(spec, |id| format!("c{}", id.0 + 1));
    let layer = Rc::new(faults.shared_with(actor));
    let fails = |why: String| {
        recorder.record(What::OpenFailed { actor, why });
        // Without this the client would see an orderly end.
        drop(client.set_zero_linger());
    };
    match layer.connect() {
        None => {}
        Some(ConnectFault::Refused) => return fails(io::ErrorKind::ConnectionRefused.to_string()),
        Some(ConnectFault::TimedOut) => {
            layer.delay(UNANSWERED).await;
            return fails(io::ErrorKind::TimedOut.to_string());
        }
    }
    let broker = match TcpStream::connect(&settings.to).await.and_then(connected) {
        Ok(broker) => broker,
        Err(error) => return fails(error.kind().to_string()),
    };
    let client = match connected(client) {
        Ok(client) => client,
        Err(error) => {
            recorder.record(What::OpenFailed { actor, why: error.kind().to_string() });
            return;
        }
    };
    recorder.record(What::Opened { actor, connection: ConnectionNumber(1) });
    let chance = Chance::new(settings.seed);
    Wire::pass(actor, spec, layer, Rc::clone(recorder), chance, &words, Ends { client, broker }).await;
}

/// What a client says first, as far as it tells the protocol.
async fn first_words(client: &mut TcpStream) -> Vec<u8> {
    let mut words = Vec::new();
    let mut buffer = [0; FIRST_WORDS];
    while words.len() < ENOUGH_WORDS {
        match client.read(&mut buffer).await {
            Ok(count @ 1..) => words.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Ok(0) | Err(_) => break,
        }
    }
    words
}

/// What a connection speaks: MQTT's version stands behind the protocol's name in CONNECT.
fn spec_of(expected: Spec, words: &[u8]) -> Spec {
    if !expected.is_mqtt() {
        return expected;
    }
    let level = words.windows(5).find_map(|window| match window {
        [b'M', b'Q', b'T', b'T', level] => Some(*level),
        _ => None,
    });
    match level {
        Some(5) => Spec::Mqtt50,
        Some(_) => Spec::Mqtt311,
        None => expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_taken_from_connect() {
        let connect = |level| [&[0x10, 0x80, 0x01, 0, 4], b"MQTT".as_slice(), &[level, 2]].concat();
        assert_eq!(spec_of(Spec::Mqtt50, &connect(4)), Spec::Mqtt311);
        assert_eq!(spec_of(Spec::Mqtt311, &connect(5)), Spec::Mqtt50);
        assert_eq!(spec_of(Spec::Mqtt311, &[0xc0, 0]), Spec::Mqtt311, "where nothing tells, as asked for");
        assert_eq!(spec_of(Spec::Amqp091, b"AMQP\0\0\x09\x01"), Spec::Amqp091);
    }
}
