//! Scripts of connections, packets, noise, cuts and time through the broker's one door.
//!
//! The bench asserts the rules of the door (effects only for open connections, deadlines in the future); here every
//! byte that the broker sends goes through the tester's decoder, which must find nothing odd in it.

use std::collections::BTreeMap;
use std::time::Duration;

use mqspec_broker_core::amqp::AmqpConfig;
use mqspec_broker_core::fuzz::Bench;
use mqspec_broker_core::mqtt::MqttConfig;
use mqspec_broker_core::mqtt::codec::Version;
use mqspec_broker_core::mqtt::codec::connect::announced_version;
use mqspec_broker_core::{Config, ConnectionId, Effect, Input, Protocol};
use mqspec_wire::fuzz::hex;
use mqspec_wire::{Decoder, Draft, Side, Spec, encode};

use crate::script::Choices;

/// Steps of one script, at most: what a longer one finds, a shorter one finds sooner.
const STEPS: usize = 200;

/// A script for MQTT clients of both versions.
pub fn broker_mqtt(input: &[u8]) {
    play(Protocol::Mqtt, input);
}

/// A script for AMQP clients.
pub fn broker_amqp(input: &[u8]) {
    play(Protocol::Amqp, input);
}

/// Small limits, so that a short script reaches them.
fn config() -> Config {
    Config {
        mqtt: MqttConfig {
            receive_maximum: 3,
            maximum_packet_size: 2_000,
            queued_messages_maximum: 4,
            retained_messages_maximum: 4,
            sessions_maximum: 6,
            subscriptions_maximum: 6,
            high_water_bytes: 300,
            unread_replies_bytes: 2_000,
            echo_authentication: true,
            validate_payload_format: true,
            ..MqttConfig::default()
        },
        amqp: AmqpConfig { backlog_max: 1_000, answers_max: 20_000, channel_max: 8, ..AmqpConfig::default() },
        durable: false,
    }
}

/// What a client has said and heard.
struct Client {
    spec: Spec,
    /// The first bytes that it sent: the version is in there.
    first: Vec<u8>,
    decoder: Option<Decoder>,
}

struct Play {
    bench: Bench,
    clients: BTreeMap<ConnectionId, Client>,
    order: Vec<ConnectionId>,
}

fn play(protocol: Protocol, input: &[u8]) {
    let mut script = Choices::new(input);
    let mut play = Play { bench: Bench::new(config()), clients: BTreeMap::new(), order: Vec::new() };
    for _ in 0..STEPS {
        if script.is_over() {
            break;
        }
        play.step(protocol, &mut script);
    }
    play.give(Input::ShutDown);
    play.wait(Duration::from_mins(2));
    let left: Vec<_> = play.order.iter().filter(|id| play.bench.is_open(**id)).collect();
    assert!(left.is_empty(), "open two minutes after the broker was told to stop: {left:?}");
}

impl Play {
    fn step(&mut self, protocol: Protocol, script: &mut Choices<'_>) {
        let choice = script.byte();
        // The youngest four are the ones that things happen to.
        let client = self.order.iter().rev().nth(usize::from(choice >> 6)).copied();
        let Some(client) = client.filter(|_| choice & 0x3F != 0) else {
            return self.open(protocol, script);
        };
        let channel = if choice & 0x20 == 0 { 1 } else { 2 };
        match choice & 0x1F {
            1 => self.cut(client),
            2 => self.wait(Duration::from_millis(u64::from(script.byte()) * 100)),
            3 => self.give(Input::Taken { connection: client, bytes: usize::from(script.byte()) * 16 }),
            4 => self.send(client, script.bytes()),
            5 | 6 => self.named(client, script, ["subscribe", "basic.consume"], channel),
            7..=12 => self.named(client, script, ["publish", "basic.publish"], channel),
            13 => self.named(client, script, ["connect", "queue.declare"], channel),
            14 | 15 => self.named(client, script, ["puback", "basic.ack"], channel),
            _ => {
                let spec = self.clients.get(&client).map_or(Spec::Amqp091, |client| client.spec);
                if let Some(packet) = script.packet(spec, channel) {
                    self.send(client, &packet);
                }
            }
        }
    }

