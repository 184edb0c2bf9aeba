//! The fate of whole packets.

use mqspec_conformance::plan::{Direction, PacketFault};

use super::Way;

/// A fault that lies in wait for a packet.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which way the packet must travel.
    pub direction: Direction,
    /// Its name; `None`: any.
    pub name: Option<String>,
    /// How many such packets are still to come before it strikes, itself included.
    pub nth: u32,
    /// What it does.
    pub fault: PacketFault,
}

impl Rule {
    /// Whether the connection dies when it strikes.
    pub fn cuts(&self) -> bool {
        match self.fault {
            PacketFault::LostThenCut | PacketFault::DeliveredThenCut | PacketFault::CutAfter { .. } => true,
            PacketFault::Duplicated { .. } | PacketFault::Delayed(_) => false,
        }
    }
}

/// Counts a packet against every rule; the first rule whose turn has come strikes and is spent.
pub fn strike(rules: &mut Vec<Rule>, way: Way, packet: &str) -> Option<PacketFault> {
    let mut struck = None;
    for (index, rule) in rules.iter_mut().enumerate() {
        let concerned = way.is_in(rule.direction) && rule.name.as_deref().is_none_or(|name| name == packet);
        if concerned {
            rule.nth = rule.nth.saturating_sub(1);
            if rule.nth == 0 && struck.is_none() {
                struck = Some(index);
            }
        }
    }
    struck.map(|index| rules.remove(index).fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: Option<&str>, nth: u32) -> Rule {
        Rule {
            direction: Direction::ToActor,
            name: name.map(str::to_owned),
            nth,
            fault: PacketFault::LostThenCut,
        }
    }

    #[test]
    fn a_rule_strikes_the_nth_packet_of_its_name_once() {
        let mut rules = vec![rule(Some("pubrel"), 2)];
        assert_eq!(strike(&mut rules, Way::In, "pubrel"), None);
        assert_eq!(strike(&mut rules, Way::In, "publish"), None);
        assert_eq!(strike(&mut rules, Way::In, "pubrel"), Some(PacketFault::LostThenCut));
        assert_eq!(strike(&mut rules, Way::In, "pubrel"), None);
    }

    #[test]
    fn a_rule_ignores_the_other_way() {
        let mut rules = vec![rule(None, 1)];
        assert_eq!(strike(&mut rules, Way::Out, "publish"), None);
        assert_eq!(rules.len(), 1);
    }
}
