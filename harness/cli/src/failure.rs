//! How a command ends: the four exit codes and the errors behind two of them.

use std::process::ExitCode;

use miette::{Diagnostic, Report};

/// How a command that ran to its end ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Every selected statement holds, or the command has no verdict.
    Holds,
    /// A statement is broken.
    Broken,
    /// Nothing is broken, but not everything could be judged.
    Undecided,
}

impl From<Conclusion> for ExitCode {
    fn from(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::Holds => Self::SUCCESS,
            Conclusion::Broken => Self::from(1),
            Conclusion::Undecided => Self::from(3),
        }
    }
}

/// Why a command did not run to its end.
#[derive(Debug)]
pub enum Failure {
    /// What the user gave is wrong: exit code 2.
    Input(Report),
    /// The surroundings failed, by no fault of what was to be judged: exit code 3.
    Environment(Report),
}

impl Failure {
    /// Wrong input, as a diagnostic of its own.
    pub fn input(diagnostic: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self::Input(Report::new(diagnostic))
    }

    /// Failed surroundings, as a diagnostic of its own.
    pub fn environment(diagnostic: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self::Environment(Report::new(diagnostic))
    }

    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) => 2,
            Self::Environment(_) => 3,
        }
    }
}

/// Writing results failed.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Environment(miette::miette!("cannot write the output: {error}"))
    }
}
