//! Runs `terraform` or `tofu` and follows what it prints. Whatever a module is told goes through the environment and a
//! private file, never through arguments, which every user of the computer can read.

use std::collections::VecDeque;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;

use super::error::TerraformError;
use super::error::Trouble;
use super::events;
use super::events::Event;
use super::follow::follow;
use super::given;
use super::given::Protection;
use super::plan;
use super::plan::Intent;
use super::plan::Planned;
use super::plan::PrivateFolder;
use crate::secret::Secret;
use crate::spec::Spec;
use crate::spec::Terraform;
use crate::spec::TerraformRun;

/// Lines that are kept of what a program printed in no format.
const KEPT_LINES: usize = 20;
/// `-detailed-exitcode`: there is something to apply.
const PENDING: i32 = 2;

/// The program, for one deployment.
#[derive(Debug)]
pub struct Tool<'a> {
    run: &'a TerraformRun,
    kept: String,
    lifted: String,
}

/// What a run left.
struct Ended {
    status: ExitStatus,
    planned: Vec<events::Change>,
    drifted: Vec<events::Change>,
    errors: Vec<Trouble>,
    warnings: Vec<Trouble>,
    rest: String,
}

impl<'a> Tool<'a> {
    /// Looks at the root module's folder; starts nothing.
    ///
    /// # Errors
    /// Where there is no module.
    pub fn open(spec: &Spec, settings: &Terraform, run: &'a TerraformRun) -> Result<Self, TerraformError> {
        let wrong = |why| TerraformError::Folder {
            path: run.folder.clone(),
            why,
        };
        let entries = std::fs::read_dir(&run.folder).map_err(|_| wrong("there is no such folder"))?;
        let is_source = |name: String| [".tf", ".tf.json", ".tofu"].iter().any(|ending| name.ends_with(ending));
        if !entries
            .flatten()
            .any(|entry| is_source(entry.file_name().to_string_lossy().into_owned()))
        {
            return Err(wrong("it holds no .tf file"));
        }
        Ok(Self {
            run,
            kept: given::variable(spec, settings, Protection::Kept),
            lifted: given::variable(spec, settings, Protection::Lifted),
        })
    }

    /// The program and its root module, for messages.
    pub fn describe(&self) -> String {
        format!("{} in {}", self.run.binary.program(), self.run.folder.display())
    }

    /// Fetches modules and providers and opens the backend.
    ///
    /// # Errors
    /// Where the program fails.
    pub fn prepare(&self, say: &mut dyn FnMut(&str)) -> Result<(), TerraformError> {
        self.follow(
            "init",
            &["-input=false".to_owned(), "-json".to_owned()],
            Protection::Kept,
            say,
        )
        .and_then(|ended| self.unless_failed("init", ended))
        .map(drop)
    }

    /// Plans, and saves the plan.
    ///
    /// # Errors
    /// Where the program fails.
    pub fn plan(&self, intent: Intent<'_>, say: &mut dyn FnMut(&str)) -> Result<Planned, TerraformError> {
        let folder = PrivateFolder::make()?;
        let mut arguments: Vec<String> = ["-json", "-input=false", "-lock-timeout=60s", "-detailed-exitcode"]
            .map(str::to_owned)
            .into();
        arguments.push(format!("-out={}", folder.path().join("plan").display()));
        let protection = match intent {
            Intent::Build => Protection::Kept,
            Intent::Unlock(targets) => {
                arguments.extend(targets.iter().map(|target| format!("-target={target}")));
                Protection::Lifted
            }
            Intent::Remove => {
                arguments.push("-destroy".to_owned());
                Protection::Lifted
            }
        };
        let ended = self.follow("plan", &arguments, protection, say)?;
        let pending = ended.status.code() == Some(PENDING);
        let ended = if pending {
            ended
        } else {
            self.unless_failed("plan", ended)?
        };
        Ok(Planned {
            changes: ended.planned,
            drift: ended.drifted,
            warnings: ended.warnings.iter().map(ToString::to_string).collect(),
            pending,
            folder,
        })
    }

    /// Carries a saved plan out.
    ///
    /// # Errors
    /// Where the program fails; what it did until then is in its state.
    pub fn carry_out(&self, planned: &Planned, say: &mut dyn FnMut(&str)) -> Result<(), TerraformError> {
        let mut arguments: Vec<String> = ["-json", "-input=false", "-lock-timeout=60s"].map(str::to_owned).into();
        arguments.push(planned.file().display().to_string());
        // A saved plan carries its own variables.
        let ended = self.follow("apply", &arguments, Protection::Kept, say)?;
        self.unless_failed("apply", ended).map(drop)
    }

