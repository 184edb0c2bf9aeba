//! The fate of bytes: stalls, partitions, fragments, and an end after so many of them.

use std::time::Duration;

use mqspec_conformance::plan::{Direction, Ending, StreamFault};

use super::Way;

/// Both ways of an actor's stream.
#[derive(Debug, Default)]
pub struct Streams {
    into: OneWay,
    out: OneWay,
}

/// What is planned for, or happens to, one way.
#[derive(Debug, Default)]
struct OneWay {
    /// The way ends after this many more bytes.
    end_after: Option<(u64, Ending)>,
    /// Pieces to pass bytes in.
    fragments: Option<Vec<usize>>,
    stall: Span,
    partition: Span,
    /// A partition has been here since the connection was opened.
    partitioned: bool,
}

/// A stretch of time that a fault lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Span {
    #[default]
    Off,
    Until(Duration),
    Indefinite,
}

impl Span {
    fn new(now: Duration, duration: Option<Duration>) -> Self {
        duration.map_or(Self::Indefinite, |duration| Self::Until(now + duration))
    }

    fn is_on(self, now: Duration) -> bool {
        match self {
            Self::Off => false,
            Self::Until(end) => now < end,
            Self::Indefinite => true,
        }
    }
}

/// How far bytes get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// All of them pass.
    All,
    /// They vanish; nobody is told.
    None,
    /// So many pass, then the connection ends like this.
    Then(usize, Ending),
}

/// Whether a way is stalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// It is not.
    No,
    /// Until then.
    Until(Duration),
    /// Until it is healed.
    Indefinitely,
}

/// When the partition ends that struck the current connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionEnd {
    /// There was none.
    None,
    /// It is over: the connection is dead.
    Over,
    /// At that time.
    At(Duration),
    /// When it is healed.
    Unknown,
}

impl Streams {
    fn way(&self, way: Way) -> &OneWay {
        match way {
            Way::In => &self.into,
            Way::Out => &self.out,
        }
    }

    fn ways(&mut self, direction: Direction) -> impl Iterator<Item = &mut OneWay> {
        let into = Way::In.is_in(direction).then_some(&mut self.into);
        let out = Way::Out.is_in(direction).then_some(&mut self.out);
        into.into_iter().chain(out)
    }

    /// Plans a fault from now on.
    pub fn plan(&mut self, direction: Direction, fault: &StreamFault, now: Duration) {
        for way in self.ways(direction) {
            match fault {
                StreamFault::ResetAfter { bytes } => way.end_after = Some((*bytes, Ending::Reset)),
                StreamFault::FinAfter { bytes } => way.end_after = Some((*bytes, Ending::Fin)),
                StreamFault::Fragment { sizes } => way.fragments = Some(sizes.clone()),
                StreamFault::Stall { duration } => way.stall = Span::new(now, *duration),
                StreamFault::Partition { duration } => {
                    way.partition = Span::new(now, *duration);
                    way.partitioned = true;
                }
            }
        }
    }

    /// Takes everything back, but not what a partition has done to the current connection.
    pub fn heal(&mut self) {
        for way in self.ways(Direction::Both) {
            *way = OneWay { partitioned: way.partitioned, ..OneWay::default() };
        }
    }

    /// A new connection has not seen a partition that is over.
    pub fn reopened(&mut self, now: Duration) {
        for way in self.ways(Direction::Both) {
            way.partitioned = way.partition.is_on(now);
        }
    }

    /// How far `bytes` bytes get.
    pub fn pass(&mut self, way: Way, bytes: usize, now: Duration) -> Passage {
        let way = match way {
            Way::In => &mut self.into,
            Way::Out => &mut self.out,
        };
        if way.partition.is_on(now) {
            return Passage::None;
        }
        let Some((left, ending)) = way.end_after else { return Passage::All };
        let count = bytes as u64;
        if count < left {
            way.end_after = Some((left - count, ending));
            return Passage::All;
        }
        way.end_after = None;
        Passage::Then(usize::try_from(left).unwrap_or(bytes), ending)
    }

    /// Whether bytes pass both ways, now and later.
    pub fn is_calm(&self, now: Duration) -> bool {
        [&self.into, &self.out].into_iter().all(|way| {
            way.end_after.is_none() && !way.partitioned && !way.stall.is_on(now) && !way.partition.is_on(now)
        })
    }

    /// Whether a way is stalled now.
    pub fn blocked_until(&self, way: Way, now: Duration) -> Blocked {
        match self.way(way).stall {
            stall if !stall.is_on(now) => Blocked::No,
            Span::Until(end) => Blocked::Until(end),
            Span::Indefinite | Span::Off => Blocked::Indefinitely,
        }
    }

    /// When the partition of the current connection ends.
    pub fn partition_end(&mut self, now: Duration) -> PartitionEnd {
        let mut end = PartitionEnd::None;
        for way in self.ways(Direction::Both).filter(|way| way.partitioned) {
            end = match way.partition {
                partition if !partition.is_on(now) => return PartitionEnd::Over,
                Span::Until(time) => PartitionEnd::At(time),
                Span::Indefinite | Span::Off => PartitionEnd::Unknown,
            };
        }
        end
    }

    /// The sizes of the pieces that bytes pass in.
    pub fn fragments(&self, way: Way) -> Option<Vec<usize>> {
        self.way(way).fragments.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(10);

    #[test]
    fn a_reset_lets_exactly_its_bytes_pass() {
        let mut streams = Streams::default();
        streams.plan(Direction::FromActor, &StreamFault::ResetAfter { bytes: 137 }, NOW);
        assert_eq!(streams.pass(Way::Out, 100, NOW), Passage::All);
        assert_eq!(streams.pass(Way::In, 100, NOW), Passage::All);
        assert_eq!(streams.pass(Way::Out, 100, NOW), Passage::Then(37, Ending::Reset));
        assert_eq!(streams.pass(Way::Out, 100, NOW), Passage::All, "a fault happens once");
    }

    #[test]
    fn a_stall_ends_by_itself() {
        let mut streams = Streams::default();
        let fault = StreamFault::Stall { duration: Some(Duration::from_secs(3)) };
        streams.plan(Direction::Both, &fault, NOW);
        let end = NOW + Duration::from_secs(3);
        assert_eq!(streams.blocked_until(Way::In, NOW), Blocked::Until(end));
        assert_eq!(streams.blocked_until(Way::In, end), Blocked::No);
    }

    #[test]
    fn a_healed_partition_leaves_its_connection_dead() {
        let mut streams = Streams::default();
        streams.plan(Direction::Both, &StreamFault::Partition { duration: None }, NOW);
        assert_eq!(streams.pass(Way::Out, 9, NOW), Passage::None);
        assert_eq!(streams.partition_end(NOW), PartitionEnd::Unknown);
        streams.heal();
        assert_eq!(streams.partition_end(NOW), PartitionEnd::Over);
        streams.reopened(NOW);
        assert_eq!(streams.partition_end(NOW), PartitionEnd::None);
    }
}
