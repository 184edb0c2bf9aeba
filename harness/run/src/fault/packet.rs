//! Which packets are struck: the rules that lie in wait.

use std::time::Duration;

use mqspec_conformance::plan::{Amount, Direction, PacketFault, When};
use mqspec_wire::Packet;

use super::Way;
use crate::environment::chance::Draws;

/// A fault that lies in wait for packets.
#[derive(Debug)]
struct Rule {
    direction: Direction,
    /// The packets' name; `None`: any.
    name: Option<String>,
    when: When,
    fault: PacketFault,
    planned_at: Duration,
    /// How many packets that it is about have come within its window.
    seen: u32,
    /// How many it has struck.
    struck: u32,
    draws: Draws,
}

impl Rule {
    /// Counts a packet; whether this is one to be struck.
    fn is_due(&mut self, way: Way, packet: &str, now: Duration) -> bool {
        let since = now.saturating_sub(self.planned_at);
        let in_window = since >= self.when.after && self.when.until.is_none_or(|until| since < until);
        let concerned = way.is_in(self.direction) && self.name.as_deref().is_none_or(|name| name == packet);
        if !concerned || !in_window || self.is_spent() {
            return false;
        }
        self.seen = self.seen.saturating_add(1);
        let Some(past) = self.seen.checked_sub(self.when.nth.max(1)) else { return false };
        past % self.when.every.max(1) == 0
            && self.when.probability.is_none_or(|probability| self.draws.happens(probability))
    }

    fn is_spent(&self) -> bool {
        self.when.times.is_some_and(|times| self.struck >= times)
    }

    /// The fault as it strikes this packet, with what it leaves to chance drawn.
    fn struck(&mut self, packet: &Packet) -> PacketFault {
        self.struck += 1;
        let bits = packet.raw.len() as u64 * 8;
        match &self.fault {
            PacketFault::Flipped { bit } => {
                let bit = bit.as_ref().map(|bit| bit.number.checked_rem(bits).unwrap_or(0));
                let bit = bit.unwrap_or_else(|| self.draws.below(bits));
                PacketFault::Flipped { bit: Some(Amount::from(bit)) }
            }
            fault @ (PacketFault::LostThenCut
            | PacketFault::DeliveredThenCut
            | PacketFault::Duplicated { .. }
            | PacketFault::Delayed(_)
            | PacketFault::CutAfter { .. }
            | PacketFault::Reordered { .. }) => fault.clone(),
        }
    }
}

