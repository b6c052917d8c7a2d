//! Access: who gets in, as strangers, guests, forgers and a clinician met it, and as admins and the secret files stand.

use std::collections::BTreeSet;

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::controls::doors::each_door;
use crate::controls::doors::each_door_beside;
use crate::controls::doors::each_view;
use crate::controls::doors::words;
use crate::controls::refusals;
use crate::controls::refusals::entered;
use crate::controls::refusals::honest_at;
use crate::controls::refusals::kept_out;
use crate::controls::refusals::only_if;
use crate::facts::PathState;
use crate::facts::SECRETS_FILE;
use crate::facts::UID_0;
use crate::probe::Entry;
use crate::probe::FocusAnswer;
use crate::probe::HostOffer;
use crate::probe::Login;
use crate::probe::Registration;
use crate::probe::Sighting;
use crate::probe::xmpp::link::Transport;
use crate::render::Access;
use crate::render::Entry as TreeEntry;
use crate::render::FileContent;
use crate::seen::Seen;
use crate::spec::Auth;
use crate::spec::RemotePath;

/// access/stranger-refused.
pub(crate) fn stranger_refused(case: &Case) -> Vec<Verdict> {
    let expected = "an anonymous login without a token is refused";
    let tokens_rule = case
        .spec
        .is_some_and(|spec| matches!(spec.security.auth, Auth::Token(_)));
    each_door(case, expected, |door| {
        let mut verdicts = one(case, &door.stranger.anonymous, expected, |login| {
            matches!(login, Login::Refused(_))
        });
        if tokens_rule {
            // Tokens ride on it; any other login would be a way in that no token guards.
            let expected = "no login but ANONYMOUS is offered";
            verdicts.extend(one(case, &door.stranger.mechanisms, expected, |names| {
                names.iter().all(|name| name == "ANONYMOUS")
            }));
        }
        verdicts
    })
}

/// access/registration-not-offered.
pub(crate) fn registration_not_offered(case: &Case) -> Vec<Verdict> {
    let expected = "registration is neither offered nor answered";
    each_door(case, expected, |door| {
        [&door.stranger.registration, &door.stranger.guest_registration]
            .into_iter()
            .flat_map(|asked| one(case, asked, expected, |seen| matches!(seen, Registration::Refused(_))))
            .collect()
    })
}

/// access/service-domain-closed.
pub(crate) fn service_domain_closed(case: &Case) -> Vec<Verdict> {
    let expected = "no login is offered there";
    each_door(case, expected, |door| {
        let seen = &door.stranger.accounts_host;
        // Where nobody told what this host is called, one that is not there shows nothing.
        if let Ok(HostOffer::NotServed { host, .. }) = seen.known()
            && case.spec.is_none()
            && !focus_is_on(case, host)
        {
            let why = format!("{host} is not served here, and nothing tells that the service accounts are on it");
            return vec![Verdict::unverified(&seen.subject, expected, &why, case.sighted(seen))];
        }
        one(case, seen, expected, |offer| match offer {
            HostOffer::Answers { mechanisms } => mechanisms.is_empty(),
            HostOffer::NotServed { .. } => true,
        })
    })
}

/// Whether the server itself says that its focus has an account on this host.
fn focus_is_on(case: &Case, host: &str) -> bool {
    let Seen::Known(sightings) = case.outside else {
        return false;
    };
    let of_host = |jid: &str| {
        let bare = jid.split('/').next().unwrap_or_default();
        bare.split_once('@')
            .is_some_and(|(_, at)| at.eq_ignore_ascii_case(host))
    };
    sightings.xmpp.iter().any(|view| {
        let asked = view.doors.iter().map(|door| &door.guest.focus);
        let asked = asked.chain(view.clinician.iter().map(|seen| &seen.focus));
        let mut told = asked.filter_map(|answer| match answer.known() {
            Ok(FocusAnswer::Ready { focus }) => focus.as_deref(),
            _ => None,
        });
        told.any(of_host)
    })
}

/// access/guest-cannot-create-room.
///
/// The focus opens a room at anybody's request where tokens rule: Prosody then holds guests in the lobby until a host
/// comes. So it is the entry that counts; the focus's readiness alone is no failure.
pub(crate) fn guest_cannot_create_room(case: &Case) -> Vec<Verdict> {
    let expected = "refused, or held in the lobby";
    let mut verdicts = each_door_beside(case, expected, |view, door| {
        // Text that only looks like a token: modules that test for its presence alone would take the guest for a host.
        let [new_room, made_up, asked] = [&door.guest.new_room, &door.guest.made_up_token, &door.guest.before_host]
            .map(|tried| kept_out(case, tried, expected, refusals::for_now));
        let asked = asked
            .into_iter()
            .map(|verdict| verdict.and(case.sighted(&door.guest.focus)));
        let tried = new_room.into_iter().chain(made_up).chain(asked);
        let honest = view.clinician.as_ref().map_or(Ok(()), entered);
        tried.map(|verdict| only_if(verdict, &honest)).collect()
    });
    // With accounts, the focus opens a room once a clinician asked for it, and the guest may come in then.
    if case.spec.is_some_and(|spec| spec.security.auth != Auth::Internal)
        && let Seen::Known(sightings) = case.outside
    {
        for seen in sightings.xmpp.iter().filter_map(|view| view.clinician.as_ref()) {
            let tried = kept_out(case, &seen.guest_before_host, expected, refusals::for_now);
            let honest = entered(seen);
            verdicts.extend(tried.into_iter().map(|verdict| only_if(verdict, &honest)));
        }
    }
    verdicts
}

