//! What can go wrong with Terraform, as fragments that fit "failed to …".

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What Terraform said of one trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The trouble in a line.
    pub summary: String,
    /// More of it; may be empty.
    pub detail: String,
    /// The resource, or the file and line, where it was told.
    pub place: Option<String>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}: ")?;
        }
        formatter.write_str(&self.summary)?;
        if !self.detail.trim().is_empty() {
            write!(formatter, ": {}", self.detail.trim())?;
        }
        Ok(())
    }
}

/// Why Terraform did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// The program is not there, or cannot be started.
    #[error("start `{program}`: {source}")]
    Start {
        /// Its name.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The folder of the root module is none.
    #[error("use {} as a Terraform root module: {why}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The folder for a saved plan could not be made.
    #[error("make the private folder {}: {source}", path.display())]
    Private {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The program ended with an error.
    #[error("run `{command}` in {}: {}", folder.display(), said(.troubles, .rest))]
    Failed {
        /// The program and its verb.
        command: String,
        /// Where.
        folder: PathBuf,
        /// What it said was wrong.
        troubles: Vec<Trouble>,
        /// What it printed last, where it did not say it in its own format.
        rest: String,
    },
    /// The program answered with something that is not its format.
    #[error("understand what `{command}` printed: {why}")]
    Answer {
        /// The program and its verb.
        command: String,
        /// What is wrong.
        why: String,
    },
    /// The file of a pipeline's outputs.
    #[error("read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Outputs that do not tell what is needed; every problem at once.
    #[error("take the hosts from the outputs of {of}: {}", list(.problems))]
    Outputs {
        /// The root module or file.
        of: String,
        /// What is wrong with them.
        problems: Vec<String>,
    },
    /// A host that was made and does not answer.
    #[error("reach {address}: nobody answers after {seconds} s")]
    Silent {
        /// `host:port`.
        address: String,
        /// How long was waited.
        seconds: u64,
    },
}

fn said(troubles: &[Trouble], rest: &str) -> String {
    if troubles.is_empty() {
        return rest.trim().to_owned();
    }
    let all: Vec<String> = troubles.iter().map(ToString::to_string).collect();
    list(&all)
}

fn list(problems: &[String]) -> String {
    match problems {
        [one] => one.clone(),
        many => many.iter().map(|problem| format!("\n  - {problem}")).collect(),
    }
}
