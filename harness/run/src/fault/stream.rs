//! The fate of bytes: what is planned for an actor's streams, whichever connection it has.

use std::time::Duration;

use mqspec_conformance::plan::{Direction, Ending, OpenFor, Probability, StreamFault};

use super::Way;

/// Both ways of an actor's streams.
#[derive(Debug, Default)]
pub struct Streams {
    into: OneWay,
    out: OneWay,
    /// How many connections were opened so far.
    opened: u64,
    /// A half-open connection: who does not know, which was the newest connection then, and until when.
    half_open: Option<(OpenFor, u64, Span)>,
}

/// A connection, as far as faults tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// When it was opened.
    pub at: Duration,
    /// How many had been opened by then, itself included.
    pub number: u64,
}

/// The connections that a partition struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Struck {
    /// Those opened before it ended by itself.
    OpenedBefore(Duration),
    /// Those that had been opened, this many, when it was taken back: time may not tell them from the next one.
    First(u64),
}

impl Struck {
    fn includes(self, opened: Opened) -> bool {
        match self {
            Self::OpenedBefore(end) => opened.at < end,
            Self::First(count) => opened.number <= count,
        }
    }
}

/// What is planned for one way.
#[derive(Debug, Default)]
struct OneWay {
    /// The way ends after this many more bytes.
    end_after: Option<(u64, Ending)>,
    /// Pieces to pass bytes in.
    fragments: Option<Vec<usize>>,
    stall: Span,
    partition: Span,
    /// What the last partition struck, where it was healed.
    healed: Option<Struck>,
    latency: Lasting<(Duration, Duration)>,
    loss: Lasting<(Probability, u32)>,
    bandwidth: Lasting<u64>,
    slow_reader: Lasting<u64>,
    coalesce: Lasting<Duration>,
}

/// Something that lasts for a time.
type Lasting<T> = Option<(T, Span)>;

/// What lasts now.
fn now_of<T: Copy>(lasting: Lasting<T>, now: Duration) -> Option<T> {
    lasting.filter(|(_, span)| span.is_on(now)).map(|(what, _)| what)
}

/// A stretch of time that a fault lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Span {
    #[default]
    Off,
    Until(Duration),
    Indefinite,
}

impl Span {
    fn new(now: Duration, duration: Option<Duration>) -> Self {
        duration.map_or(Self::Indefinite, |duration| Self::Until(now.saturating_add(duration)))
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

/// When something is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// It is, or it never was.
    Now,
    /// At that time.
    At(Duration),
    /// When it is healed.
    Unknown,
}

impl From<Span> for Over {
    fn from(span: Span) -> Self {
        match span {
            Span::Off => Self::Now,
            Span::Until(end) => Self::At(end),
            Span::Indefinite => Self::Unknown,
        }
    }
}

/// What makes bytes late, now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Time under way: the least, and what is drawn on top at most.
    pub latency: Option<(Duration, Duration)>,
    /// How likely a piece is lost, and after how many losses in a row the connection is reset.
    pub loss: Option<(Probability, u32)>,
    /// Bytes per second.
    pub bandwidth: Option<u64>,
    /// How long what is written is gathered.
    pub coalesce: Option<Duration>,
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

    /// A connection begins.
    pub fn open(&mut self, at: Duration) -> Opened {
        self.opened += 1;
        Opened { at, number: self.opened }
    }

    /// Plans a fault from now on.
    pub fn plan(&mut self, direction: Direction, fault: &StreamFault, now: Duration) {
        if let StreamFault::HalfOpen { for_whom, duration } = fault {
            self.half_open = Some((*for_whom, self.opened, Span::new(now, *duration)));
        }
        for way in self.ways(direction) {
            match fault {
                StreamFault::ResetAfter { bytes } => way.end_after = Some((bytes.number, Ending::Reset)),
                StreamFault::FinAfter { bytes } => way.end_after = Some((bytes.number, Ending::Fin)),
                StreamFault::Fragment { sizes } => way.fragments = Some(sizes.clone()),
                StreamFault::Stall { duration } => way.stall = Span::new(now, *duration),
                StreamFault::Partition { duration } => {
                    way.partition = Span::new(now, *duration);
                    way.healed = None;
                }
                StreamFault::Coalesce { within, duration } => {
                    way.coalesce = Some((*within, Span::new(now, *duration)));
                }
                StreamFault::Latency { base, jitter, duration } => {
                    way.latency = Some(((*base, *jitter), Span::new(now, *duration)));
                }
                StreamFault::Loss { probability, reset_after, duration } => {
                    way.loss = Some(((*probability, *reset_after), Span::new(now, *duration)));
                }
                StreamFault::Bandwidth { bytes_per_second, duration } => {
                    way.bandwidth = Some((*bytes_per_second, Span::new(now, *duration)));
                }
                StreamFault::SlowReader { bytes_per_second, duration } => {
                    way.slow_reader = Some((*bytes_per_second, Span::new(now, *duration)));
                }
                StreamFault::HalfOpen { .. } => {}
            }
        }
    }

