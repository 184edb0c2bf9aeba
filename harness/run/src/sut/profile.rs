//! A broker profile: where a broker listens, what it can do, and the commands that start and stop it.
//!
//! docs/BROKERS.md is the reference of the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mqspec_conformance::plan::capability::{CAPABILITIES, Capability};
use mqspec_conformance::scenario::{Diagnostics, Entry, Kind, Node, Problem, parse, parse_duration};
use mqspec_conformance::statement::nearest;
use mqspec_wire::Value;

use super::external::{Endpoint, Target};

/// What a profile file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// What to call the broker.
    pub name: String,
    /// Where it listens.
    pub target: Target,
    /// What it can do and does not say, or says wrongly: capability and value.
    pub has: Vec<(String, Value)>,
    /// How long an expectation waits that says nothing else.
    pub patience: Option<Duration>,
    /// How to start and stop it; `None`: it runs already, and is left alone.
    pub commands: Option<Commands>,
}

/// A program and its arguments; run without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program: a name to be looked up in `PATH`, or a path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// The commands of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands {
    /// Where they run: the profile's folder.
    pub folder: PathBuf,
    /// Run once, before the first start: wipes old data.
    pub prepare: Option<Command>,
    /// Becomes the broker, or ends with 0 once a service has been told to start.
    pub start: Command,
    /// Ends with 0 when the broker answers. Without it: each listener accepts a connection.
    pub ready: Option<Command>,
    /// Asks it to end in good order. Without it: SIGTERM to the process that `start` became.
    pub stop: Option<Command>,
    /// Ends it at once. Without it: SIGKILL to the process that `start` became, and to its children.
    pub kill: Option<Command>,
    /// Run once when the broker has ended for good: ends what it leaves behind.
    pub cleanup: Option<Command>,
    /// How long from `start` until it is ready.
    pub start_within: Duration,
    /// How long `stop`, and any other command, may take.
    pub stop_within: Duration,
}

/// How long a start may take where the profile does not say: RabbitMQ needs 8 to 20 s on a busy machine.
const START_WITHIN: Duration = Duration::from_secs(90);
/// How long a stop may take where the profile does not say.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The keys of a profile.
const KEYS: [&str; 13] = [
    "name",
    "mqtt",
    "amqp",
    "has",
    "patience",
    "prepare",
    "start",
    "ready",
    "stop",
    "kill",
    "cleanup",
    "start_within",
    "stop_within",
];

/// The keys that mean nothing without `start`.
const KEYS_OF_START: [&str; 7] =
    ["prepare", "ready", "stop", "kill", "cleanup", "start_within", "stop_within"];

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each thing with its place and what would be right.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Diagnostics> {
        let name = path.to_string_lossy();
        let failed = |problems| Diagnostics::new(&name, text, problems);
        if text.trim().is_empty() {
            let empty = Problem::new(0..0, "the profile is empty").help("begin with `name:`");
            return Err(failed(vec![empty]));
        }
        let root = parse(text).map_err(failed)?;
        let mut reader = Reader { root: &root, problems: Vec::new() };
        let profile = reader.profile(path);
        if reader.problems.is_empty()
            && let Some(profile) = profile
        {
            return Ok(profile);
        }
        Err(failed(reader.problems))
    }
}