/// access/brewery-closed.
pub(crate) fn brewery_closed(case: &Case) -> Vec<Verdict> {
    let expected = "the guest is refused";
    each_door(case, expected, |door| {
        kept_out(case, &door.guest.brewery, expected, refusals::for_good)
    })
}

/// access/forged-tokens-refused.
pub(crate) fn forged_tokens_refused(case: &Case) -> Vec<Verdict> {
    let expected = "refused, while an honest token is accepted";
    // Without a spec they are shown only to who has an honest one to show beside them.
    if case.spec.is_none() && !forgeries_were_shown(case) {
        return Vec::new();
    }
    if case.spec.is_some_and(|spec| spec.security.auth == Auth::Internal) {
        let evidence = case.in_spec("security.auth = \"internal\"");
        let why = "this deployment takes no tokens";
        return vec![Verdict::not_applicable("tokens", expected, why, evidence)];
    }
    each_view(case, "forged tokens", expected, |view| {
        if view.forgeries.is_empty() {
            return vec![case.unseen_outside("forged tokens", expected, "none were shown")];
        }
        let mut verdicts = Vec::new();
        for forged in &view.forgeries {
            let honest = honest_at(view, forged.transport);
            verdicts.extend(
                one(case, &forged.login, expected, |login| {
                    matches!(login, Login::Refused(_))
                })
                .into_iter()
                .map(|verdict| only_if(verdict, &honest)),
            );
        }
        for transport in Transport::ALL {
            // One door left out would be one left unlocked.
            if !view.forgeries.iter().any(|forged| forged.transport == transport) {
                let what = format!("forged tokens at /{}", transport.path());
                verdicts.push(case.unseen_outside(&what, expected, "none were shown"));
            }
        }
        if let Some(seen) = &view.clinician
            && let Some(wrong_room) = &seen.wrong_room
        {
            let honest = entered(seen);
            let tried = kept_out(case, wrong_room, expected, refusals::for_good);
            verdicts.extend(tried.into_iter().map(|verdict| only_if(verdict, &honest)));
        }
        verdicts
    })
}

fn forgeries_were_shown(case: &Case) -> bool {
    case.outside
        .known()
        .is_ok_and(|sightings| sightings.xmpp.iter().any(|view| !view.forgeries.is_empty()))
}

/// access/clinician-can-open-room.
pub(crate) fn clinician_can_open_room(case: &Case) -> Vec<Verdict> {
    let expected = "logged in, the focus is ready, and the room is entered";
    each_view(case, "a clinician's visit", expected, |view| {
        let Some(seen) = &view.clinician else {
            return vec![case.unseen_outside("a clinician's visit", expected, "there were no clinician's credentials")];
        };
        let mut verdicts = one(case, &seen.login, expected, |login| {
            matches!(login, Login::Admitted { .. })
        });
        verdicts.extend(one(case, &seen.focus, expected, |answer| {
            matches!(answer, FocusAnswer::Ready { .. })
        }));
        verdicts.extend(one(case, &seen.entry, expected, |entry| {
            matches!(entry, Entry::Entered { .. })
        }));
        verdicts
    })
}

/// One sighting's word.
pub(super) fn one<T: serde::Serialize>(
    case: &Case,
    sighting: &Sighting<T>,
    expected: &str,
    good: impl Fn(&T) -> bool,
) -> Vec<Verdict> {
    let evidence = case.sighted(sighting);
    vec![match &sighting.result {
        Seen::Known(seen) => Verdict::holds(good(seen), &sighting.subject, expected, words(seen), evidence),
        Seen::Unknown(why) => Verdict::unverified(&sighting.subject, expected, why, evidence),
    }]
}

