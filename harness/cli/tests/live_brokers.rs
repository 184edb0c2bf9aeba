//! The scenarios against real brokers that the shipped profiles start: exactly those fail that docs/findings/ lists.
//! So a new false accusation is noticed, and a finding that has gone.
//!
//! Where a broker is not installed, or another version than the findings are about, its test is ignored and says so.

mod ports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpStream;
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

    /// What differs from them in these verdicts, in words, by address.
    fn compare(&self, verdicts: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let difference = |address: &String, verdict: Option<&str>| {
            let what = match (verdict, self.fails.contains(address)) {
                (Some("fail"), true) | (Some("pass" | "skipped") | None, false) => return None,
                (Some("fail"), false) => "fails, and docs/findings does not say so",
                (Some("pass"), true) => "passes, and docs/findings says that it fails",
                (Some("inconclusive"), _) => "is inconclusive",
                (_, _) => "was not judged, and docs/findings says that it fails",
            };
            Some((address.clone(), format!("{address} {what}")))
        };
        let addresses: BTreeSet<&String> = verdicts.keys().chain(&self.fails).collect();
        let told = |address| difference(address, verdicts.get(address).map(String::as_str));
        addresses.into_iter().filter_map(told).collect()
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
        let (verdicts, mut told) = self.run(&[&findings.select])?;
        if !verdicts.values().any(|verdict| verdict == "pass") {
            return Err(format!("nothing passes\n{told}").into());
        }
        let mut news = findings.compare(&verdicts);
        if !news.is_empty() {
            // On a busy machine an answer may come too late once: what differs is tried again, one at a time.
            let names: BTreeSet<&str> = news.keys().map(|address| name(address)).collect();
            let alone: Vec<&str> = names.into_iter().chain(["--jobs", "1"]).collect();
            let (verdicts, told_again) = self.run(&alone)?;
            told.push_str(&told_again);
            let stands = findings.compare(&verdicts);
            news.retain(|address, _| stands.contains_key(address));
        }
        if news.is_empty() {
            return Ok(Completion::Completed);
        }
        let news: Vec<String> = news.into_values().collect();
        Err(format!("{}\n\n{told}", news.join("\n")).into())
    }

    /// A run: the verdict of each case by address, and what was printed.
    fn run(&self, arguments: &[&str]) -> Result<(BTreeMap<String, String>, String), Failed> {
        let port = ports::free(PORTS);
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("broker.yaml"), self.profile(port, folder.path())?)?;
        let output = Command::new(env!("CARGO_BIN_EXE_mqspec"))
            .arg("test")
            .args(arguments)
            .args(["--broker", "broker.yaml", "--quiet", "--report", "json=report.json"])
            .current_dir(folder.path())
            .env("NO_COLOR", "1")
            .output()?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let Ok(report) = read(&folder.path().join("report.json")) else {
            return Err(format!("{told}{}", String::from_utf8_lossy(&output.stderr)).into());
        };
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Err(format!("the broker on port {port} is left behind").into());
        }
        Ok((verdicts(&serde_json::from_str(&report)?)?, told))
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

/// The name of a scenario, without the version.
fn name(address: &str) -> &str {
    address.split('@').next().unwrap_or_default()
}

/// A report's verdicts, by address.
fn verdicts(report: &Value) -> Result<BTreeMap<String, String>, Failed> {
    let cases = report.get("cases").and_then(Value::as_array).ok_or("a report has cases")?;
    let word = |case: &Value, key: &str| case.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(cases.iter().filter_map(|case| Some((word(case, "address")?, word(case, "verdict")?))).collect())
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
            let name = name(&address);
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
    let compare = |bad_is_known: bool, verdict: &str| {
        let fails = bad_is_known.then(|| String::from("mqtt/bad@mqtt-5.0")).into_iter().collect();
        let findings = Findings { version: String::new(), select: String::new(), fails };
        let report = serde_json::json!({ "cases": [
            { "address": "mqtt/good@mqtt-5.0", "verdict": "pass" },
            { "address": "mqtt/bad@mqtt-5.0", "verdict": verdict },
        ] });
        verdicts(&report).map(|verdicts| findings.compare(&verdicts).into_values().collect::<Vec<_>>())
    };
    for (bad_is_known, verdict, what) in [
        (true, "fail", None),
        (false, "skipped", None),
        (false, "fail", Some("fails, and docs/findings does not say so")),
        (true, "pass", Some("passes, and docs/findings says that it fails")),
        (true, "skipped", Some("was not judged, and docs/findings says that it fails")),
        (true, "inconclusive", Some("is inconclusive")),
        (false, "inconclusive", Some("is inconclusive")),
    ] {
        let told = compare(bad_is_known, verdict)?;
        let expected: Vec<_> = what.into_iter().map(|what| format!("mqtt/bad@mqtt-5.0 {what}")).collect();
        if told != expected {
            return Err(format!("{verdict}: {told:?} instead of {expected:?}").into());
        }
    }
    Ok(())
}
