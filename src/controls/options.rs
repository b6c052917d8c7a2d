//! Integrity: the options that the bridge and the focus run with, whatever the file on the disk says.

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::controls::inside::Word;
use crate::controls::inside::each;
use crate::facts::HostFacts;
use crate::facts::Options;
use crate::render::BRIDGE_PATH;
use crate::render::FOCUS_PATH;
use crate::seen::Seen;

/// integrity/bridge-options.
pub(crate) fn bridge_options(case: &Case) -> Vec<Verdict> {
    each(case, "bridge", EXPECTED, |host, facts: &HostFacts| {
        judge(host, &facts.inside.bridge, "bridge", BRIDGE_PATH)
    })
}

/// integrity/focus-options.
pub(crate) fn focus_options(case: &Case) -> Vec<Verdict> {
    each(case, "focus", EXPECTED, |host, facts: &HostFacts| {
        judge(host, &facts.inside.focus, "focus", FOCUS_PATH)
    })
}

const EXPECTED: &str = "the running process has every option as the policy has it, and nothing overrules the file";

fn judge(host: &HostCase, seen: &Seen<Option<Options>>, noun: &str, path: &str) -> Result<Word, String> {
    let Some(seen) = seen.known().map_err(str::to_owned)? else {
        return Err(format!("the {noun} does not run"));
    };
    let mut wrong = Vec::new();
    if !seen.legacy.is_empty() {
        let keys: Vec<&str> = seen.legacy.iter().map(String::as_str).collect();
        wrong.push(format!("old properties overrule the file: {}", keys.join(", ")));
    }
    if !seen.debug.is_empty() {
        let words: Vec<&str> = seen.debug.iter().map(String::as_str).collect();
        wrong.push(format!("a debugger or manager may attach: {}", words.join(", ")));
    }
    if seen.file.as_deref().is_some_and(|file| file != path) {
        wrong.push(format!("it reads {}", seen.file.as_deref().unwrap_or_default()));
    }
    let rows: Vec<_> = host
        .wanted
        .settings
        .iter()
        .filter(|row| row.path.as_str() == path)
        .collect();
    match &seen.effective {
        Err(why) if wrong.is_empty() => return Err(why.clone()),
        Err(_) => {}
        Ok(_) if rows.is_empty() => return Err(format!("the policy has no row for {path}")),
        Ok(held) => wrong.extend(
            rows.iter()
                .filter(|row| held.get(&row.key) != Some(&row.text()))
                .map(|row| {
                    let held = held.get(&row.key).map_or("not set", String::as_str);
                    // An option may be a secret's place; what is there instead of the slot stays on the host.
                    let held = if row.text().contains("<secret:") {
                        "something else"
                    } else {
                        held
                    };
                    format!("{} is {held} and not {}: {}", row.key, row.text(), row.reason)
                }),
        ),
    }
    let wrong = (!wrong.is_empty()).then(|| (noun.to_owned(), wrong.join("; ")));
    Ok(Word {
        wrong: wrong.into_iter().collect(),
        seen: format!(
            "{} options of the running process, read from its arguments, {path} and what that includes",
            rows.len()
        ),
    })
}
