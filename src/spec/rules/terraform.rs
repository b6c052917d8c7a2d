//! `[machines]` with `kind = "terraform"`: which keys belong to it, and what each may hold.

use std::collections::BTreeMap;

use crate::spec::docket::Refused;
use crate::spec::name::HostName;
use crate::spec::problem::Place;
use crate::spec::problem::Problem;
use crate::spec::raw::RawHost;
use crate::spec::raw::RawSpec;
use crate::spec::raw_machines::RawMachines;
use crate::spec::raw_machines::RawTerraformBinary;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::cloned;
use crate::spec::rules::given;
use crate::spec::rules::hosts;
use crate::spec::rules::optional;
use crate::spec::terraform::Login;
use crate::spec::terraform::Terraform;
use crate::spec::terraform::TerraformBinary;
use crate::spec::terraform::TerraformRun;
use crate::spec::terraform::TerraformSource;
use crate::spec::values::Map;

/// The variable that we hand over ourselves.
const OURS: &str = "anteroom";
/// Parts of a variable's name that say that its value is a secret.
const SECRET_WORDS: &[&str] = &["password", "passphrase", "secret", "token", "private_key", "credential"];

/// Judges the settings.
pub(crate) fn settings(
    machines: &Spot<RawMachines>,
    raw: &RawSpec,
    bench: &mut Bench<'_>,
) -> Result<Terraform, Refused> {
    let source = source(machines, bench);
    let logins = logins(raw, bench);
    Ok(Terraform {
        source: source?,
        logins: logins?,
    })
}

/// Refuses the keys of this kind where the spec has another one.
pub(crate) fn needless(machines: &RawMachines, bench: &mut Bench<'_>) -> Result<(), Refused> {
    let mut outcome = Ok(());
    for (key, place) in given_keys(machines) {
        let message = format!("`machines.{key}` has a meaning only with `kind = \"terraform\"`");
        let problem = Problem::new("spec/not-for-this-kind", place, message);
        outcome = Err(bench.refuse(problem.help(format!("remove `{key}`, or set `kind = \"terraform\"`"))));
    }
    outcome
}

/// The keys of this kind that the spec has.
fn given_keys(raw: &RawMachines) -> Vec<(&'static str, Place)> {
    let texts = [
        ("folder", &raw.folder),
        ("workspace", &raw.workspace),
        ("outputs", &raw.outputs),
    ];
    let texts = texts.map(|(key, spot)| (key, given(spot).map(|spot| spot.place.clone())));
    let vars = ("vars", given(&raw.vars).map(|spot| spot.place.clone()));
    let binary = ("binary", given(&raw.binary).map(|spot| spot.place.clone()));
    let all = texts.into_iter().chain([vars, binary]);
    all.filter_map(|(key, place)| Some((key, place?))).collect()
}

fn source(machines: &Spot<RawMachines>, bench: &mut Bench<'_>) -> Result<TerraformSource, Refused> {
    let raw = &machines.value;
    match (given(&raw.folder), given(&raw.outputs)) {
        (Some(_), Some(outputs)) => {
            let message = "`machines.outputs` and `machines.folder` exclude each other: either a pipeline runs Terraform, \
                           or anteroom does";
            let problem = Problem::new("spec/not-together", outputs.place.clone(), message);
            Err(bench.refuse(
                problem.help("keep `folder` to have anteroom run it, or `outputs` to read what a pipeline left"),
            ))
        }
        (None, Some(outputs)) => {
            let needless = given_keys(raw).into_iter().filter(|(key, _)| *key != "outputs");
            for (key, place) in needless {
                let message =
                    format!("`machines.{key}` has no meaning beside `machines.outputs`: the pipeline runs Terraform");
                let problem = Problem::new("spec/not-together", place, message);
                bench.refuse(problem.help(format!("remove `{key}`, or name a `folder` in place of `outputs`")));
            }
            Ok(TerraformSource::Outputs(bench.files.resolve(&outputs.value)))
        }
        (None, None) => match (&raw.folder, &raw.outputs) {
            (Err(refused), _) | (_, Err(refused)) => Err(*refused),
            _ => {
                let message = "`kind = \"terraform\"` needs `folder` or `outputs`";
                let problem = Problem::new("spec/missing-key", machines.place.clone(), message);
                let help = "add `folder = \"…\"`, the root module that anteroom runs, or `outputs = \"…\"`, the file of a \
                            pipeline's `terraform output -json`";
                Err(bench.refuse(problem.help(help)))
            }
        },
        (Some(folder), None) => run(machines, folder, bench).map(TerraformSource::Run),
    }
}

