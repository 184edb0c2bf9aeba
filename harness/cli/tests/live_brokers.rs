//! The scenarios against real brokers that the shipped profiles start: exactly those fail that docs/findings/ lists.
//! So a new false accusation is noticed, and a finding that has gone.
//!
//! Where a broker is not installed, or another version than the findings are about, its test is ignored and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mqspec_cli::suite::Suite;
use serde_json::Value;

/// How many ports in a row a broker takes: RabbitMQ five.
const PORTS: u16 = 5;

/// A broker that is tried: its profile, script and findings have the same name.
struct Broker {
    name: &'static str,
    /// The port in its profile.
    port: u16,
}

const BROKERS: [Broker; 2] =
    [Broker { name: "mosquitto", port: 23_883 }, Broker { name: "rabbitmq", port: 25_772 }];

/// docs/findings/NAME.yaml.
struct Findings {
    version: String,
    select: String,
    fails: BTreeSet<String>,
}

fn main() {
    let arguments = Arguments::from_args();
    let mut tests: Vec<Trial> = BROKERS
        .iter()
        .map(|broker| {
            Trial::ignorable_test(format!("{}-fails-only-as-found", broker.name), || broker.is_as_found())
        })
        .collect();
    tests.push(Trial::test("each-finding-has-its-scenario-and-its-evidence", findings_are_backed));
    tests.push(Trial::test("what-differs-from-the-findings-is-told", differences_are_told));
    libtest_mimic::run(&arguments, tests).exit();
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> Result<String, Failed> {
    fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()).into())
}

impl Findings {
    fn of(broker: &Broker) -> Result<Self, Failed> {
        let text = read(&root().join(format!("docs/findings/{}.yaml", broker.name)))?;
        let read: BTreeMap<String, serde_yaml::Value> = serde_yaml::from_str(&text)?;
        let word = |key: &str| {
            let value = read.get(key).and_then(serde_yaml::Value::as_str);
            value.map(str::to_owned).ok_or_else(|| format!("{}: no `{key}`", broker.name))
        };
        let fails = read.get("fails").and_then(serde_yaml::Value::as_sequence);
        let fails = fails.into_iter().flatten().filter_map(serde_yaml::Value::as_str);
        Ok(Self {
            version: word("version")?,
            select: word("select")?,
            fails: fails.map(str::to_owned).collect(),
        })
    }
}

impl Broker {
    fn is_as_found(&self) -> Result<Completion, Failed> {
        let script = root().join(format!("harness/brokers/{}.sh", self.name));
        if !Command::new(&script).arg("installed").status()?.success() {
            let how = format!("{0} is not installed; harness/brokers/{0}.sh install", self.name);
            return Ok(Completion::ignored_with(how));
        }
        let findings = Findings::of(self)?;
        let version = Command::new(&script).arg("version").output()?.stdout;
        let version = String::from_utf8_lossy(&version).trim().to_owned();
        if !version.contains(&findings.version) {
            let other = format!("here is {version}, the findings are about {}", findings.version);
            return Ok(Completion::ignored_with(other));
        }
        let port = free_ports()?;
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("broker.yaml"), self.profile(port, folder.path())?)?;
        let output = Command::new(env!("CARGO_BIN_EXE_mqspec"))
            .args([
                "test",
                &findings.select,
                "--broker",
                "broker.yaml",
                "--quiet",
                "--report",
                "json=report.json",
            ])
            .current_dir(folder.path())
            .env("NO_COLOR", "1")
            .output()?;
        let told = String::from_utf8_lossy(&output.stdout);
        let Ok(report) = read(&folder.path().join("report.json")) else {
            return Err(format!("{told}{}", String::from_utf8_lossy(&output.stderr)).into());
        };
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Err(format!("the broker on port {port} is left behind").into());
        }
        compare(&findings.fails, &serde_json::from_str(&report)?, &told)?;
        Ok(Completion::Completed)
    }

    /// The shipped profile, on other ports and with data elsewhere, so that runs do not meet.
    fn profile(&self, port: u16, data: &Path) -> Result<String, Failed> {
        let root = root().canonicalize()?;
        let mut text = read(&root.join(format!("profiles/{}.yaml", self.name)))?;
        for offset in 0..PORTS {
            text = text.replace(&(self.port + offset).to_string(), &(port + offset).to_string());
        }
        let text = text.replace("../harness/", &format!("{}/harness/", root.display()));
        Ok(text.replace("../target/brokers/", &format!("{}/", data.display())))
    }
}

