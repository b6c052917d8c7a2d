//! What the commands say about AWS in a build without the cargo feature `aws`.

use std::collections::BTreeSet;
use std::path::Path;

use crate::commands::error::CommandError;
use crate::commands::ui::Ui;
use crate::facts::cloud::CloudCase;
use crate::machines::Absent;
use crate::machines::Machine;
use crate::machines::aws::Consent;
use crate::machines::aws::Leaving;
use crate::machines::aws::Stakes;
use crate::report::plan_json::CloudChange;
use crate::seen::Seen;
use crate::spec::AwsMachines;
use crate::spec::HostName;
use crate::spec::Machines;
use crate::spec::Spec;

/// An account that this build cannot ask: there is none.
pub(crate) enum Cloud {}

impl Cloud {
    pub(crate) fn lines(&self) -> Vec<String> {
        match *self {}
    }

    pub(crate) fn changes(&self) -> Vec<CloudChange> {
        match *self {}
    }

    pub(crate) fn ending(&self) -> Vec<String> {
        match *self {}
    }

    pub(crate) fn new_machines(&self) -> Vec<HostName> {
        match *self {}
    }

    pub(crate) fn machines(&self, _: &Spec) -> (Vec<Machine>, Vec<Absent>) {
        match *self {}
    }

    pub(crate) fn refuse_without_agreement(&self, _: &Spec, _: &Ui) -> Result<(), CommandError> {
        match *self {}
    }

    pub(crate) fn preflight(&mut self, _: &Ui) -> Result<(), CommandError> {
        match *self {}
    }

    pub(crate) fn make(&mut self, _: &Spec, _: &Ui) -> Result<Vec<Machine>, CommandError> {
        match *self {}
    }
}

/// Refuses where machines are in AWS.
pub(crate) fn look(spec: &Spec, _: Leaving, _: &Ui) -> Result<Option<Cloud>, CommandError> {
    match spec.machines {
        Machines::Aws(_) => Err(refused()),
        Machines::Existing | Machines::Lab | Machines::Terraform(_) => Ok(None),
    }
}

/// Refuses.
pub(crate) fn find(_: &Spec, _: &AwsMachines, _: &Ui) -> Result<(Vec<Machine>, Vec<Absent>), CommandError> {
    Err(refused())
}

/// Refuses.
pub(crate) fn to_audit(_: &Spec, _: &AwsMachines, _: &Ui) -> Result<Vec<Machine>, CommandError> {
    Err(refused())
}

/// Nothing was seen.
pub(crate) fn facts(spec: &Spec, _: &Ui) -> Option<Seen<CloudCase>> {
    let of_aws = matches!(spec.machines, Machines::Aws(_));
    of_aws.then(|| Seen::unknown("this build was made without the cargo feature `aws`"))
}

/// As the real one.
pub(crate) struct Destroyed {
    pub(crate) removed: Vec<String>,
    pub(crate) kept: Vec<String>,
    pub(crate) left: Vec<String>,
    pub(crate) record: serde_json::Value,
}

/// Refuses.
pub(crate) fn destroy(
    _: &Spec,
    _: &AwsMachines,
    _: Option<&Path>,
    _: &BTreeSet<String>,
    _: impl FnOnce(&Stakes) -> Result<Consent, CommandError>,
    _: &Ui,
) -> Result<Destroyed, CommandError> {
    Err(refused())
}

/// Refuses.
pub(crate) fn refused() -> CommandError {
    CommandError::refused("this build makes no machines in AWS: it was made without the cargo feature `aws`")
        .hint("build it with `cargo build --release`, which includes it, on a computer with 8 GiB")
}
