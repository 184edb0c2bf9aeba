//! Where scenario files come from: a folder, the ones built into the program, or single files.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use mqspec_conformance::plan::Plan;

use crate::failure::Failure;
use crate::text;

/// The scenarios of the source tree at the time of the build: path below `scenarios/`, text.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

/// The folder that is looked for where the user says nothing.
const DEFAULT_FOLDER: &str = "scenarios";

/// The files that selectors choose from.
#[derive(Debug)]
pub struct Suite {
    /// Sorted by path.
    pub files: Vec<ScenarioFile>,
    /// The folder they come from, as the user wrote it.
    pub folder: PathBuf,
}

/// A scenario file that has been read, but not understood yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioFile {
    /// Path below the suite's folder without its ending: `mqtt/qos-2/pubrel-resent`.
    pub name: String,
    /// Path as to be shown, and to be pasted into a command: `scenarios/mqtt/qos-2/pubrel-resent.yaml`.
    pub path: String,
    /// The YAML.
    pub text: Cow<'static, str>,
}

/// One version of one scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The file's [`ScenarioFile::name`].
    pub name: String,
    /// The file's [`ScenarioFile::path`].
    pub path: String,
    /// What to run.
    pub plan: Plan,
}

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
enum SuiteError {
    #[error("cannot read `{path}`: {why}")]
    Unreadable { path: String, why: std::io::Error },
    #[error("`{0}` is a file")]
    #[diagnostic(help("--scenarios takes a folder; one file is run with `mqspec test FILE`"))]
    NoFolder(String),
    #[error("there is no scenario below `{0}`")]
    #[diagnostic(help(
        "scenarios are files that end in `.yaml`; docs/SCENARIOS.md says what stands in them"
    ))]
    Empty(String),
}

impl Suite {
    /// Reads every scenario of a folder. Without one: of `./scenarios`, else those built in.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`]: a folder that cannot be read, or that holds no scenario.
    pub fn open(folder: Option<&Path>) -> Result<Self, Failure> {
        if let Some(folder) = folder {
            return Self::read(folder);
        }
        let default = Path::new(DEFAULT_FOLDER);
        if default.is_dir() { Self::read(default) } else { Ok(Self::built_in()) }
    }

    /// The scenarios that were built into the program.
    pub fn built_in() -> Self {
        let file = |(below, text): &(&str, &'static str)| ScenarioFile {
            name: without_ending(below),
            path: format!("{DEFAULT_FOLDER}/{below}"),
            text: Cow::Borrowed(*text),
        };
        Self { files: BUILT_IN.iter().map(file).collect(), folder: PathBuf::from(DEFAULT_FOLDER) }
    }

    fn read(folder: &Path) -> Result<Self, Failure> {
        let mut files = Vec::new();
        if folder.is_file() {
            return Err(Failure::input(SuiteError::NoFolder(folder.display().to_string())));
        }
        collect(folder, folder, &mut Vec::new(), &mut files)?;
        files.sort_by(|left, right| left.name.cmp(&right.name));
        if files.is_empty() {
            return Err(Failure::input(SuiteError::Empty(folder.display().to_string())));
        }
        Ok(Self { files, folder: folder.to_owned() })
    }