/// The first of several ports in a row that were free a moment ago.
fn free_ports() -> Result<u16, Failed> {
    for _ in 0..100 {
        let first = TcpListener::bind("127.0.0.1:0")?;
        let port = first.local_addr()?.port();
        let Some(last) = port.checked_add(PORTS) else { continue };
        if (port + 1..last).all(|next| TcpListener::bind(("127.0.0.1", next)).is_ok()) {
            return Ok(port);
        }
    }
    Err("there are no five free ports in a row".into())
}

/// Holds a report against the findings.
fn compare(found: &BTreeSet<String>, report: &Value, told: &str) -> Result<(), Failed> {
    let cases = report.get("cases").and_then(Value::as_array).ok_or("a report has cases")?;
    let of = |verdict: &str| -> BTreeSet<String> {
        let those = cases.iter().filter(|case| case.get("verdict").and_then(Value::as_str) == Some(verdict));
        those.filter_map(|case| case.get("address")?.as_str().map(str::to_owned)).collect()
    };
    if of("pass").is_empty() {
        return Err(format!("nothing passes\n{told}").into());
    }
    let (failed, undecided) = (of("fail"), of("inconclusive"));
    let ran: BTreeSet<String> = of("pass").union(&failed).cloned().collect();
    let news: Vec<String> = failed
        .difference(found)
        .map(|address| format!("{address} fails, and docs/findings does not say so"))
        .chain(found.difference(&failed).map(|address| {
            let what = if ran.contains(address) { "passes" } else { "was not judged" };
            format!("{address} {what}, and docs/findings says that it fails")
        }))
        .chain(undecided.iter().map(|address| format!("{address} is inconclusive")))
        .collect();
    if news.is_empty() { Ok(()) } else { Err(format!("{}\n\n{told}", news.join("\n")).into()) }
}

/// Each finding names a scenario that exists, and docs/FINDINGS.md tells of it.
fn findings_are_backed() -> Result<(), Failed> {
    let suite = Suite::open(Some(&root().join("scenarios"))).map_err(|_| "the scenarios can be read")?;
    let told = read(&root().join("docs/FINDINGS.md"))?;
    let mut loose = Vec::new();
    for broker in &BROKERS {
        let findings = Findings::of(broker)?;
        if findings.fails.is_empty() {
            loose.push(format!("{}: no findings", broker.name));
        }
        for address in findings.fails {
            let name = address.split('@').next().unwrap_or_default();
            if !suite.files.iter().any(|file| file.name == name) {
                loose.push(format!("{address}: there is no such scenario"));
            }
            let below = name.split_once('/').map_or(name, |(_, below)| below);
            if !told.contains(below) {
                loose.push(format!("{address}: docs/FINDINGS.md does not tell of it"));
            }
        }
    }
    if loose.is_empty() { Ok(()) } else { Err(loose.join("\n").into()) }
}

/// The comparison convicts a report that differs in any way, and acquits one that does not.
fn differences_are_told() -> Result<(), Failed> {
    let report = |verdict: &str| {
        serde_json::json!({ "cases": [
            { "address": "mqtt/good@mqtt-5.0", "verdict": "pass" },
            { "address": "mqtt/bad@mqtt-5.0", "verdict": verdict },
        ] })
    };
    let bad = BTreeSet::from([String::from("mqtt/bad@mqtt-5.0")]);
    compare(&bad, &report("fail"), "")?;
    compare(&BTreeSet::new(), &report("skipped"), "")?;
    for (found, verdict, what) in [
        (&BTreeSet::new(), "fail", "mqtt/bad@mqtt-5.0 fails, and docs/findings does not say so"),
        (&bad, "pass", "mqtt/bad@mqtt-5.0 passes, and docs/findings says that it fails"),
        (&bad, "skipped", "mqtt/bad@mqtt-5.0 was not judged"),
        (&BTreeSet::new(), "inconclusive", "mqtt/bad@mqtt-5.0 is inconclusive"),
    ] {
        match compare(found, &report(verdict), "") {
            Err(told) if told.message().is_some_and(|message| message.starts_with(what)) => {}
            other => return Err(format!("{verdict}: {other:?} instead of {what}").into()),
        }
    }
    Ok(())
}