    /// The resources that a plan would remove although they are protected against it.
    ///
    /// # Errors
    /// Where the program fails.
    pub fn protected(&self, planned: &Planned) -> Result<Vec<String>, TerraformError> {
        let file = planned.file().display().to_string();
        let text = self.ask("show", &["-json".to_owned(), file])?;
        plan::protected(text.expose()).map_err(|why| TerraformError::Answer {
            command: self.command("show"),
            why,
        })
    }

    /// What `output -json` prints. A root module that was never prepared here is prepared first.
    pub(super) fn outputs(&self, say: &mut dyn FnMut(&str)) -> Result<Secret, TerraformError> {
        let arguments = ["-json".to_owned()];
        match self.ask("output", &arguments) {
            Err(TerraformError::Failed { .. }) => {
                self.prepare(say)?;
                self.ask("output", &arguments)
            }
            other => other,
        }
    }

    /// Every resource that the state still holds.
    ///
    /// # Errors
    /// Where the program fails.
    pub fn left(&self) -> Result<Vec<String>, TerraformError> {
        let text = self.ask("state", &["list".to_owned()])?;
        // What is only read was never made.
        let is_made = |line: &&str| !line.starts_with("data.") && !line.contains(".data.");
        Ok(text.expose().lines().filter(is_made).map(str::to_owned).collect())
    }

    fn command(&self, verb: &str) -> String {
        format!("{} {verb}", self.run.binary.program())
    }

    fn start(&self, verb: &str, arguments: &[String], protection: Protection) -> Command {
        let mut command = Command::new(self.run.binary.program());
        command.arg(verb).args(arguments).current_dir(&self.run.folder);
        command
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("CHECKPOINT_DISABLE", "1");
        command.env("TF_CLI_ARGS", "").env("NO_COLOR", "1");
        command.env(
            "TF_VAR_anteroom",
            match protection {
                Protection::Kept => &self.kept,
                Protection::Lifted => &self.lifted,
            },
        );
        for (name, value) in &self.run.vars {
            command.env(format!("TF_VAR_{name}"), value);
        }
        if let Some(workspace) = &self.run.workspace {
            command.env("TF_WORKSPACE", workspace);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs a verb that prints events.
    fn follow(
        &self,
        verb: &str,
        arguments: &[String],
        protection: Protection,
        say: &mut dyn FnMut(&str),
    ) -> Result<Ended, TerraformError> {
        let failed = |source| TerraformError::Start {
            program: self.run.binary.program(),
            source,
        };
        let mut ended = Ended {
            status: ExitStatus::default(),
            planned: Vec::new(),
            drifted: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            rest: String::new(),
        };
        let mut take = |line: &str| match events::read(line) {
            Some(Event::Planned(change)) => ended.planned.push(change),
            Some(Event::Drifted(change)) => ended.drifted.push(change),
            Some(Event::Doing(text)) => say(&format!("{}: {text}", self.run.binary.program())),
            Some(Event::Error(trouble)) => ended.errors.push(trouble),
            Some(Event::Warning(trouble)) => ended.warnings.push(trouble),
            None => {}
        };
        let mut command = self.start(verb, arguments, protection);
        let (status, stderr) = follow(&mut command, PrivateFolder::make()?, &mut take).map_err(failed)?;
        ended.status = status;
        ended.rest = tail(stderr);
        Ok(ended)
    }

    fn unless_failed(&self, verb: &str, ended: Ended) -> Result<Ended, TerraformError> {
        if ended.status.success() {
            return Ok(ended);
        }
        Err(self.failure(verb, ended.status, ended.errors, ended.rest))
    }

    fn failure(&self, verb: &str, status: ExitStatus, troubles: Vec<Trouble>, said: String) -> TerraformError {
        let rest = if said.trim().is_empty() {
            status.to_string()
        } else {
            said
        };
        TerraformError::Failed {
            command: self.command(verb),
            folder: PathBuf::from(&self.run.folder),
            troubles,
            rest,
        }
    }

    /// Runs a verb that prints one answer, which may hold secrets.
    fn ask(&self, verb: &str, arguments: &[String]) -> Result<Secret, TerraformError> {
        let output = self
            .start(verb, arguments, Protection::Kept)
            .output()
            .map_err(|source| TerraformError::Start {
                program: self.run.binary.program(),
                source,
            })?;
        if output.status.success() {
            return String::from_utf8(output.stdout)
                .map(Secret::new)
                .map_err(|error| TerraformError::Answer {
                    command: self.command(verb),
                    why: error.utf8_error().to_string(),
                });
        }
        let said = tail(output.stderr.as_slice());
        Err(self.failure(verb, output.status, Vec::new(), said))
    }
}

/// The last lines of a stream, read to its end, without the frame that Terraform draws around them.
fn tail(stream: impl Read) -> String {
    let mut kept = VecDeque::new();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        let text = line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '│' | '╷' | '╵'));
        if text.is_empty() {
            continue;
        }
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(text.to_owned());
    }
    Vec::from(kept).join("\n")
}