/// All rules of an actor.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Lets a fault lie in wait from now on. The draws are its own.
    pub fn plan(
        &mut self,
        direction: Direction,
        name: Option<String>,
        when: When,
        fault: PacketFault,
        (planned_at, draws): (Duration, Draws),
    ) {
        self.0.push(Rule { direction, name, when, fault, planned_at, seen: 0, struck: 0, draws });
    }

    /// Takes every rule back.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether nothing lies in wait.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one lies in wait that will cut the connection for sure.
    pub fn will_cut(&self) -> bool {
        self.0
            .iter()
            .any(|rule| rule.fault.cuts() && rule.when.is_certain() && !rule.is_spent() && rule.struck == 0)
    }

    /// The packets that rules, who had to strike, have waited for in vain.
    pub fn never_struck(&self) -> impl Iterator<Item = String> {
        let vain = self.0.iter().filter(|rule| rule.struck == 0 && rule.when.is_certain());
        vain.map(|rule| rule.name.clone().unwrap_or_else(|| String::from("any packet")))
    }

    /// Counts a packet against every rule; the first rule whose turn has come strikes.
    pub fn strike(&mut self, way: Way, packet: &Packet, now: Duration) -> Option<PacketFault> {
        let mut struck = None;
        for rule in &mut self.0 {
            if rule.is_due(way, packet.name, now) && struck.is_none() {
                struck = Some(rule.struck(packet));
            }
        }
        self.0.retain(|rule| !rule.is_spent());
        struck
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mqspec_conformance::plan::Probability;

    use super::*;
    use crate::environment::Chance;

    const CUT: PacketFault = PacketFault::LostThenCut;

    fn packet(name: &'static str) -> Packet {
        Packet { name, fields: Vec::new(), oddities: Vec::new(), raw: Bytes::from_static(&[0xc0, 0]) }
    }

    fn rules(name: Option<&str>, when: When, fault: PacketFault) -> Rules {
        let mut rules = Rules::default();
        let from = (Duration::from_secs(1), Chance::new(7).stream("fault"));
        rules.plan(Direction::ToActor, name.map(str::to_owned), when, fault, from);
        rules
    }

    /// Which of `count` packets in a row, one each second from the rule's own, are struck.
    fn struck(rules: &mut Rules, count: u64) -> Vec<u64> {
        let strikes = |number: &u64| {
            let now = Duration::from_secs(*number);
            rules.strike(Way::In, &packet("publish"), now).is_some()
        };
        (1..=count).filter(strikes).collect()
    }

    #[test]
    fn a_rule_strikes_the_nth_packet_of_its_name_once() {
        let mut rules = rules(Some("pubrel"), When::nth(2), CUT);
        let mut strike = |name| rules.strike(Way::In, &packet(name), Duration::from_secs(2));
        assert_eq!(strike("pubrel"), None);
        assert_eq!(strike("publish"), None);
        assert_eq!(strike("pubrel"), Some(CUT));
        assert_eq!(strike("pubrel"), None);
    }

    #[test]
    fn a_rule_ignores_the_other_way() {
        let mut rules = rules(None, When::default(), CUT);
        assert_eq!(rules.strike(Way::Out, &packet("publish"), Duration::from_secs(2)), None);
        assert!(rules.will_cut());
        assert_eq!(rules.never_struck().collect::<Vec<_>>(), ["any packet"]);
    }

    #[test]
    fn every_third_packet_from_the_second_on_is_struck_four_times() {
        let when = When { nth: 2, every: 3, times: Some(4), ..When::default() };
        assert_eq!(struck(&mut rules(None, when, CUT), 100), [2, 5, 8, 11]);
    }

    #[test]
    fn a_window_counts_from_the_step_and_only_what_is_in_it() {
        let window = (Duration::from_secs(10), Some(Duration::from_secs(20)));
        let when = When { every: 4, times: None, after: window.0, until: window.1, ..When::default() };
        assert_eq!(struck(&mut rules(None, when, CUT), 100), [11, 15, 19]);
    }

    #[test]
    fn a_probability_strikes_as_often_as_it_says_and_the_same_packets_each_time() {
        let when =
            When { probability: Some(Probability::millionths(250_000)), times: None, ..When::default() };
        let first = struck(&mut rules(None, when, CUT), 4000);
        assert!((900..1100).contains(&first.len()), "{} of 4000", first.len());
        assert_eq!(first, struck(&mut rules(None, when, CUT), 4000));
        let never = When { probability: Some(Probability::millionths(0)), ..when };
        assert_eq!(struck(&mut rules(None, never, CUT), 100), Vec::<u64>::new());
        let always = When { probability: Some(Probability::ALWAYS), ..when };
        assert_eq!(struck(&mut rules(None, always, CUT), 3), [1, 2, 3]);
    }

    #[test]
    fn what_chance_left_out_is_not_missed() {
        let when = When { probability: Some(Probability::millionths(0)), ..When::default() };
        let rules = rules(None, when, CUT);
        assert!(!rules.will_cut());
        assert_eq!(rules.never_struck().count(), 0);
    }

    #[test]
    fn a_drawn_bit_lies_within_the_packet() {
        let when = When { times: None, ..When::default() };
        let mut rules = rules(None, when, PacketFault::Flipped { bit: None });
        for number in 1..200 {
            let Some(PacketFault::Flipped { bit: Some(bit) }) =
                rules.strike(Way::In, &packet("pingreq"), Duration::from_secs(number))
            else {
                panic!("each packet is to be flipped");
            };
            assert!(bit.number < 16);
        }
    }
}