    /// Takes everything back, but not what a partition has done to the current connection.
    pub fn heal(&mut self, now: Duration) {
        self.half_open = None;
        let opened = self.opened;
        for way in self.ways(Direction::Both) {
            let healed = match way.partition {
                Span::Off => way.healed,
                Span::Until(end) if end <= now => Some(Struck::OpenedBefore(end)),
                Span::Until(_) | Span::Indefinite => Some(Struck::First(opened)),
            };
            *way = OneWay { healed, ..OneWay::default() };
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

    /// Whether bytes that are about to pass vanish.
    pub fn is_partitioned(&self, way: Way, now: Duration) -> bool {
        self.way(way).partition.is_on(now)
    }

    /// Whether bytes pass both ways and at once, now and later.
    pub fn is_calm(&self, now: Duration) -> bool {
        self.half_open_end(now) == Over::Now
            && self.reading_speed(now).is_none()
            && [Way::In, Way::Out].into_iter().all(|way| {
                let planned = self.way(way);
                planned.end_after.is_none()
                    && !planned.stall.is_on(now)
                    && !planned.partition.is_on(now)
                    && self.shape(way, now).is_none()
            })
    }

    /// How long a way is stalled.
    pub fn stalled(&self, way: Way, now: Duration) -> Over {
        let stall = self.way(way).stall;
        if stall.is_on(now) { stall.into() } else { Over::Now }
    }

    /// When the partition that struck a connection is over, if one did.
    pub fn partition_end(&self, opened: Opened, now: Duration) -> Option<Over> {
        let mut end = None;
        for way in [&self.into, &self.out] {
            end = match (way.partition, way.healed) {
                (Span::Off, Some(struck)) if struck.includes(opened) => return Some(Over::Now),
                (Span::Until(time), _) if time > opened.at && time <= now => return Some(Over::Now),
                (Span::Until(time), _) if time > now => Some(Over::At(time)),
                (Span::Indefinite, _) => Some(Over::Unknown),
                (Span::Off | Span::Until(_), _) => end,
            };
        }
        end
    }

    /// Whether a connection has become half-open, and for whom.
    pub fn half_open(&self, opened: Opened, now: Duration) -> Option<OpenFor> {
        let (for_whom, newest, span) = self.half_open?;
        (opened.number <= newest && span.is_on(now)).then_some(for_whom)
    }

    /// When the half-open connection of that time ends for the peer who was not told.
    pub fn half_open_end(&self, now: Duration) -> Over {
        let span = self.half_open.map_or(Span::Off, |(.., span)| span);
        if span.is_on(now) { span.into() } else { Over::Now }
    }

    /// The sizes of the pieces that bytes pass in.
    pub fn fragments(&self, way: Way) -> Option<Vec<usize>> {
        self.way(way).fragments.clone()
    }

    /// What makes bytes late; `None` where nothing does.
    pub fn shape(&self, way: Way, now: Duration) -> Option<Shape> {
        let way = self.way(way);
        if way.latency.is_none() && way.loss.is_none() && way.bandwidth.is_none() && way.coalesce.is_none() {
            return None; // asked for every packet, and almost always so
        }
        let shape = Shape {
            latency: now_of(way.latency, now),
            loss: now_of(way.loss, now),
            bandwidth: now_of(way.bandwidth, now),
            coalesce: now_of(way.coalesce, now),
        };
        (shape != Shape::default()).then_some(shape)
    }

    /// How many bytes per second the actor reads at most.
    pub fn reading_speed(&self, now: Duration) -> Option<u64> {
        now_of(self.into.slow_reader, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(10);

    #[test]
    fn a_reset_lets_exactly_its_bytes_pass() {
        let mut streams = Streams::default();
        streams.plan(Direction::FromActor, &StreamFault::ResetAfter { bytes: 137.into() }, NOW);
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
        assert_eq!(streams.stalled(Way::In, NOW), Over::At(end));
        assert_eq!(streams.stalled(Way::In, end), Over::Now);
    }

    #[test]
    fn a_healed_partition_leaves_its_connection_dead_and_the_next_one_alone() {
        let mut streams = Streams::default();
        let first = streams.open(NOW);
        streams.plan(Direction::Both, &StreamFault::Partition { duration: None }, NOW);
        assert_eq!(streams.pass(Way::Out, 9, NOW), Passage::None);
        assert_eq!(streams.partition_end(first, NOW), Some(Over::Unknown));
        streams.heal(NOW);
        let second = streams.open(NOW);
        assert_eq!(streams.partition_end(first, NOW), Some(Over::Now), "though no time has passed");
        assert_eq!(streams.partition_end(second, NOW), None);
    }

    #[test]
    fn only_the_connection_of_its_time_becomes_half_open() {
        let mut streams = Streams::default();
        let fault = StreamFault::HalfOpen { for_whom: OpenFor::Broker, duration: None };
        let first = streams.open(NOW);
        streams.plan(Direction::Both, &fault, NOW);
        let second = streams.open(NOW);
        assert_eq!(streams.half_open(first, NOW), Some(OpenFor::Broker));
        assert_eq!(streams.half_open(second, NOW), None, "though no time has passed");
        assert_eq!(streams.half_open_end(NOW), Over::Unknown);
        streams.heal(NOW);
        assert_eq!(streams.half_open_end(NOW), Over::Now);
    }

    #[test]
    fn what_makes_bytes_late_is_over_in_time() {
        let mut streams = Streams::default();
        let duration = Some(Duration::from_secs(2));
        let fault = StreamFault::Bandwidth { bytes_per_second: 9, duration };
        streams.plan(Direction::ToActor, &fault, NOW);
        assert_eq!(streams.shape(Way::In, NOW).and_then(|shape| shape.bandwidth), Some(9));
        assert_eq!(streams.shape(Way::Out, NOW), None);
        assert_eq!(streams.shape(Way::In, NOW + Duration::from_secs(2)), None);
    }
}