struct Reader<'a> {
    root: &'a Node,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The profile, as far as it can be read; what it cannot is a problem.
    fn profile(&mut self, path: &Path) -> Option<Profile> {
        let Some(entries) = self.root.as_map() else {
            self.problem(self.root, "a profile is a map, `name: …` first", None);
            return None;
        };
        for entry in entries.iter().filter(|entry| !KEYS.contains(&entry.key.as_str())) {
            let help = suggest(&entry.key, &KEYS);
            let wrong = Problem::new(entry.key_span.clone(), format!("a profile has no `{}`", entry.key));
            self.problems.push(wrong.help(help));
        }
        let name = match self.text("name") {
            Some(name) => name,
            None => path.file_stem()?.to_string_lossy().into_owned(),
        };
        let target = self.target();
        let has = self.has(&target);
        let patience = self.duration("patience");
        let commands = self.commands(path);
        Some(Profile { name, target, has, patience, commands })
    }

    fn target(&mut self) -> Target {
        let problems = self.problems.len();
        let target = Target {
            mqtt: self.endpoint("mqtt", |target| target.mqtt),
            amqp: self.endpoint("amqp", |target| target.amqp),
        };
        if target == Target::default() && self.problems.len() == problems {
            let start = self.root.span.start;
            let missing = Problem::new(start..start, "the profile says nowhere where the broker listens");
            self.problems.push(missing.help("add `mqtt: mqtt://HOST:PORT` or `amqp: amqp://HOST:PORT`"));
        }
        target
    }

    fn endpoint(&mut self, key: &str, of: impl FnOnce(Target) -> Option<Endpoint>) -> Option<Endpoint> {
        let node = self.root.get(key)?;
        let url = self.text(key)?;
        match Target::parse(&url) {
            Ok(target) => {
                let endpoint = of(target);
                if endpoint.is_none() {
                    let scheme = format!("`{key}` takes a URL that begins with `{key}://`");
                    self.problem(node, &scheme, None);
                }
                endpoint
            }
            Err(why) => {
                self.problem(node, &why.to_string(), None);
                None
            }
        }
    }

    fn has(&mut self, target: &Target) -> Vec<(String, Value)> {
        let Some(node) = self.root.get("has") else { return Vec::new() };
        let Some(entries) = node.as_map() else {
            let help = "`has: { durable: true, maximum_qos: 1 }`";
            self.problem(node, "`has` is a map from capability to value", Some(help));
            return Vec::new();
        };
        entries.iter().filter_map(|entry| self.capability(entry, target)).collect()
    }

    fn capability(&mut self, entry: &Entry, target: &Target) -> Option<(String, Value)> {
        let spoken: Vec<&Capability> = CAPABILITIES
            .iter()
            .filter(|known| if known.mqtt { target.mqtt.is_some() } else { target.amqp.is_some() })
            .collect();
        let Some(known) = spoken.iter().find(|known| known.name == entry.key) else {
            let elsewhere = CAPABILITIES.iter().find(|known| known.name == entry.key);
            let (what, help) = if let Some(known) = elsewhere {
                let protocol = if known.mqtt { "mqtt" } else { "amqp" };
                (
                    format!("`{}` is a capability of the other protocol", entry.key),
                    format!("the profile has no `{protocol}:` listener"),
                )
            } else {
                let names: Vec<&str> = spoken.iter().map(|known| known.name).collect();
                (format!("there is no capability `{}`", entry.key), suggest(&entry.key, &names))
            };
            self.problems.push(Problem::new(entry.key_span.clone(), what).help(help));
            return None;
        };
        let value = match (&entry.value.kind, known.most) {
            (Kind::Bool(bit), None) => Some(Value::Bool(*bit)),
            (Kind::Integer(number), Some(most)) if (0..=i128::from(most)).contains(number) => {
                Some(Value::Integer(*number))
            }
            _ => None,
        };
        if value.is_none() {
            let takes = match known.most {
                Some(most) => format!("a number from 0 to {most}"),
                None => String::from("true or false"),
            };
            self.problem(&entry.value, &format!("`{}` takes {takes}", entry.key), None);
        }
        Some((entry.key.clone(), value?))
    }

    fn commands(&mut self, path: &Path) -> Option<Commands> {
        if self.root.get("start").is_none() {
            for entry in self.root.as_map().unwrap_or_default() {
                if KEYS_OF_START.contains(&entry.key.as_str()) {
                    let lonely = format!("`{}` means nothing without `start`", entry.key);
                    self.problems.push(Problem::new(entry.key_span.clone(), lonely).help(
                        "add `start: [PROGRAM, ARGUMENT, …]`, or take this out and start the broker yourself",
                    ));
                }
            }
            return None;
        }
        let folder = match path.parent() {
            Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
            Some(folder) => folder.to_owned(),
            None => PathBuf::from("."),
        };
        // A relative program is meant from where the commands run, also where the system sees it otherwise.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let command = |reader: &mut Self, key| reader.command(key, &folder);
        Some(Commands {
            prepare: command(self, "prepare"),
            start: command(self, "start")?,
            ready: command(self, "ready"),
            stop: command(self, "stop"),
            kill: command(self, "kill"),
            cleanup: command(self, "cleanup"),
            start_within: self.duration("start_within").unwrap_or(START_WITHIN),
            stop_within: self.duration("stop_within").unwrap_or(STOP_WITHIN),
            folder,
        })
    }

    fn command(&mut self, key: &str, folder: &Path) -> Option<Command> {
        let node = self.root.get(key)?;
        let words: Option<Vec<String>> =
            node.as_list().map(<[Node]>::to_vec).and_then(|items| items.iter().map(word).collect());
        let Some((program, arguments)) = words.as_deref().and_then(<[String]>::split_first) else {
            let help = format!("`{key}: [docker, start, my-broker]`: no shell reads it");
            self.problem(node, &format!("`{key}` is a list: a program and its arguments"), Some(&help));
            return None;
        };
        let program =
            if program.contains('/') { folder.join(program) } else { PathBuf::from(program.as_str()) };
        Some(Command { program, arguments: arguments.to_vec() })
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let node = self.root.get(key)?;
        let text = node.as_text().map(str::to_owned);
        if text.is_none() {
            self.problem(node, &format!("`{key}` takes text, not {}", node.describe()), None);
        }
        text
    }

    fn duration(&mut self, key: &str) -> Option<Duration> {
        let node = self.root.get(key)?;
        let duration = node.as_text().and_then(parse_duration).filter(|duration| !duration.is_zero());
        if duration.is_none() {
            self.problem(node, &format!("`{key}` takes a time such as `500ms`, `8s` or `2m`"), None);
        }
        duration
    }

    fn problem(&mut self, node: &Node, message: &str, help: Option<&str>) {
        let problem = Problem::new(node.span.clone(), message);
        self.problems.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}

/// A word of a command: text, or what YAML takes for a number.
fn word(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Text(text) => Some(text.clone()),
        Kind::Integer(number) => Some(number.to_string()),
        Kind::Null | Kind::Bool(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_) => None,
    }
}

fn suggest(wrong: &str, names: &[&str]) -> String {
    match nearest(wrong, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there is {}", names.join(", ")),
    }
}
