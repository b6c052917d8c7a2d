//! Integrity, setting by setting: where a host's file differs from the rendered one, which rows of the policy it lost,
//! and why that matters.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::controls::ssh;
use crate::facts::PathState;
use crate::render::Entry;
use crate::render::FileContent;
use crate::render::SettingWanted;
use crate::render::script_settings;
use crate::seen::Seen;
use crate::spec::RemotePath;

/// Most settings that one finding names; the plan's diff shows them all.
const NAMED: usize = 8;

/// integrity/policy-in-force.
pub(crate) fn policy_in_force(case: &Case) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for host in case.hosts {
        let mut files: BTreeMap<&RemotePath, Vec<&SettingWanted>> = BTreeMap::new();
        for setting in &host.wanted.settings {
            files.entry(&setting.path).or_default().push(setting);
        }
        verdicts.extend(files.iter().map(|(path, settings)| file(case, host, path, settings)));
    }
    // A file of somebody else's that is read before ours wins.
    verdicts.extend(ssh::other_settings(case));
    verdicts
}

fn file(case: &Case, host: &HostCase, path: &RemotePath, settings: &[&SettingWanted]) -> Verdict {
    let expected = "every setting of the policy stands in the file";
    let subject = host.subject(path.as_str());
    let unseen = |why: &str| Verdict::unverified(subject.clone(), expected, why, case.on_host(host, "not read"));
    let state = match &host.facts {
        Seen::Unknown(why) => return unseen(why),
        Seen::Known(facts) => match facts.files.get(path) {
            None => return unseen("it was not looked at"),
            Some(Seen::Unknown(why)) => return unseen(why),
            Some(Seen::Known(state)) => state,
        },
    };
    let (held, sha256) = match state {
        PathState::File {
            content: Some(content),
            sha256,
            ..
        } => (content, sha256),
        PathState::File { content: None, .. } => return unseen("it is no text, or longer than 256 KiB"),
        _ => {
            let observed = "there is no such file";
            return Verdict::fail(subject, expected, observed, case.on_host(host, observed));
        }
    };
    let Some(rendered) = rendered(host, path) else {
        return unseen("what it should hold is not known");
    };
    let evidence = case.on_host(host, format!("{path} has sha256 {sha256}, secrets masked"));
    if held == rendered {
        let observed = format!("{} settings, the file as rendered", settings.len());
        return Verdict::pass(subject, expected, observed, evidence);
    }
    let lost: Vec<&SettingWanted> = match lost(rendered, held, settings) {
        Seen::Known(lost) => lost,
        Seen::Unknown(why) => return Verdict::unverified(subject, expected, &why, evidence),
    };
    if lost.is_empty() {
        let why = "every setting is there, but the file holds something else as well, which may overrule them";
        return Verdict::unverified(subject, expected, why, evidence);
    }
    Verdict::fail(subject, expected, told(&lost), evidence)
}

fn rendered<'a>(host: &'a HostCase, path: &RemotePath) -> Option<&'a str> {
    match host.wanted.tree.get(path) {
        Some(Entry::File(file)) => match &file.content {
            FileContent::Text(text) => Some(text),
            FileContent::Hidden(_) => None,
        },
        _ => None,
    }
}

/// The settings whose lines are not in the file, or not as often as they should be.
fn lost<'a>(rendered: &str, held: &str, settings: &[&'a SettingWanted]) -> Seen<Vec<&'a SettingWanted>> {
    if script_settings(rendered).is_some() {
        return lost_of_page(held, settings);
    }
    let (wanted, held) = (lines(rendered), lines(held));
    let count = |lines: &BTreeMap<&str, usize>, line: &str| lines.get(line.trim()).copied().unwrap_or(0);
    let gone = |setting: &&&SettingWanted| {
        let mut lines = setting.lines.iter();
        lines.any(|line| count(&held, line) < count(&wanted, line))
    };
    Seen::Known(settings.iter().filter(gone).copied().collect())
}

fn lost_of_page<'a>(held: &str, settings: &[&'a SettingWanted]) -> Seen<Vec<&'a SettingWanted>> {
    let page = script_settings(held).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(page) = page else {
        return Seen::unknown("it is no plain data any more; what browsers get of it is judged from outside");
    };
    let wrong = |setting: &&&SettingWanted| {
        let pointer = format!("/{}", setting.key.replace('.', "/"));
        page.pointer(&pointer) != Some(&setting.value)
    };
    Seen::Known(settings.iter().filter(wrong).copied().collect())
}

/// How often each line stands in a text, indentation left out.
fn lines(text: &str) -> BTreeMap<&str, usize> {
    let mut lines = BTreeMap::new();
    for line in text.lines() {
        *lines.entry(line.trim()).or_insert(0) += 1;
    }
    lines
}

fn told(lost: &[&SettingWanted]) -> String {
    let mut words: Vec<String> = lost
        .iter()
        .take(NAMED)
        .map(|setting| {
            let place = match setting.section.as_str() {
                "whole" => String::new(),
                section => format!(" ({section})"),
            };
            let reason = setting.reason.trim_end_matches('.');
            format!(
                "{}{place} is not as wanted: {reason} [{}]",
                setting.key,
                setting.citations.join(", ")
            )
        })
        .collect();
    if lost.len() > NAMED {
        words.push(format!("and {} more", lost.len() - NAMED));
    }
    words.join("; ")
}
