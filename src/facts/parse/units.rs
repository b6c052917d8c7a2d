//! What systemd says of units.

use std::collections::BTreeMap;

use crate::facts::UnitFacts;

/// Splits the answer of one `systemctl show --timestamp=unix` into units, in the order in which they were asked for. The
/// order counts and not `Id`, since an alias answers under another name.
pub(crate) fn units(text: &str, asked: &[&str]) -> Result<BTreeMap<String, Result<UnitFacts, String>>, String> {
    let blocks: Vec<&str> = text.trim_end().split("\n\n").collect();
    if blocks.len() != asked.len() {
        return Err(format!(
            "units: {} were asked for, {} answered",
            asked.len(),
            blocks.len()
        ));
    }
    let named = asked
        .iter()
        .zip(blocks)
        .map(|(name, block)| ((*name).to_owned(), unit(block)));
    Ok(named.collect())
}

fn unit(block: &str) -> Result<UnitFacts, String> {
    let mut fields = BTreeMap::new();
    for line in block.lines() {
        // Of several ExecReload lines the last counts: systemd stops at the first that fails.
        if let Some((key, value)) = line.split_once('=') {
            fields.insert(key, value);
        }
    }
    let field = |key: &str| {
        fields
            .get(key)
            .copied()
            .ok_or_else(|| format!("units: systemctl named no {key}"))
    };
    let active = field("ActiveState")?;
    let running = matches!(active, "active" | "reloading");
    Ok(UnitFacts {
        load: field("LoadState")?.to_owned(),
        active: active.to_owned(),
        sub: field("SubState")?.to_owned(),
        enabled: field("UnitFileState")?.to_owned(),
        started: if running { started(&fields)? } else { 0 },
        restarts: match fields.get("NRestarts") {
            Some(count) => count.parse().map_err(|_| format!("units: NRestarts is {count:?}"))?,
            // Only services count them.
            None => 0,
        },
        fragment: field("FragmentPath")?.to_owned(),
        drop_ins: field("DropInPaths")?.split_whitespace().map(str::to_owned).collect(),
        runs: runs(block),
    })
}

/// The `argv[]` of every ExecStart line.
fn runs(block: &str) -> Vec<String> {
    let commands = block.lines().filter_map(|line| line.strip_prefix("ExecStart="));
    commands
        .map(|command| {
            let part = command.split(" ; ").find_map(|part| part.strip_prefix("argv[]="));
            part.unwrap_or(command).to_owned()
        })
        .collect()
}

/// Since when a unit works with what it read then: the start of its main process, or the last reload that succeeded.
///
/// systemd forgets the reload's own time stamps with every `daemon-reload`, but not the time of the last change of state,
/// which a reload moves too. So that one stands in where nothing is known against it.
fn started(fields: &BTreeMap<&str, &str>) -> Result<i64, String> {
    let time = |key: &str| fields.get(key).map_or(Ok(0), |value| timestamp(value));
    // A oneshot's process is over; the unit counts from when it became active.
    let one_shot = fields.get("Type") == Some(&"oneshot");
    let start = time("ExecMainStartTimestamp")?;
    let start = if one_shot || start == 0 {
        start.max(time("ActiveEnterTimestamp")?)
    } else {
        start
    };
    let Some(reload) = fields.get("ExecReload") else {
        return Ok(start);
    };
    let part = |key: &str| {
        reload
            .split(" ; ")
            .find_map(|part| part.trim_matches(['{', ' ', '}']).strip_prefix(key))
    };
    let at = timestamp(part("start_time=").unwrap_or("[n/a]").trim_matches(['[', ']']))?;
    let reloaded = match (at, part("code="), part("status=")) {
        (0, _, _) => time("StateChangeTimestamp")?,
        (at, Some("exited"), Some(status)) if status == "0" || status.starts_with("0/") => at,
        _ => 0,
    };
    Ok(start.max(reloaded))
}

/// `@seconds`; empty or `n/a` for never.
fn timestamp(text: &str) -> Result<i64, String> {
    match text {
        "" | "n/a" => Ok(0),
        _ => text
            .strip_prefix('@')
            .and_then(|seconds| seconds.parse().ok())
            .ok_or_else(|| format!("units: {text:?} is no time; systemd 247 or later is needed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHOW: &str = include_str!("../../../tests/fixtures/facts/systemctl-show");

    #[test]
    fn units_answer_in_order() {
        let asked = [
            "nginx.service",
            "ssh.service",
            "nosuch.service",
            "cron.service",
            "systemd-sysctl.service",
        ];
        let all = units(SHOW, &asked).unwrap();
        let of = |name: &str| all[name].clone().unwrap();
        assert_eq!(of("nginx.service").active, "active");
        assert!(of("ssh.service").started > 1_700_000_000);
        assert_eq!(
            (of("nosuch.service").load.as_str(), of("nosuch.service").started),
            ("not-found", 0)
        );
        assert_eq!(
            (of("cron.service").load.as_str(), of("cron.service").active.as_str()),
            ("masked", "active")
        );
        assert_eq!(of("systemd-sysctl.service").sub, "exited");
        assert!(of("systemd-sysctl.service").started > 0);
        assert!(units(SHOW, &asked[..2]).is_err());
    }

    #[test]
    fn a_unit_tells_its_files_and_what_it_runs() {
        let seen = unit(include_str!("../../../tests/fixtures/facts/systemctl-show-drop-ins")).unwrap();
        assert_eq!(seen.fragment, "/lib/systemd/system/coturn.service");
        let drop_ins = ["anteroom", "zz"].map(|name| format!("/etc/systemd/system/coturn.service.d/{name}.conf"));
        assert_eq!(seen.drop_ins, drop_ins);
        assert_eq!(seen.runs, ["/usr/bin/turnserver -c /etc/turnserver.conf --pidfile="]);
    }

    fn reloaded(reload: &str) -> i64 {
        let block = format!(
            "Type=forking\nNRestarts=2\nExecMainStartTimestamp=@100\nExecReload={reload}\nLoadState=loaded\n\
             ActiveState=active\nSubState=running\nUnitFileState=enabled\nStateChangeTimestamp=@200\nFragmentPath=/x\n\
             DropInPaths=\n"
        );
        unit(&block).unwrap().started
    }

    #[test]
    fn a_reload_counts_as_a_start_when_it_succeeded() {
        let exec = |time: &str, code: &str, status: &str| {
            format!(
                "{{ path=/x ; argv[]=/x -s reload ; ignore_errors=no ; start_time=[{time}] ; stop_time=[{time}] ; \
                pid=8 ; code={code} ; status={status} }}"
            )
        };
        assert_eq!(reloaded(&exec("@150", "exited", "0")), 150);
        assert_eq!(reloaded(&exec("@150", "exited", "1")), 100);
        assert_eq!(reloaded(&exec("@150", "killed", "9")), 100);
        // Forgotten by a daemon-reload.
        assert_eq!(reloaded(&exec("n/a", "(null)", "0/0")), 200);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            text in "((ActiveState=active|LoadState=|NRestarts=|ExecStart=|ExecReload=\\{ |start_time=\\[|; |@[0-9]{1,20})?(.|\n)){0,60}",
        ) {
            let known = include_str!("../../../tests/fixtures/facts/systemctl-show-drop-ins");
            let _ = (unit(&format!("{known}\n{text}")), units(&text, &["a.service", "b.service"]));
        }
    }
}