    fn named(&mut self, client: ConnectionId, script: &mut Choices<'_>, names: [&str; 2], channel: i32) {
        let spec = self.clients.get(&client).map_or(Spec::Amqp091, |client| client.spec);
        let [mqtt, amqp] = names;
        let name = if spec.is_mqtt() { mqtt } else { amqp };
        if let Some(packet) = script.named(spec, name, channel) {
            self.send(client, &packet);
        }
    }

    fn open(&mut self, protocol: Protocol, script: &mut Choices<'_>) {
        let mut effects = Vec::new();
        let id = self.bench.open(protocol, &mut |effect| effects.push(effect));
        let choice = script.byte();
        let spec = match protocol {
            Protocol::Amqp => Spec::Amqp091,
            Protocol::Mqtt if choice & 1 == 0 => Spec::Mqtt311,
            Protocol::Mqtt => Spec::Mqtt50,
        };
        self.order.push(id);
        self.clients.insert(id, Client { spec, first: Vec::new(), decoder: None });
        self.hear(effects);
        // One in eight is left to say hello by itself.
        if choice & 0x0E == 0x0E {
            return;
        }
        match protocol {
            Protocol::Mqtt => self.named(id, script, ["connect", ""], 0),
            Protocol::Amqp => self.hello(id),
        }
    }

    /// The usual handshake, and channels 1 and 2.
    fn hello(&mut self, id: ConnectionId) {
        let start_ok =
            Draft::new("connection.start-ok").with("mechanism", "PLAIN").with("response", "\0guest\0guest");
        let tune_ok = Draft::new("connection.tune-ok")
            .with("channel_max", 8)
            .with("frame_max", 4096)
            .with("heartbeat", 3);
        let open = Draft::new("connection.open").with("virtual_host", "/");
        let channel = |number: i32| Draft::new("channel.open").with("channel", number);
        for draft in [Draft::new("protocol-header"), start_ok, tune_ok, open, channel(1), channel(2)] {
            let pieces = encode(Spec::Amqp091, Side::Client, &draft).expect("a handshake can be written");
            self.send(id, &pieces.concat());
        }
    }

    fn send(&mut self, id: ConnectionId, bytes: &[u8]) {
        if !self.bench.is_open(id) || bytes.is_empty() {
            return;
        }
        if let Some(client) = self.clients.get_mut(&id)
            && client.first.len() < 32
        {
            client.first.extend_from_slice(bytes.get(..bytes.len().min(32)).unwrap_or_default());
        }
        self.give(Input::Received { connection: id, bytes });
    }

    fn cut(&mut self, id: ConnectionId) {
        if self.bench.is_open(id) {
            let mut effects = Vec::new();
            self.bench.cut(id, &mut |effect| effects.push(effect));
            self.hear(effects);
        }
    }

    fn wait(&mut self, time: Duration) {
        let mut effects = Vec::new();
        self.bench.wait(time, &mut |effect| effects.push(effect));
        self.hear(effects);
    }

    fn give(&mut self, input: Input<'_>) {
        let mut effects = Vec::new();
        self.bench.handle(input, &mut |effect| effects.push(effect));
        self.hear(effects);
    }

    /// What the broker sends is whole packets without an oddity.
    fn hear(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let Effect::Send { connection, bytes } = effect else { continue };
            let client = self.clients.get_mut(&connection).expect("the bench knows the open ones");
            let spoken = spoken(client);
            let decoder = client.decoder.get_or_insert_with(|| Decoder::new(spoken, Side::Server));
            decoder.push(&bytes);
            while let Some(packet) = decoder.next_packet() {
                assert!(
                    packet.oddities.is_empty() && packet.name != "unknown",
                    "{spoken}: the broker sends {}: {:?}",
                    hex(&packet.raw),
                    packet.oddities
                );
            }
            assert!(decoder.rest().is_empty(), "{spoken}: half a packet: {}", hex(&bytes));
        }
    }
}

/// The version of the answers: what the first packet announced, else 3.1.1 (§3.1.2.2 of 5.0).
fn spoken(client: &Client) -> Spec {
    if client.spec == Spec::Amqp091 {
        return Spec::Amqp091;
    }
    let behind = client.first.get(1..).unwrap_or_default();
    let length = behind.iter().take(4).take_while(|byte| **byte & 0x80 != 0).count() + 1;
    match announced_version(behind.get(length..).unwrap_or_default()) {
        Some(Version::V50) => Spec::Mqtt50,
        Some(Version::V311) | None => Spec::Mqtt311,
    }
}
