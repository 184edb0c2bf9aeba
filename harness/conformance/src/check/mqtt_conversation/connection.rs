//! One MQTT connection: its beginning, its end, and who judges what lies between.

use bytes::Bytes;
use mqspec_wire::{Packet, Spec};

use super::super::judge::{Findings, Rule};
use super::super::mqtt_packet;
use super::answers::Answers;
use super::deliveries::Deliveries;
use super::limits::Limits;
use super::session::{self, Persistence, Session};
use crate::trace::Event;

const CONNACK_FIRST: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.2.0-1"], mqtt_5_0: &["mqtt-5.0/MQTT-3.2.0-1"] };
const DISCONNECT_BEFORE_CONNACK: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.2.0-1"], mqtt_5_0: &["mqtt-5.0/MQTT-3.14.0-1"] };
const ONE_CONNACK: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.2.0-1"], mqtt_5_0: &["mqtt-5.0/MQTT-3.2.0-2"] };
const CONNECT_TWICE: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.0-2"],
    mqtt_5_0: &["mqtt-5.0/MQTT-3.1.0-2", "mqtt-5.0/MQTT-3.2.0-2"],
};
const AFTER_REFUSAL: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.2.2-5"], mqtt_5_0: &["mqtt-5.0/MQTT-3.2.2-7"] };
const AFTER_DISCONNECT: Rule = Rule { mqtt_3_1_1: &[], mqtt_5_0: &["mqtt-5.0/MQTT-3.14.4-1"] };
const CLEAN_START: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.2.2-1"], mqtt_5_0: &["mqtt-5.0/MQTT-3.2.2-2"] };
const SESSION_LOST: Rule =
    Rule { mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.2.2-2"], mqtt_5_0: &["mqtt-5.0/MQTT-3.2.2-3"] };
const SESSION_LEFT_OVER: Rule = Rule {
    mqtt_3_1_1: &["mqtt-3.1.1/MQTT-3.1.2-6", "mqtt-3.1.1/MQTT-3.2.2-3"],
    mqtt_5_0: &["mqtt-5.0/MQTT-3.2.2-3"],
};

/// The broker's last word on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Farewell {
    Refusal,
    Disconnect,
}

/// What the client said in its CONNECT.
#[derive(Debug)]
struct Greeting {
    client_id: Option<Bytes>,
    clean_start: bool,
    session_expiry: Option<i128>,
    /// The session that the broker should find, where the trace knows it.
    earlier: Option<Session>,
}

/// A connection so far.
#[derive(Debug)]
pub(super) struct Connection {
    spec: Spec,
    greeting: Option<Greeting>,
    /// The broker's packets cannot be trusted to be in the actor's version, or some of them are missing.
    blind: bool,
    /// The tester broke a rule: how a broker goes on is its own affair.
    tester_at_fault: bool,
    /// The client went on before the CONNACK came: which session that concerned is not known.
    pipelined: bool,
    connacks: u32,
    farewell: Option<Farewell>,
    limits: Limits,
    answers: Answers,
    deliveries: Deliveries,
    session: Option<Session>,
    /// The client identifier that the session has, also one that the broker chose.
    client_id: Option<Bytes>,
    /// A client identifier that the broker just chose, for whoever keeps the books on them.
    pub(super) assigned: Option<Bytes>,
}

impl Connection {
    /// A connection on which nothing was said.
    pub(super) fn new(spec: Spec) -> Self {
        Self {
            spec,
            greeting: None,
            blind: false,
            tester_at_fault: false,
            pipelined: false,
            connacks: 0,
            farewell: None,
            limits: Limits::default(),
            answers: Answers::default(),
            deliveries: Deliveries::default(),
            session: None,
            client_id: None,
            assigned: None,
        }
    }

    /// From here on packets of the broker are missing.
    pub(super) fn lose_sight(&mut self) {
        self.blind = true;
    }

    /// The client saw something else than the broker sent: what it answers is not its own doing.
    pub(super) fn mislead(&mut self) {
        self.tester_at_fault = true;
    }

    /// Gives the session to a newer connection.
    pub(super) fn take_session(&mut self) -> Option<Session> {
        self.session.take().filter(|_| !self.tester_at_fault && !self.blind)
    }

    /// The session that stays when the connection is gone.
    pub(super) fn into_session(mut self) -> Option<(Bytes, Session)> {
        let id = self.client_id.take()?;
        Some((id, self.take_session()?))
    }

    /// The client sends CONNECT.
    pub(super) fn on_connect(&mut self, packet: &Packet, earlier: Option<Session>) {
        if self.greeting.is_some() || !packet.oddities.is_empty() {
            self.tester_at_fault = true;
            return;
        }
        self.limits = Limits::of(packet);
        self.client_id = session::client_id(packet);
        self.greeting = Some(Greeting {
            client_id: self.client_id.clone(),
            clean_start: mqtt_packet::flag(packet, "clean_start"),
            session_expiry: packet.integer("session_expiry_interval"),
            earlier,
        });
    }

