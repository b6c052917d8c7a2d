//! What a refusal proves: only one that decides who may enter, and only where the same was granted to whom it is due.

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::access::one;
use crate::controls::doors::words;
use crate::probe::Entry;
use crate::probe::Login;
use crate::probe::Sighting;
use crate::probe::XmppView;
use crate::probe::xmpp::clinician::ClinicianView;
use crate::probe::xmpp::link::Transport;
use crate::seen::Seen;

/// Judges a try to enter by somebody who is to stay outside. A room that is not there, or a server in trouble, has refused
/// nobody.
pub(super) fn kept_out(
    case: &Case,
    tried: &Sighting<Entry>,
    expected: &str,
    outside: impl Fn(&Entry) -> bool,
) -> Vec<Verdict> {
    match tried.known() {
        Ok(Entry::Refused(no)) if no.decides_nothing() => {
            let said = words(no);
            let why = format!("the room was not there, or the server in trouble ({said}), so that nobody was refused");
            vec![Verdict::unverified(&tried.subject, expected, &why, case.sighted(tried))]
        }
        _ => one(case, tried, expected, outside),
    }
}

/// Refused, or dropped without a word and then seen to be outside.
pub(super) fn for_good(entry: &Entry) -> bool {
    matches!(entry, Entry::Refused(_) | Entry::Ignored(_))
}

/// The same, or sent to wait.
pub(super) fn for_now(entry: &Entry) -> bool {
    matches!(entry, Entry::Lobby { .. }) || for_good(entry)
}

/// A refusal proves something only where the same was granted to whom it is due.
pub(super) fn only_if(verdict: Verdict, honest: &Result<(), String>) -> Verdict {
    match honest {
        Err(why) => verdict.doubted(&format!("{why}, so that the refusal of somebody else proves nothing")),
        Ok(()) => verdict,
    }
}

/// Whether somebody honest was let in at this door, and again after the others.
pub(super) fn honest_at(view: &XmppView, transport: Transport) -> Result<(), String> {
    let honest = view.honest.iter().find(|honest| honest.transport == transport);
    let honest = honest.ok_or("there was no honest clinician at this door to compare with")?;
    let_in(&honest.login, "at this door")?;
    match &honest.again {
        Some(again) => let_in(again, "at this door once the forged tokens had been shown"),
        None => Ok(()),
    }
}

fn let_in(login: &Sighting<Login>, place: &str) -> Result<(), String> {
    match &login.result {
        Seen::Known(Login::Admitted { .. }) => Ok(()),
        Seen::Known(Login::Refused(refused) | Login::Unbound(refused)) => Err(format!(
            "an honest clinician was refused {place} too ({})",
            words(refused)
        )),
        Seen::Unknown(why) => Err(format!("no honest clinician was seen to be let in {place} ({why})")),
    }
}

/// Whether the clinician entered the room that others tried to enter.
pub(super) fn entered(seen: &ClinicianView) -> Result<(), String> {
    match &seen.entry.result {
        Seen::Known(Entry::Entered { .. }) => Ok(()),
        Seen::Known(other) => Err(format!(
            "the room's own clinician did not get in either ({})",
            words(other)
        )),
        Seen::Unknown(why) => Err(format!("the room's own clinician was not seen to get in ({why})")),
    }
}
