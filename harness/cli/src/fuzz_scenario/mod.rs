//! An input of a fuzz target as a scenario: the same clients send the same bytes in the same order.
//!
//! What a script does to the broker from within (how much of an answer was taken, what died on the way out) is no step of
//! a scenario; it stands there as a comment.

mod packet;

use std::fmt::Write as _;
use std::time::Duration;

use mqspec_fuzz_script::{Act, Recording, Speaker, settings};
use mqspec_wire::{Decoder, Side, Spec};

use packet::Stream;

/// How long everybody is waited for before somebody else acts. More than the simulated network and disk take for a
/// handful of packets; little beside the tenths of a second in which scripts wait.
const PACE: Duration = Duration::from_millis(20);

/// What the witness of a script is called.
const WITNESS: &str = "witness";

/// The text of the scenario. `input` says where the bytes are from.
pub fn scenario(target: &str, input: &str, recording: &Recording) -> String {
    let is_script = target.starts_with("broker_");
    let mut file = File::new(recording, is_script);
    for (index, act) in recording.acts.iter().enumerate() {
        file.act(act, recording.acts.get(index + 1..).unwrap_or_default());
    }
    file.end();
    let spec = file.spec;
    let mut text = format!("title: What a fuzzer has the clients of {target} do\n");
    let _ = writeln!(text, "# Made by mqspec fuzz-to-scenario {target} {}", one_line(input));
    if let Some(broken) = &recording.broken {
        for line in broken.lines() {
            let _ = writeln!(text, "# The script ended here: {}", one_line(line));
        }
    }
    let _ = writeln!(text, "protocols: [{spec}]\nstatements: []");
    text.push_str("shared_names: the names are those that the fuzzer's bytes hold\n");
    if is_script {
        let settings: Vec<_> =
            settings(spec).iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let _ = writeln!(text, "broker: {{ {} }}", settings.join(", "));
    }
    text.push_str("actors:\n");
    for (name, speaker) in file.names.iter().zip(&recording.clients) {
        if speaker.spec == spec {
            let _ = writeln!(text, "  {name}: {{}}");
        } else {
            let _ = writeln!(text, "  {name}: {{ protocol: {} }}", speaker.spec);
        }
    }
    text.push_str("steps:\n");
    text.push_str(&file.steps);
    text
}

/// A comment ends with its line.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The steps in the making.
struct File {
    spec: Spec,
    is_script: bool,
    names: Vec<String>,
    specs: Vec<Spec>,
    streams: Vec<Stream>,
    /// Who acted last, and has not been waited for.
    acted: Option<usize>,
    /// The disk was made full, and has not been given room again.
    is_full: bool,
    /// The script had the storage full at some time.
    was_full: bool,
    steps: String,
}

impl File {
    fn new(recording: &Recording, is_script: bool) -> Self {
        let clients = &recording.clients;
        let is = |spec: Spec| clients.iter().any(|client| client.spec == spec);
        let spec = [Spec::Mqtt50, Spec::Mqtt311].into_iter().find(|spec| is(*spec)).unwrap_or(Spec::Amqp091);
        let name = |(index, client): (usize, &Speaker)| {
            if client.is_witness { String::from(WITNESS) } else { format!("client_{}", index + 1) }
        };
        Self {
            spec,
            is_script,
            names: clients.iter().enumerate().map(name).collect(),
            specs: clients.iter().map(|client| client.spec).collect(),
            streams: clients.iter().map(|client| Stream::new(client.spec)).collect(),
            acted: None,
            is_full: false,
            was_full: false,
            steps: String::new(),
        }
    }

    fn act(&mut self, act: &Act, later: &[Act]) {
        match act {
            Act::Opened { client } => self.open(*client, later),
            Act::Sent { client, bytes } => {
                if self.name(*client) == WITNESS {
                    // It answers what it has heard.
                    self.pace(None);
                }
                let Some(stream) = self.streams.get_mut(*client) else { return };
                for (step, what) in stream.steps(bytes) {
                    self.does(*client, &step, what.as_deref());
                }
            }
            Act::Cut { client } => {
                // In a script it has heard all answers by then; and its own next connection comes after the end of this one.
                self.pace(None);
                self.does(*client, "close: {}", None);
                self.pace(None);
            }
            Act::Closed { client } => {
                let name = self.name(*client);
                self.comment(&format!("the broker ends the connection of {name}"));
            }
            Act::Waited(time) => {
                self.acted = None;
                self.step(&format!("wait: {}ms", time.as_millis()));
            }
            Act::Taken { client, bytes } => {
                let name = self.name(*client);
                self.comment(&format!(
                    "{name} takes {bytes} bytes of what waits for it; actors take all at once"
                ));
            }
            Act::Storage { full } => self.storage(*full, later),
            Act::Recorded { .. } => {}
            Act::Crashed { unheard, compacts } => {
                if *unheard {
                    self.comment("the broker dies before anything that it did about this has left it");
                    self.acted = None;
                }
                if *compacts {
                    self.comment("the log was just replaced by a snapshot");
                }
                self.pace(None);
                // The next one knows nothing of a full disk, and needs room to begin.
                self.heal();
                self.step("restart_broker: {}");
            }
            Act::Stopped => {
                self.pace(None);
                self.step("stop_broker: {}");
            }
        }
    }