/// access/no-unknown-admins. Keys of root are shown, not judged: nobody wrote down whose they are.
pub(crate) fn no_unknown_admins(case: &Case) -> Vec<Verdict> {
    let expected = "nobody but root, the login of the spec and `[access] admins` can become root";
    let admins = case.spec.map(|spec| &spec.access.admins);
    let mut verdicts = Vec::new();
    for host in case.hosts {
        let seen = match &host.facts {
            Seen::Known(facts) => facts.superusers.known(),
            Seen::Unknown(why) => Err(why.as_str()),
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => {
                let evidence = case.on_host(host, "who may become root was not seen");
                verdicts.push(Verdict::unverified(host.subject("admins"), expected, why, evidence));
                continue;
            }
        };
        let keys = format!("keys of root: {}", seen.root_keys.join("; "));
        let known = |name: &String| *name == seen.login || admins.is_some_and(|admins| admins.contains(name));
        // A second root is nobody's own account, whoever is named so.
        let twin = |ways: &BTreeSet<String>| ways.contains(UID_0);
        let strangers = seen.accounts.iter().filter(|(name, ways)| twin(ways) || !known(name));
        let before = verdicts.len();
        for (name, ways) in strangers {
            let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
            let subject = host.subject(&format!("account {name}"));
            verdicts.push(Verdict::fail(
                subject,
                expected,
                ways.join("; "),
                case.on_host(host, keys.clone()),
            ));
        }
        if verdicts.len() == before {
            let others: Vec<&str> = seen.accounts.keys().map(String::as_str).collect();
            let observed = match others.as_slice() {
                [] => "root alone".to_owned(),
                others => format!("root, {}", others.join(", ")),
            };
            verdicts.push(Verdict::pass(
                host.subject("admins"),
                expected,
                observed,
                case.on_host(host, keys),
            ));
        }
    }
    verdicts
}

/// access/secrets-private.
pub(crate) fn secrets_private(case: &Case) -> Vec<Verdict> {
    let expected = "owner, group and mode as rendered, nothing for others";
    let mut verdicts = Vec::new();
    for host in case.hosts {
        let facts = match &host.facts {
            Seen::Known(facts) => facts,
            Seen::Unknown(why) => {
                let evidence = case.on_host(host, "the host was not seen");
                verdicts.push(Verdict::unverified(
                    host.subject("secret files"),
                    expected,
                    why,
                    evidence,
                ));
                continue;
            }
        };
        for (path, access) in secret_paths(host) {
            let subject = host.subject(path.as_str());
            let evidence = |detail: String| case.on_host(host, detail);
            verdicts.push(match facts.files.get(&path) {
                None => Verdict::unverified(
                    subject,
                    expected,
                    "it was not looked at",
                    evidence("no look".to_owned()),
                ),
                Some(Seen::Unknown(why)) => Verdict::unverified(subject, expected, why, evidence(why.clone())),
                Some(Seen::Known(PathState::File { owner, group, mode, .. })) => {
                    let listed = match facts.access_lists.known() {
                        Ok(lists) => lists.contains(&path),
                        Err(why) => {
                            let evidence = evidence("nobody said whether it has an access list".to_owned());
                            verdicts.push(Verdict::unverified(subject, expected, why, evidence));
                            continue;
                        }
                    };
                    // An access list may let in anybody, whatever owner, group and mode say.
                    let list = if listed { ", and an access list" } else { "" };
                    let observed = format!("{mode:04o} {owner}:{group}{list}");
                    let private = !listed
                        && *owner == access.owner
                        && *group == access.group
                        && mode & !access.mode == 0
                        && mode & (WORLD | GROUP_WRITE) == 0;
                    let evidence = evidence(format!("stat {path}: {observed}"));
                    let expected = format!("{expected}: {:04o} {}:{}", access.mode, access.owner, access.group);
                    Verdict::holds(private, subject, &expected, observed, evidence)
                }
                Some(Seen::Known(other)) => {
                    let observed = match other {
                        PathState::Absent => "there is no such file".to_owned(),
                        PathState::Link { target } => format!("a link to {target}"),
                        _ => "no regular file".to_owned(),
                    };
                    Verdict::fail(subject, expected, observed.clone(), evidence(observed))
                }
            });
        }
    }
    verdicts
}

/// What nobody but owner and group may have of a secret file.
const WORLD: u32 = 0o007;
/// Whoever may write a secret may replace it.
const GROUP_WRITE: u32 = 0o020;

/// The host's own secrets file, every rendered file with a slot or a hidden content, and every key made on the host;
/// each with the widest access that it may have.
pub(crate) fn secret_paths(host: &HostCase) -> Vec<(RemotePath, Access)> {
    let own = SECRETS_FILE.parse().expect("a constant path is valid");
    let root_only = Access {
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: 0o600,
    };
    let rendered = host.wanted.tree.iter().filter_map(|(path, entry)| match entry {
        TreeEntry::File(file) => match &file.content {
            FileContent::Text(text) if !text.contains("<secret:") => None,
            FileContent::Text(_) | FileContent::Hidden(_) => Some((path.clone(), file.access.clone())),
        },
        TreeEntry::Dir(_) | TreeEntry::Link { .. } => None,
    });
    let keys = host
        .wanted
        .certificates
        .iter()
        .map(|certificate| (certificate.key.clone(), certificate.key_access.clone()));
    std::iter::once((own, root_only)).chain(rendered).chain(keys).collect()
}
