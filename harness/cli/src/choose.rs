//! From selectors to trials: which files are read, and which of their versions run.

use std::path::Path;

use mqspec_conformance::scenario::{self, Diagnostics};
use mqspec_conformance::statement::Catalogue;

use crate::failure::Failure;
use crate::selector::{Selector, UnknownSelector};
use crate::suite::{ScenarioFile, Suite, Trial};

/// Several scenario files with mistakes, all of them told at once.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{} scenarios cannot be used", .broken.len())]
pub struct BrokenScenarios {
    /// What is wrong, a file each.
    #[related]
    pub broken: Vec<Diagnostics>,
}

/// A protocol that a scenario is not for.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("`{path}` is not for {wanted}")]
#[diagnostic(help("it is for {listed}"))]
struct NotForVersion {
    path: String,
    wanted: String,
    listed: String,
}

/// Every trial of a suite.
///
/// # Errors
///
/// [`Failure::Input`]: a file with mistakes.
pub fn all(suite: &Suite) -> Result<Vec<Trial>, Failure> {
    understand(&suite.files)
}

/// The trials that selectors mean, each once, sorted by address; without a selector, all of them.
///
/// # Errors
///
/// [`Failure::Input`]: a selector that means nothing or that no scenario matches; a file with mistakes among
/// those that had to be read.
pub fn choose(selectors: &[String], suite: &Suite) -> Result<Vec<Trial>, Failure> {
    if selectors.is_empty() {
        return all(suite);
    }
    let mut chosen = Vec::new();
    for text in selectors {
        let trials = match Selector::parse(text, suite, Catalogue::load()) {
            Ok(selector) => matching(&selector, suite)?,
            Err(unknown) => match suite.file(Path::new(text))? {
                Some(elsewhere) => understand(&[elsewhere])?,
                None => match suite.folder_elsewhere(Path::new(text))? {
                    Some(files) => understand(&files)?,
                    None => return Err(Failure::input(unknown)),
                },
            },
        };
        if trials.is_empty() {
            return Err(Failure::input(UnknownSelector {
                selector: text.clone(),
                why: "no scenario is for it or claims it",
                help: Some(String::from(
                    "`mqspec explain` says what a statement is about, `mqspec coverage` how much is claimed",
                )),
            }));
        }
        chosen.extend(trials);
    }
    chosen.sort_by(|left, right| left.plan.address.cmp(&right.plan.address));
    chosen.dedup_by(|left, right| left.plan.address == right.plan.address);
    Ok(chosen)
}

/// The trials of one file, of one version or of each that it lists. The file can be named by its path, or by an
/// address as reports print it, `mqtt/qos-2/pubrel-resent@mqtt-5.0`.
///
/// # Errors
///
/// [`Failure::Input`]: there is no such file, it has mistakes, or it is not for that version.
pub fn of_file(
    path: &Path,
    version: Option<mqspec_wire::Spec>,
    suite: &Suite,
) -> Result<Vec<Trial>, Failure> {
    let mut trials = match suite.file(path)? {
        Some(file) => understand(std::slice::from_ref(&file))?,
        None => of_address(path, suite)?,
    };
    if let Some(version) = version {
        let listed: Vec<&str> = trials.iter().map(|trial| trial.plan.spec.id()).collect();
        let listed = listed.join(", ");
        trials.retain(|trial| trial.plan.spec == version);
        if trials.is_empty() {
            return Err(Failure::input(NotForVersion {
                path: path.display().to_string(),
                wanted: version.to_string(),
                listed,
            }));
        }
    }
    Ok(trials)
}

/// The trial with this address; what is neither that nor a file may have been meant as something else, which the
/// parser of selectors knows.
fn of_address(path: &Path, suite: &Suite) -> Result<Vec<Trial>, Failure> {
    let text = path.to_string_lossy();
    let several = |why| {
        let help = Some(String::from("`replay` runs one scenario; `mqspec test` runs several"));
        Failure::input(UnknownSelector { selector: text.clone().into_owned(), why, help })
    };
    if path.is_dir() {
        return Err(several("this is a folder"));
    }
    let selector = Selector::parse(&text, suite, Catalogue::load()).map_err(Failure::input)?;
    let trials = match &selector {
        Selector::Address(..) => matching(&selector, suite)?,
        Selector::Name(_) | Selector::Version(_) | Selector::Statements(_) => Vec::new(),
    };
    if trials.len() == 1 { Ok(trials) } else { Err(several("this is no scenario file")) }
}

fn matching(selector: &Selector, suite: &Suite) -> Result<Vec<Trial>, Failure> {
    let files: Vec<ScenarioFile> =
        suite.files.iter().filter(|file| selector.may_select(&file.name)).cloned().collect();
    let mut trials = understand(&files)?;
    trials.retain(|trial| selector.selects(trial));
    Ok(trials)
}

/// Reads files and lowers them, or tells every mistake of all of them.
fn understand(files: &[ScenarioFile]) -> Result<Vec<Trial>, Failure> {
    let mut trials = Vec::new();
    let mut broken = Vec::new();
    for file in files {
        match scenario::load(&file.path, &file.text) {
            Ok(plans) => trials.extend(plans.into_iter().map(|mut plan| {
                // The address counts from the suite's folder, whatever that is called.
                plan.address = format!("{}@{}", file.name, plan.spec);
                Trial { name: file.name.clone(), path: file.path.clone(), plan }
            })),
            Err(diagnostics) => broken.push(diagnostics),
        }
    }
    trials.sort_by(|left, right| left.plan.address.cmp(&right.plan.address));
    match (broken.pop(), broken.is_empty()) {
        (None, _) => Ok(trials),
        // One file's mistakes need no headline above them.
        (Some(only), true) => Err(Failure::input(only)),
        (Some(last), false) => {
            broken.push(last);
            Err(Failure::input(BrokenScenarios { broken }))
        }
    }
}
