//! A room with its host in it: moderators are hosts, the lobby holds guests. And the passwords of the hosts' accounts.

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::access::one;
use crate::controls::doors::each_view;
use crate::controls::doors::words;
use crate::controls::refusals;
use crate::controls::refusals::honest_at;
use crate::controls::refusals::kept_out;
use crate::controls::refusals::only_if;
use crate::probe::Entry;
use crate::probe::Login;
use crate::probe::XmppView;
use crate::probe::xmpp::deeds::Answer;
use crate::probe::xmpp::link::Transport;
use crate::probe::xmpp::live::Live;
use crate::seen::Seen;
use crate::spec::Auth;

/// access/moderators-are-hosts.
pub(crate) fn moderators_are_hosts(case: &Case) -> Vec<Verdict> {
    let expected = "refused, while the host is granted what a host may do";
    each_live(case, "a guest in a host's room", expected, |live| {
        let mut verdicts = one(
            case,
            &live.guest_entry,
            "a guest is no moderator",
            |entry| match entry {
                Entry::Entered { affiliation, role, .. } => {
                    role != "moderator" && affiliation != "owner" && affiliation != "admin"
                }
                _ => true,
            },
        );
        let inside = match &live.guest_entry.result {
            Seen::Known(Entry::Entered { .. }) => Ok(()),
            Seen::Known(other) => Err(format!("no guest got into the host's room ({})", words(other))),
            Seen::Unknown(why) => Err(format!("no guest was seen in the host's room ({why})")),
        };
        if let Err(why) = inside {
            verdicts.push(case.unseen_outside("a guest's tries in a host's room", expected, &why));
            return verdicts;
        }
        if live.attempts.is_empty() {
            verdicts.push(case.unseen_outside("a guest's tries in a host's room", expected, "nothing was tried"));
        }
        let granted = host_is_granted(live);
        for attempt in &live.attempts {
            let tried = one(case, &attempt.answer, expected, |answer| {
                matches!(answer, Answer::Refused(_))
            });
            verdicts.extend(tried.into_iter().map(|verdict| only_if(verdict, &granted)));
        }
        verdicts
    })
}

/// Whether the room grants anything to anybody: a room that refuses its host too proves nothing.
fn host_is_granted(live: &Live) -> Result<(), String> {
    match &live.lobby.switched.result {
        Seen::Known(Answer::Granted) => Ok(()),
        Seen::Known(Answer::Refused(refused)) => Err(format!("the host was refused too ({})", words(refused))),
        Seen::Unknown(why) => Err(format!("the host was not seen to be granted anything ({why})")),
    }
}

/// access/lobby-holds-guests.
pub(crate) fn lobby_holds_guests(case: &Case) -> Vec<Verdict> {
    let expected = "held until the host admits him, whatever he does";
    each_live(case, "the lobby of a host's room", expected, |live| {
        let lobby = &live.lobby;
        let admitted = match &lobby.admitted.result {
            Seen::Known(Entry::Entered { .. }) => Ok(()),
            Seen::Known(other) => Err(format!(
                "a guest whom the host admitted did not get in either ({})",
                words(other)
            )),
            Seen::Unknown(why) => Err(format!("no guest was seen to get in by the host's word ({why})")),
        };
        [&lobby.knock, &lobby.self_invited, &lobby.from_lobby]
            .into_iter()
            .flat_map(|sighting| kept_out(case, sighting, expected, refusals::for_now))
            .map(|verdict| only_if(verdict, &admitted))
            .collect()
    })
}

/// access/wrong-passwords-refused.
pub(crate) fn wrong_passwords_refused(case: &Case) -> Vec<Verdict> {
    let expected = "refused, while the right password is accepted at the same door";
    match case.spec.map(|spec| &spec.security.auth) {
        Some(Auth::Internal) => {}
        Some(Auth::Token(_)) => {
            let evidence = case.in_spec("security.auth = \"token\"");
            let why = "this deployment has no clinicians' accounts";
            return vec![Verdict::not_applicable("accounts", expected, why, evidence)];
        }
        None => return Vec::new(),
    }
    each_view(case, "wrong passwords", expected, |view| {
        let doors = Transport::ALL
            .into_iter()
            .map(|transport| at_door(case, view, transport, expected));
        doors.flatten().collect()
    })
}

fn at_door(case: &Case, view: &XmppView, transport: Transport, expected: &str) -> Vec<Verdict> {
    let guesses: Vec<_> = view
        .guesses
        .iter()
        .filter(|guess| guess.transport == transport)
        .collect();
    if guesses.is_empty() {
        let what = format!("wrong passwords at /{}", transport.path());
        return vec![case.unseen_outside(&what, expected, "none were tried")];
    }
    let honest = honest_at(view, transport);
    let mut verdicts = Vec::new();
    for guess in guesses {
        let tried = one(case, &guess.login, expected, |login| matches!(login, Login::Refused(_)));
        verdicts.extend(tried.into_iter().map(|verdict| only_if(verdict, &honest)));
    }
    verdicts
}

/// Judges the host's room at each address.
fn each_live(case: &Case, what: &str, expected: &str, judge: impl Fn(&Live) -> Vec<Verdict>) -> Vec<Verdict> {
    each_view(case, what, expected, |view| match &view.clinician {
        Some(seen) => judge(&seen.live),
        None => vec![case.unseen_outside(what, expected, "there were no clinician's credentials")],
    })
}