    /// The client sends anything else.
    pub(super) fn on_sent(&mut self, event: u64, packet: &Packet) {
        if !packet.oddities.is_empty() || packet.name == "unknown" || self.greeting.is_none() {
            self.tester_at_fault = true;
        }
        if self.connacks == 0 && packet.name != "auth" {
            self.pipelined = true;
        }
        if packet.name == "disconnect"
            && let Some(session) = &mut self.session
        {
            session.persistence = session::after_disconnect(session.persistence, packet);
        }
        self.answers.on_sent(event, packet, self.session.as_mut());
        self.deliveries.on_sent(packet, self.session.as_mut());
    }

    /// The broker sends.
    pub(super) fn on_received(&mut self, event: &Event, packet: &Packet, findings: &mut Findings) {
        if packet.name == "unknown" {
            self.blind = true;
        }
        // Before a sound CONNECT the broker cannot know which version to speak.
        if self.blind || self.greeting.is_none() {
            return;
        }
        if let Some(farewell) = self.farewell {
            self.judge_afterword(farewell, event.sequence, packet, findings);
            return;
        }
        self.limits.judge(self.spec, event.sequence, packet, findings);
        match packet.name {
            "connack" => self.on_connack(event, packet, findings),
            "auth" => {}
            "disconnect" => {
                if self.connacks == 0 {
                    findings.rule(
                        self.spec,
                        DISCONNECT_BEFORE_CONNACK,
                        event.sequence,
                        "no DISCONNECT before the CONNACK",
                        "a DISCONNECT as the answer to CONNECT",
                    );
                }
                self.farewell = Some(Farewell::Disconnect);
            }
            _ => self.on_other(event.sequence, packet, findings),
        }
    }

    fn judge_afterword(&self, farewell: Farewell, event: u64, packet: &Packet, findings: &mut Findings) {
        let (rule, said) = match farewell {
            Farewell::Refusal => (AFTER_REFUSAL, "a CONNACK of refusal"),
            Farewell::Disconnect => (AFTER_DISCONNECT, "its DISCONNECT"),
        };
        findings.rule(
            self.spec,
            rule,
            event,
            format!("nothing but the end of the connection after {said}"),
            format!("a {} after it", packet.name),
        );
    }

    fn on_other(&mut self, event: u64, packet: &Packet, findings: &mut Findings) {
        if self.connacks == 0 {
            findings.rule(
                self.spec,
                CONNACK_FIRST,
                event,
                "CONNACK as the first packet",
                format!("a {} before it", packet.name),
            );
        }
        if self.tester_at_fault {
            return;
        }
        let session = self.session.as_mut();
        match packet.name {
            "publish" => {
                self.deliveries.on_publish(self.spec, event, packet, &self.limits, session, findings);
            }
            "pubrel" => self.deliveries.on_pubrel(self.spec, event, packet, session, findings),
            _ => self.answers.on_received(self.spec, event, packet, session, findings),
        }
    }

    fn on_connack(&mut self, event: &Event, packet: &Packet, findings: &mut Findings) {
        self.connacks += 1;
        if self.connacks > 1 {
            let rule = if self.tester_at_fault { CONNECT_TWICE } else { ONE_CONNACK };
            findings.rule(self.spec, rule, event.sequence, "one CONNACK on a connection", "a second CONNACK");
            return;
        }
        if mqtt_packet::reason_code(packet) != 0 {
            self.farewell = Some(Farewell::Refusal);
            return;
        }
        let Some(greeting) = self.greeting.as_mut() else { return };
        let earlier = greeting.earlier.take();
        let clean_start = greeting.clean_start;
        let persistence = session::persistence(self.spec, clean_start, greeting.session_expiry, packet);
        if greeting.client_id.is_none()
            && let Some(assigned) = packet.bytes("assigned_client_identifier")
        {
            self.client_id = Some(assigned.clone());
            self.assigned = Some(assigned.clone());
        }
        if self.tester_at_fault {
            return;
        }
        if mqtt_packet::flag(packet, "session_present") {
            self.on_session_present(event.sequence, clean_start, earlier, persistence, findings);
        } else {
            self.on_session_absent(event, clean_start, earlier.as_ref(), persistence, findings);
        }
    }

    fn on_session_present(
        &mut self,
        event: u64,
        clean_start: bool,
        earlier: Option<Session>,
        persistence: Persistence,
        findings: &mut Findings,
    ) {
        if clean_start {
            let expected = "session_present = false after a clean start";
            findings.rule(self.spec, CLEAN_START, event, expected, "session_present = true");
            return;
        }
        self.answers.resume();
        let Some(mut session) = earlier.filter(|_| !self.pipelined) else { return };
        if session.cannot_exist() {
            let expected = "session_present = false, as the client's last session ended with its connection";
            findings.rule(self.spec, SESSION_LEFT_OVER, event, expected, "session_present = true");
            return;
        }
        session.spec = self.spec;
        session.persistence = persistence;
        session.ended = None;
        self.deliveries.resume(&session);
        self.session = Some(session);
    }

    fn on_session_absent(
        &mut self,
        event: &Event,
        clean_start: bool,
        earlier: Option<&Session>,
        persistence: Persistence,
        findings: &mut Findings,
    ) {
        if !clean_start && earlier.is_some_and(|session| session.must_exist(event.at)) {
            let expected = "session_present = true, as the client's session had not ended";
            findings.rule(self.spec, SESSION_LOST, event.sequence, expected, "session_present = false");
        }
        if self.pipelined {
            return;
        }
        self.deliveries.fresh = true;
        self.session = Some(Session::new(self.spec, persistence));
    }
}