    /// A stream that does not begin as a conversation does gets a beginning, so that somebody listens to it.
    fn open(&mut self, client: usize, later: &[Act]) {
        let spec = self.specs.get(client).copied().unwrap_or(self.spec);
        if let Some(stream) = self.streams.get_mut(client) {
            *stream = Stream::new(spec);
        }
        let first = later.iter().find_map(|act| {
            let Act::Sent { client: sender, bytes } = act else { return None };
            (*sender == client).then_some(bytes)
        });
        let first = first.and_then(|bytes| {
            let mut decoder = Decoder::new(spec, Side::Client);
            decoder.push(bytes);
            decoder.next_packet().map(|packet| packet.name)
        });
        let begins = self.is_script || matches!(first, Some("connect" | "protocol-header"));
        self.does(client, if begins { "open: {}" } else { "connect: {}" }, None);
    }

    /// A disk is full for a broker that writes to it.
    fn storage(&mut self, full: bool, later: &[Act]) {
        let ends = |act: &&Act| matches!(act, Act::Storage { full: false } | Act::Stopped);
        let is_written =
            later.iter().take_while(|act| !ends(act)).any(|act| matches!(act, Act::Recorded { .. }));
        self.was_full |= full;
        match (full, is_written) {
            (true, true) => {
                self.pace(None);
                self.is_full = true;
                self.step("disk: { full_after: 0 }");
            }
            (true, false) => self.comment("the storage is full, and nothing is written while it is"),
            (false, _) => self.heal(),
        }
    }

    fn heal(&mut self) {
        if std::mem::take(&mut self.is_full) {
            self.pace(None);
            self.step("disk: { heal: all }");
        }
    }

    fn end(&mut self) {
        self.pace(None);
        if self.is_script {
            for check in self.guarantees() {
                self.step(&format!("check: {check}"));
            }
        }
    }

    /// What the script's witness demands and more, of all clients.
    fn guarantees(&self) -> Vec<&'static str> {
        if self.spec == Spec::Amqp091 {
            // The witness takes all that is its own before it ends. Others need not; nor does it know of messages that a
            // broker took which a full storage would have had it refuse.
            let is_drained = self.names.iter().all(|name| name == WITNESS) && !self.was_full;
            return vec![
                "{ confirmed: { drained: true, durable: true } }",
                if is_drained {
                    "{ redelivery: { drained: true, durable: true } }"
                } else {
                    "{ redelivery: { durable: true } }"
                },
                "{ routing: { durable: true } }",
                "{ entities: { durable: true } }",
                "fifo",
            ];
        }
        vec![
            "{ session: { drained: true, durable: true } }",
            "{ delivery: { drained: true, durable: true } }",
            "{ retained: { drained: true, durable: true } }",
            "{ will: { drained: true, durable: true } }",
            "{ expiry: { durable: true } }",
            "order",
        ]
    }

    fn does(&mut self, client: usize, what: &str, comment: Option<&str>) {
        self.pace(Some(client));
        let name = self.name(client);
        match comment {
            Some(comment) => self.step(&format!("{name}: {{ {what} }} # {comment}")),
            None => self.step(&format!("{name}: {{ {what} }}")),
        }
    }

    /// Before somebody else acts, what was done last has arrived.
    fn pace(&mut self, next: Option<usize>) {
        if self.acted.is_some() && self.acted != next {
            self.step(&format!("wait: {}ms", PACE.as_millis()));
        }
        self.acted = next;
    }

    fn name(&self, client: usize) -> String {
        self.names.get(client).cloned().unwrap_or_default()
    }

    fn step(&mut self, step: &str) {
        let _ = writeln!(self.steps, "  - {step}");
    }

    fn comment(&mut self, comment: &str) {
        let _ = writeln!(self.steps, "  # {comment}");
    }
}