fn run(machines: &Spot<RawMachines>, folder: &Spot<String>, bench: &mut Bench<'_>) -> Result<TerraformRun, Refused> {
    let raw = &machines.value;
    let workspace = optional(&raw.workspace, |spot| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let help = "write a word of letters, digits, dots, underscores and hyphens, such as \"clinic-east\"";
        bench.plain("machines.workspace", spot, allowed, help)
    });
    let vars = vars(machines, bench);
    let binary = match cloned(&raw.binary)? {
        None | Some(RawTerraformBinary::Terraform) => TerraformBinary::Terraform,
        Some(RawTerraformBinary::Tofu) => TerraformBinary::Tofu,
    };
    Ok(TerraformRun {
        binary,
        folder: bench.files.resolve(&folder.value),
        workspace: workspace?,
        vars: vars?,
    })
}

fn vars(machines: &Spot<RawMachines>, bench: &mut Bench<'_>) -> Result<BTreeMap<String, String>, Refused> {
    let list = machines.value.vars.as_ref().map_err(|refused| *refused)?;
    let empty = Map::new();
    let list = list.as_ref().map_or(&empty, |spot| &spot.value);
    let judged: Vec<Result<(String, String), Refused>> = list
        .iter()
        .map(|(name, spot)| match complaint(name) {
            None => Ok((name.clone(), spot.value.clone())),
            Some((why, help)) => {
                let message = format!("`machines.vars` has {name:?}, {why}");
                // A report shows the line that it is about, and this one may hold a secret.
                let problem = Problem::new("spec/unusable-value", machines.place.clone(), message);
                Err(bench.refuse(problem.help(help)))
            }
        })
        .collect();
    judged.into_iter().collect()
}

/// What is wrong with the name of a variable, and what to do about it.
fn complaint(name: &str) -> Option<(&'static str, &'static str)> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let lower = name.to_lowercase();
    if name == OURS {
        Some((
            "which anteroom sets itself",
            "remove it; the variable holds what the spec says of the deployment",
        ))
    } else if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(plain) {
        Some((
            "which cannot be the name of a variable",
            "write a name of letters, digits, underscores and hyphens, as the root module declares it",
        ))
    } else if SECRET_WORDS.iter().any(|word| lower.contains(word)) {
        Some((
            "which by its name is a secret; a spec holds none",
            "remove it and set TF_VAR_ and the name in the environment of anteroom, or let the root module read it from a \
             store of secrets",
        ))
    } else {
        None
    }
}

/// What the spec says of logins. A host's name that cannot be used is complained of elsewhere.
fn logins(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<BTreeMap<HostName, Login>, Refused> {
    let list = given(&raw.host).map(|spot| spot.value.as_slice()).unwrap_or_default();
    let mut logins = Ok(BTreeMap::new());
    for host in list {
        let told = told_by_terraform(&host.value, bench);
        let login = hosts::login(&host.value, bench);
        let name = host.value.name.as_ref().ok().and_then(|name| name.value.parse().ok());
        match (told.and(login), name, &mut logins) {
            (Err(refused), _, _) => logins = Err(refused),
            (Ok(login), Some(name), Ok(all)) => drop(all.insert(name, login)),
            (Ok(_), _, _) => {}
        }
    }
    logins
}

/// The addresses are outputs; a second one in the spec could only differ.
fn told_by_terraform(raw: &RawHost, bench: &mut Bench<'_>) -> Result<(), Refused> {
    let texts = [
        ("address", &raw.address),
        ("public_address", &raw.public_address),
        ("private_address", &raw.private_address),
    ];
    let mut outcome = Ok(());
    for (key, spot) in texts {
        let Some(spot) = given(spot) else { continue };
        let message = format!("`host.{key}` has no meaning here: Terraform's output `anteroom_hosts` tells it");
        let problem = Problem::new("spec/not-for-this-kind", spot.place.clone(), message);
        outcome = Err(bench.refuse(problem.help(format!("remove `{key}`, or set `kind = \"existing\"`"))));
    }
    outcome
}
