//! Live brokers: at a URL, or by a profile that may start and stop them.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use mqspec_run::RunResult;
use mqspec_run::environment::live;
use mqspec_run::sut::capabilities::{Capabilities, ProbeError, controls, probe};
use mqspec_run::sut::external::{Target, TargetError};
use mqspec_run::sut::process::Running;
use mqspec_run::sut::profile::Profile;

use crate::failure::Failure;
use crate::interrupt;
use crate::secret::{self, without_secret};
use crate::seed::Seed;
use crate::suite::Trial;
use crate::text;

/// How long a broker may take to answer the first connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long an expectation waits on a live broker that says nothing else: RabbitMQ sits on some errors for 3 s.
const LIVE_PATIENCE: Duration = Duration::from_secs(8);
/// The longest that one plan may take on a live broker.
const LIVE_LIMIT: Duration = Duration::from_secs(120);

/// A live broker and how to test it.
#[derive(Debug)]
pub struct Live {
    /// The URL or the profile's path, as the user gave it.
    given: String,
    profile: Profile,
    token: String,
    /// The broker, where the profile starts it.
    running: Option<Running>,
    /// Held by all who use the broker, and alone by whoever stops and starts it.
    turns: RwLock<()>,
}

/// A broker that cannot be tested.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
enum LiveError {
    #[error("{0}")]
    #[diagnostic(help(
        "for example mqtt://127.0.0.1:1883, amqp://guest:guest@127.0.0.1:5672/ or profiles/mosquitto.yaml"
    ))]
    Address(TargetError),
    #[error("{why}")]
    Unreachable {
        why: ProbeError,
        #[help]
        help: &'static str,
    },
    #[error("the broker of {profile} cannot be started: {why}")]
    NotStarted { profile: String, why: String },
    #[error("cannot read the profile {path}: {why}")]
    #[diagnostic(help(
        "--broker takes a profile file, or a URL such as mqtt://127.0.0.1:1883 or amqp://guest:guest@127.0.0.1:5672/"
    ))]
    NoProfile { path: String, why: io::Error },
}

impl LiveError {
    fn unreachable(why: ProbeError) -> Self {
        let help = match why {
            ProbeError::Unreachable { .. } => {
                "is the broker running, and does it listen there? `mqspec test` without --broker needs none"
            }
            ProbeError::SpeaksNothing { .. } => {
                "is it the port of another protocol, or one that expects TLS or WebSocket? mqspec speaks MQTT and \
                 AMQP over plain TCP"
            }
        };
        Self::Unreachable { why, help }
    }
}

impl Live {
    /// A broker at a URL or of a profile: started where the profile says how, and asked what it can do.
    ///
    /// # Errors
    ///
    /// As [`World::open`](crate::world::World::open).
    pub fn open(given: &str) -> Result<(Self, Capabilities), Failure> {
        let profile = read_profile(given)?;
        if let Err(why) = secret::keep(given) {
            // The broker can be tested all the same.
            let _unheard = writeln!(
                io::stderr(),
                "warning: cannot write to {}, where the address of a broker with a password is kept ({why}): \
                 put your own --broker into replay lines",
                secret::FOLDER
            );
        }
        let log = PathBuf::from(format!("{}/{}.log", secret::FOLDER, secret::file_name(&profile.name)));
        let not_started =
            |why| Failure::environment(LiveError::NotStarted { profile: given.to_owned(), why });
        let running = Running::new(&profile, &log).map_err(not_started)?;
        if let Some(running) = &running {
            interrupt::end_with(running.process())?;
            running.start().map_err(not_started)?;
        }
        let capabilities = probe(&profile.target, CONNECT_PATIENCE)
            .map_err(|why| Failure::environment(LiveError::unreachable(why)))?
            .declared(&profile.has, running.is_some());
        let live = Self { given: given.to_owned(), profile, token: token(), running, turns: RwLock::new(()) };
        Ok((live, capabilities))
    }

    /// The URL or the profile's path, as the user gave it.
    pub fn given(&self) -> &str {
        &self.given
    }

    /// The broker in words: what it calls itself, or else what the profile calls it.
    pub fn describe(&self, product: Option<&str>) -> String {
        let named = Some(self.profile.name.as_str()).filter(|name| !name.is_empty());
        let name = product.or(named).unwrap_or("a broker that does not say its name");
        format!("{name} at {}", without_secret(&self.given))
    }

    /// Runs a trial that has its [`Turn`]. One that stops and starts the broker leaves it running.
    pub fn run(&self, trial: &Trial, seed: Seed) -> RunResult {
        let mut settings = live::Settings {
            seed: seed.0,
            token: self.token.clone(),
            patience: self.profile.patience.unwrap_or(LIVE_PATIENCE),
            limit: LIVE_LIMIT,
        };
        let target = &self.profile.target;
        let Some(running) = self.running.as_ref().filter(|_| self.runs_alone(trial)) else {
            return live::run(&trial.plan, target, &settings);
        };
        settings.limit += running.process().longest_restart();
        let mut result = live::run_with(&trial.plan, target, Some(running.process()), &settings);
        if let Err(why) = running.process().restore() {
            result.disagreements.push(format!("the broker could not be started again after this run: {why}"));
        }
        result
    }

    /// How the broker ended where nobody asked it to, for example by a signal, and where it said more.
    pub fn ended_by_itself(&self) -> Option<String> {
        let process = self.running.as_ref()?.process();
        process.ended_by_itself().map(|status| {
            format!("the broker ended by itself during the run ({status}); {}", process.log().display())
        })
    }

    /// Whether a trial stops or starts the broker, so that nothing else may run beside it.
    pub fn runs_alone(&self, trial: &Trial) -> bool {
        self.running.is_some() && controls(&trial.plan.steps)
    }

    /// Waits until a trial may use the broker; it may as long as it holds the turn.
    pub fn turn(&self, trial: &Trial) -> Turn<'_> {
        // A run that panicked says nothing about the broker.
        if self.runs_alone(trial) {
            Turn::Alone(self.turns.write().unwrap_or_else(PoisonError::into_inner))
        } else {
            Turn::Beside(self.turns.read().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

/// The right to use a broker.
#[derive(Debug)]
pub enum Turn<'a> {
    /// As the only one.
    Alone(RwLockWriteGuard<'a, ()>),
    /// Beside others.
    Beside(RwLockReadGuard<'a, ()>),
}

/// A profile from its file, or one that says no more than a URL.
fn read_profile(given: &str) -> Result<Profile, Failure> {
    let path = Path::new(given);
    let is_profile =
        path.exists() || path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    if given.contains("://") || !is_profile {
        let target = Target::parse(given).map_err(|error| Failure::input(LiveError::Address(error)))?;
        return Ok(Profile { name: String::new(), target, has: Vec::new(), patience: None, commands: None });
    }
    let text = text::read(path)
        .map_err(|why| Failure::input(LiveError::NoProfile { path: given.to_owned(), why }))?;
    Profile::parse(path, &text).map_err(Failure::input)
}

/// What makes names on a shared broker ours: no other run, before or beside this one, has it.
fn token() -> String {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", std::process::id(), since_epoch.as_nanos())
}