    /// The file that a path on the command line means: one of the suite, or any other on disk.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`]: a file that exists and cannot be read.
    pub fn file(&self, path: &Path) -> Result<Option<ScenarioFile>, Failure> {
        let name = self.name_of(&path.to_string_lossy());
        if let Some(known) = self.files.iter().find(|file| file.name == name) {
            return Ok(Some(known.clone()));
        }
        match fs::metadata(path) {
            Ok(found) if found.is_file() => {
                let text = Cow::Owned(read_text(path)?);
                Ok(Some(ScenarioFile { name, path: path.display().to_string(), text }))
            }
            // A link that leads nowhere, or round in a circle.
            Err(why) if path.is_symlink() => {
                Err(Failure::input(SuiteError::Unreadable { path: path.display().to_string(), why }))
            }
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// The files below a folder on disk that is not the suite's, named like single files from there; none where
    /// there is no such folder. All of the disk (`/`) is nobody's folder of scenarios.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`]: the folder or a file in it cannot be read, or it holds no scenario.
    pub fn folder_elsewhere(&self, path: &Path) -> Result<Option<Vec<ScenarioFile>>, Failure> {
        if !path.is_dir() || path.parent().is_none() {
            return Ok(None);
        }
        let mut files = Self::read(path)?.files;
        for file in &mut files {
            file.name = self.name_of(&file.path);
        }
        Ok(Some(files))
    }

    /// Whether a path means the whole suite: its folder, however that is written.
    pub fn is_folder(&self, path: &str) -> bool {
        let plain = |path: &str| path.trim_start_matches("./").trim_end_matches('/').to_owned();
        let path = plain(path);
        [".", "", DEFAULT_FOLDER].contains(&path.as_str()) || path == plain(&self.folder.to_string_lossy())
    }

    /// A path as a user writes it, as a name below the suite's folder: `./scenarios/mqtt/qos-2/` is
    /// `mqtt/qos-2`, `scenarios/mqtt/qos-2/x.yaml` is `mqtt/qos-2/x`.
    pub fn name_of(&self, path: &str) -> String {
        let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
        let folder = self.folder.to_string_lossy();
        let folder = folder.strip_prefix("./").unwrap_or(&folder).trim_end_matches('/');
        let below = [folder, DEFAULT_FOLDER]
            .iter()
            .find_map(|folder| path.strip_prefix(folder)?.strip_prefix('/'))
            .unwrap_or(path);
        without_ending(below)
    }
}

fn without_ending(path: &str) -> String {
    path.strip_suffix(".yaml").unwrap_or(path).to_owned()
}

/// Reads a folder and those in it. `above` are the real places of the folders that it stands in: a link back to
/// one of them is not followed.
fn collect(
    root: &Path,
    folder: &Path,
    above: &mut Vec<PathBuf>,
    files: &mut Vec<ScenarioFile>,
) -> Result<(), Failure> {
    let unreadable = |why| Failure::input(SuiteError::Unreadable { path: folder.display().to_string(), why });
    let real = fs::canonicalize(folder).map_err(unreadable)?;
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            collect(root, &path, above, files)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            let below = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push(ScenarioFile {
                name: without_ending(&below),
                path: path.display().to_string(),
                text: Cow::Owned(read_text(&path)?),
            });
        }
    }
    above.pop();
    Ok(())
}

fn read_text(path: &Path) -> Result<String, Failure> {
    text::read(path)
        .map_err(|why| Failure::input(SuiteError::Unreadable { path: path.display().to_string(), why }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(folder: &str) -> Suite {
        let file = |name: &str| ScenarioFile {
            name: name.to_owned(),
            path: format!("{folder}/{name}.yaml"),
            text: Cow::Borrowed("title: x"),
        };
        Suite { files: vec![file("mqtt/connect/a"), file("mqtt/qos-2/b")], folder: PathBuf::from(folder) }
    }

    #[test]
    fn every_way_to_write_a_path_is_the_same_name() {
        let suite = suite("./scenarios");
        for path in [
            "mqtt/qos-2/b",
            "mqtt/qos-2/b.yaml",
            "scenarios/mqtt/qos-2/b.yaml",
            "./scenarios/mqtt/qos-2/b.yaml",
        ] {
            assert_eq!(suite.name_of(path), "mqtt/qos-2/b", "{path}");
        }
        assert_eq!(suite.name_of("scenarios/mqtt/"), "mqtt");
    }

    #[test]
    fn a_path_below_another_folder_is_a_name_too() {
        assert_eq!(suite("/elsewhere/own").name_of("/elsewhere/own/mqtt/connect/a.yaml"), "mqtt/connect/a");
    }

    #[test]
    fn a_file_of_the_suite_is_found_by_its_path() {
        let suite = suite("scenarios");
        let found = suite.file(Path::new("scenarios/mqtt/qos-2/b.yaml")).expect("nothing is read from disk");
        assert_eq!(found.map(|file| file.name), Some(String::from("mqtt/qos-2/b")));
        assert!(suite.file(Path::new("mqtt/qos-2/c")).expect("there is no such file").is_none());
    }

    #[test]
    fn a_folder_without_scenarios_is_bad_input() {
        let empty = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report");
        assert!(matches!(Suite::open(Some(&empty)), Err(Failure::Input(_))));
        assert!(matches!(Suite::open(Some(Path::new("/no/such/folder"))), Err(Failure::Input(_))));
    }

    #[test]
    fn a_link_back_to_a_folder_above_is_not_followed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let below = folder.path().join("a");
        fs::create_dir(&below).expect("it can be made");
        fs::write(below.join("x.yaml"), "title: x").expect("it can be written");
        std::os::unix::fs::symlink(folder.path(), below.join("back")).expect("it can be linked");
        let suite = Suite::open(Some(folder.path())).expect("there is a scenario");
        assert_eq!(suite.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["a/x"]);
    }

    #[test]
    fn a_folder_elsewhere_is_named_as_it_was_given() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("x.yaml"), "title: x").expect("it can be written");
        let files = suite("scenarios").folder_elsewhere(folder.path()).expect("it can be read");
        let names: Vec<String> = files.into_iter().flatten().map(|file| file.name).collect();
        assert_eq!(names, [format!("{}/x", folder.path().display())]);
        assert!(suite("scenarios").folder_elsewhere(Path::new("/no/such")).is_ok_and(|none| none.is_none()));
    }
}
