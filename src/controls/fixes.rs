//! Availability of fixes: what waits to be installed, and whether anybody still mends the system.

use crate::catalog::software::systems;
use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::controls::inside::Word;
use crate::controls::inside::days_since;
use crate::controls::inside::each;
use crate::controls::kernel::machines_own;
use crate::facts::FixesSeen;
use crate::facts::HostFacts;
use crate::seen::Seen;

/// Days that a known fix may wait.
const WAIT: i64 = 7;
/// Days that a host may wait to be started anew.
const REBOOT: i64 = 14;
/// Days before its end at which a system's end is told.
const SOON: i64 = 180;

/// availability/fixes-applied.
pub(crate) fn fixes_applied(case: &Case) -> Vec<Verdict> {
    case.hosts.iter().map(|host| fixes(case, host)).collect()
}

fn fixes(case: &Case, host: &HostCase) -> Verdict {
    let expected = "no security fix waits for more than 7 days, and no restart for more than 14";
    let subject = host.subject("fixes");
    let unseen = |why: &str| Verdict::unverified(subject.clone(), expected, why, case.on_host(host, "not seen"));
    let facts = match &host.facts {
        Seen::Unknown(why) => return unseen(why),
        Seen::Known(facts) => facts,
    };
    let seen = match facts.inside.fixes.known() {
        Ok(seen) => seen,
        Err(why) => return unseen(why),
    };
    let names: Vec<String> = seen
        .security
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let told = format!("{} security fixes and {} other upgrades wait", names.len(), seen.others);
    let evidence = case.on_host(host, format!("`apt-get -s upgrade`: {told}; {}", names.join(", ")));
    let mut wrong = Vec::new();
    let known = late(seen, facts, &mut wrong);
    let own = machines_own(case, &facts.system);
    match (known, own) {
        (Err(why) | Ok(Some(why)), Some(own)) => {
            Verdict::not_applicable(subject, expected, &format!("{own}; {why}"), evidence)
        }
        (_, Some(own)) if !wrong.is_empty() => {
            Verdict::not_applicable(subject, expected, &format!("{own}; {}", wrong.join("; ")), evidence)
        }
        (_, None) if !wrong.is_empty() => Verdict::fail(subject, expected, wrong.join("; "), evidence),
        (Err(why) | Ok(Some(why)), None) => Verdict::unverified(subject, expected, &why, evidence),
        (Ok(None), _) => Verdict::pass(subject, expected, told, evidence),
    }
}

/// What waits too long; and why that cannot be told, if so.
fn late(seen: &FixesSeen, facts: &HostFacts, wrong: &mut Vec<String>) -> Result<Option<String>, String> {
    if let Some(since) = seen.reboot {
        let days = days_since(since, facts)?;
        if days > REBOOT {
            wrong.push(format!("the host has waited for {days} days to be started anew"));
        }
    }
    let Some(asked) = seen.asked else {
        return Ok(Some("apt was never asked what there is".to_owned()));
    };
    let age = days_since(asked, facts)?;
    let count = seen.security.len();
    if count > 0 {
        let names: Vec<&str> = seen.security.keys().map(String::as_str).collect();
        let names = names.join(", ");
        match seen.upgraded {
            _ if age > WAIT => wrong.push(format!("{count} fixes have been known for {age} days: {names}")),
            Some(upgraded) if upgraded > asked => {
                wrong.push(format!("the last upgrade left {count} fixes out: {names}"));
            }
            Some(upgraded) if days_since(upgraded, facts)? > WAIT => {
                let days = days_since(upgraded, facts)?;
                wrong.push(format!(
                    "{count} fixes wait, and the last upgrade was {days} days ago: {names}"
                ));
            }
            Some(_) | None => {}
        }
    }
    let stale =
        (age > WAIT).then(|| format!("apt was last asked {age} days ago, so what there is by now is not known"));
    Ok(stale)
}

/// availability/system-supported.
pub(crate) fn system_supported(case: &Case) -> Vec<Verdict> {
    let expected = "its distribution mends the host's release";
    each(case, "system", expected, |_, facts| {
        let os = facts.os.known().map_err(str::to_owned)?;
        let list = systems();
        let found = list.system.iter();
        let mut found = found.filter(|system| system.id == os.id && system.version == os.version);
        let system = found
            .next()
            .ok_or_else(|| format!("{} is not on the list of {}", os.pretty, list.as_of))?;
        let left = (system.until - case.today).get_days();
        let left = i64::from(left);
        let wrong = (left < 0).then(|| {
            let observed = format!("{} has had no fixes since {}", system.name, system.until);
            ("system".to_owned(), observed)
        });
        let soon = if (0..SOON).contains(&left) {
            format!(", which is in {left} days: plan the move to a later release")
        } else {
            String::new()
        };
        Ok(Word {
            wrong: wrong.into_iter().collect(),
            seen: format!("{} is mended until {}{soon}", system.name, system.until),
        })
    })
}
