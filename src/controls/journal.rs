//! Logging: the journal as it is in force, whether it hears of logins, and what logs must not keep.

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::inside::Word;
use crate::controls::inside::each;
use crate::facts::SudoTrail;
use crate::probe::Login;
use crate::probe::XmppView;
use crate::render::JOURNAL_PATH;
use crate::seen::Seen;

/// logging/journal-settings-in-force.
pub(crate) fn journal_settings(case: &Case) -> Vec<Verdict> {
    let expected = "journald reads every setting of the policy as it is, and writes to the disk";
    each(case, "journal", expected, |host, facts| {
        let held = facts.inside.journal.known().map_err(str::to_owned)?;
        let files = facts.inside.journal_files.known().map_err(str::to_owned)?;
        let wanted = host.wanted.settings.iter();
        let wanted: Vec<_> = wanted.filter(|row| row.path.as_str() == JOURNAL_PATH).collect();
        if wanted.is_empty() {
            return Err("the policy has no row for the journal".to_owned());
        }
        let mut wrong: Vec<String> = wanted
            .iter()
            .filter(|row| held.get(&row.key) != Some(&row.text()))
            .map(|row| {
                let held = held.get(&row.key).map_or("not set", String::as_str);
                format!("{} is {held} and not {}: {}", row.key, row.text(), row.reason)
            })
            .collect();
        if files.unwrap_or(0) == 0 {
            wrong.push("the journal has no file on the disk".to_owned());
        }
        let wrong = (!wrong.is_empty()).then(|| ("journal".to_owned(), wrong.join("; ")));
        Ok(Word {
            wrong: wrong.into_iter().collect(),
            seen: format!(
                "{} settings of `systemd-analyze cat-config`, {} files of the journal",
                wanted.len(),
                files.unwrap_or(0)
            ),
        })
    })
}

/// logging/audit-trail. The look itself is the event that must be there.
pub(crate) fn audit_trail(case: &Case) -> Vec<Verdict> {
    let expected =
        "the journal has the login that this look was made with, and sudo's word where it took root's rights";
    each(case, "audit trail", expected, |_, facts| {
        let seen = facts.inside.trail.known().map_err(str::to_owned)?;
        let mut wrong = Vec::new();
        if seen.login.is_none() {
            let observed = "the login that this look was made with is not in the journal".to_owned();
            wrong.push(("logins in the journal".to_owned(), observed));
        }
        if seen.sudo == Some(SudoTrail::Silent) {
            let observed = "that this look took root's rights is not in the journal".to_owned();
            wrong.push(("sudo in the journal".to_owned(), observed));
        }
        let login = seen.login.iter().cloned();
        let sudo = seen.sudo.iter().filter_map(|sudo| match sudo {
            SudoTrail::Told(line) => Some(line.clone()),
            SudoTrail::Silent => None,
        });
        let lines: Vec<String> = login.chain(sudo).collect();
        Ok(Word {
            wrong,
            seen: format!("the journal says: {}", lines.join("; ")),
        })
    })
}

/// leakage/log-hygiene. What was written since the audit began.
pub(crate) fn log_hygiene(case: &Case) -> Vec<Verdict> {
    let expected = "no log keeps the name that the audit's visitors bore, nor a token";
    each(case, "logs", expected, |host, _| {
        let logs = host.after.logs.known().map_err(str::to_owned)?;
        let wrong = logs.iter().filter(|(_, seen)| seen.names + seen.tokens > 0);
        let wrong = wrong.map(|(log, seen)| {
            let observed = format!(
                "{} lines with the name of a visitor, {} with a token, since this audit began",
                seen.names, seen.tokens
            );
            (log.clone(), observed)
        });
        let wrong: Vec<(String, String)> = wrong.collect();
        let lines: u64 = logs.values().map(|seen| seen.lines).sum();
        if wrong.is_empty() {
            visited(case)?;
        }
        if lines == 0 {
            return Err("nothing was written to any log since the audit began".to_owned());
        }
        Ok(Word {
            wrong,
            seen: format!("{lines} lines of {} logs were searched", logs.len()),
        })
    })
}

/// Whether somebody with a name went in at all; without, clean logs prove nothing.
fn visited(case: &Case) -> Result<(), String> {
    match case.outside {
        Seen::Unknown(why) => Err(why.clone()),
        Seen::Known(sightings) if sightings.xmpp.iter().any(went_in) => Ok(()),
        Seen::Known(_) => Err("nobody of ours was let in by XMPP, so that there was no name to write down".to_owned()),
    }
}

/// Whether one of the probe's own was let in at this address: a guest at either door, or a clinician.
fn went_in(view: &XmppView) -> bool {
    let guests = view.doors.iter().map(|door| &door.guest.login);
    let clinician = view.clinician.iter().map(|seen| &seen.login);
    let honest = view.honest.iter().map(|honest| &honest.login);
    let mut logins = guests.chain(clinician).chain(honest);
    logins.any(|login| matches!(login.known(), Ok(Login::Admitted { .. })))
}
