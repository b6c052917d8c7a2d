//! Access: who gets in, as strangers, guests, forgers and a clinician met it, and as sshd and the secret files stand.

use std::collections::BTreeSet;

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Status;
use crate::controls::Verdict;
use crate::controls::doors::each_door;
use crate::controls::doors::each_view;
use crate::controls::doors::words;
use crate::controls::drift::from_drift;
use crate::controls::drift::listed;
use crate::facts::PathState;
use crate::facts::SECRETS_FILE;
use crate::facts::UID_0;
use crate::plan::DriftKind;
use crate::probe::Entry;
use crate::probe::FocusAnswer;
use crate::probe::HostOffer;
use crate::probe::Login;
use crate::probe::Registration;
use crate::probe::Sighting;
use crate::probe::XmppView;
use crate::probe::xmpp::clinician::ClinicianView;
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
    each_door(case, expected, |door| {
        one(case, &door.stranger.anonymous, expected, |login| {
            matches!(login, Login::Refused(_))
        })
    })
}

/// access/registration-not-offered.
pub(crate) fn registration_not_offered(case: &Case) -> Vec<Verdict> {
    let expected = "registration is neither offered nor answered";
    each_door(case, expected, |door| {
        one(case, &door.stranger.registration, expected, |seen| {
            matches!(seen, Registration::Refused(_))
        })
    })
}

/// access/service-domain-closed.
pub(crate) fn service_domain_closed(case: &Case) -> Vec<Verdict> {
    let expected = "no login is offered there";
    each_door(case, expected, |door| {
        one(case, &door.stranger.accounts_host, expected, |offer| match offer {
            HostOffer::Answers { mechanisms } => mechanisms.is_empty(),
            HostOffer::NotServed { .. } => true,
        })
    })
}

/// access/guest-cannot-create-room.
///
/// The focus opens a room at anybody's request where tokens rule: Prosody then holds guests in the lobby until a host
/// comes. So it is the entry that counts; the focus's readiness alone is no failure.
pub(crate) fn guest_cannot_create_room(case: &Case) -> Vec<Verdict> {
    let expected = "refused, or held in the lobby";
    let kept_out = |entry: &Entry| matches!(entry, Entry::Lobby { .. }) || kept_out_for_good(entry);
    let mut verdicts = each_door(case, expected, |door| {
        let mut verdicts = one(case, &door.guest.new_room, expected, kept_out);
        // Text that only looks like a token: modules that test for its presence alone would take the guest for a host.
        verdicts.extend(one(case, &door.guest.made_up_token, expected, kept_out));
        let asked = one(case, &door.guest.before_host, expected, kept_out);
        verdicts.extend(
            asked
                .into_iter()
                .map(|verdict| verdict.and(case.sighted(&door.guest.focus))),
        );
        verdicts
    });
    // With accounts, the focus opens a room once a clinician asked for it, and the guest may come in then.
    if case.spec.is_some_and(|spec| spec.security.auth != Auth::Internal)
        && let Seen::Known(sightings) = case.outside
    {
        for seen in sightings.xmpp.iter().filter_map(|view| view.clinician.as_ref()) {
            let tried = one(case, &seen.guest_before_host, expected, kept_out);
            let honest = entered(seen);
            verdicts.extend(tried.into_iter().map(|verdict| only_if(verdict, &honest)));
        }
    }
    verdicts
}

/// Refused, or dropped without a word and then seen to be outside.
pub(super) fn kept_out_for_good(entry: &Entry) -> bool {
    matches!(entry, Entry::Refused(_) | Entry::Ignored(_))
}

/// access/brewery-closed.
pub(crate) fn brewery_closed(case: &Case) -> Vec<Verdict> {
    let expected = "the guest is refused";
    each_door(case, expected, |door| {
        one(case, &door.guest.brewery, expected, kept_out_for_good)
    })
}

/// access/forged-tokens-refused.
pub(crate) fn forged_tokens_refused(case: &Case) -> Vec<Verdict> {
    let expected = "refused, while an honest token is accepted";
    let Some(spec) = case.spec else { return Vec::new() };
    if spec.security.auth == Auth::Internal {
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
            let tried = one(case, wrong_room, expected, kept_out_for_good);
            verdicts.extend(tried.into_iter().map(|verdict| only_if(verdict, &honest)));
        }
        verdicts
    })
}

/// A refusal proves something only where the same was granted to whom it is due.
pub(super) fn only_if(verdict: Verdict, honest: &Result<(), String>) -> Verdict {
    match honest {
        Err(why) if verdict.status() == Status::Pass => {
            verdict.doubted(&format!("{why}, so that the refusal of somebody else proves nothing"))
        }
        _ => verdict,
    }
}

/// Whether somebody honest was let in at this door.
pub(super) fn honest_at(view: &XmppView, transport: Transport) -> Result<(), String> {
    let honest = view.honest.iter().find(|honest| honest.transport == transport);
    match honest.map(|honest| &honest.login.result) {
        Some(Seen::Known(Login::Admitted { .. })) => Ok(()),
        Some(Seen::Known(Login::Refused(refused))) => Err(format!(
            "an honest clinician was refused at this door too ({})",
            words(refused)
        )),
        Some(Seen::Unknown(why)) => Err(format!(
            "no honest clinician was seen to be let in at this door ({why})"
        )),
        None => Err("there was no honest clinician at this door to compare with".to_owned()),
    }
}

/// Whether the clinician entered the room that others tried to enter.
fn entered(seen: &ClinicianView) -> Result<(), String> {
    match &seen.entry.result {
        Seen::Known(Entry::Entered { .. }) => Ok(()),
        Seen::Known(other) => Err(format!(
            "the room's own clinician did not get in either ({})",
            words(other)
        )),
        Seen::Unknown(why) => Err(format!("the room's own clinician was not seen to get in ({why})")),
    }
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

/// access/ssh-keys-only.
pub(crate) fn ssh_keys_only(case: &Case) -> Vec<Verdict> {
    let expected = "`sshd -T` shows every rendered setting in force";
    from_drift(
        case,
        "sshd",
        expected,
        |kind, _| kind == DriftKind::Sshd,
        |host| {
            let settings = host.wanted.sshd.iter().map(|(key, value)| format!("{key} {value}"));
            listed(settings, "; ")
        },
    )
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
