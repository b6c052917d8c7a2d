//! Whether the server that answers clients who name no host is as strong as the one that is asked for by name.

use crate::catalog::TlsProfile;
use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::session::accepted;
use crate::controls::session::faults;
use crate::controls::suites::foreign_groups;
use crate::controls::suites::profile_for;
use crate::controls::suites::weaknesses;
use crate::probe::Offer;
use crate::probe::TlsView;
use crate::probe::certificate::Certificate;
use crate::probe::tls::nameless::Closer;
use crate::probe::tls::nameless::Nameless;
use crate::probe::tls::survey::Prime;
use crate::probe::tls::survey::SessionView;
use crate::seen::Seen;

/// What was found without a name, held against what is there with it.
#[derive(Default)]
struct Found {
    /// Accepted without a name alone.
    more: Vec<String>,
    /// Weaker in another way.
    weaker: Vec<String>,
    /// What could not be seen.
    unknown: Vec<String>,
}

/// Judges the look without a name.
pub(super) fn nameless(case: &Case, view: &TlsView, expected: &str) -> Verdict {
    let seen = &view.nameless;
    let evidence = case.sighted(seen);
    let looked = match seen.known() {
        Ok(looked) => looked,
        Err(why) => return Verdict::unverified(&seen.subject, expected, why, evidence),
    };
    let profile = profile_for(case, view);
    let mut found = Found::default();
    offers(&mut found, view, looked);
    if let Some(closer) = &looked.closer {
        keys(&mut found, view, closer, profile);
        session(&mut found, case, view, &closer.session);
    }
    let shown = leaf(&mut found, view, &looked.leaf, profile);
    if !found.more.is_empty() {
        let more = format!("it also accepts {}", found.more.join(", "));
        found.weaker.insert(0, more);
    }
    match (found.weaker.is_empty(), found.unknown.first()) {
        (false, _) => {
            let observed = format!("without a name {}", found.weaker.join("; "));
            Verdict::fail(&seen.subject, expected, observed, evidence)
        }
        (true, Some(why)) => Verdict::unverified(&seen.subject, expected, why, evidence),
        (true, None) => {
            let observed = match looked.closer {
                Some(_) => format!("without a name it accepts nothing more{shown}"),
                None => "without a name it accepts nothing".to_owned(),
            };
            Verdict::pass(&seen.subject, expected, observed, evidence)
        }
    }
}

/// Versions and suites.
fn offers(found: &mut Found, view: &TlsView, looked: &Nameless) {
    for (version, offer) in &looked.versions {
        match (offer, accepted(view, *version)) {
            (Seen::Known(Offer::Accepted { .. }), Ok(false)) => found.more.push(version.name().to_owned()),
            (Seen::Known(_), _) => {}
            (Seen::Unknown(why), _) => found.unknown.push(why.clone()),
        }
    }
    for suites in looked.beyond.values() {
        match suites {
            Seen::Known(list) => found.more.extend(list.iter().map(|suite| suite.name())),
            Seen::Unknown(why) => found.unknown.push(why.clone()),
        }
    }
}

/// Groups, primes and signatures. Another certificate brings other groups and schemes along, so that only those count that
/// no server should take.
fn keys(found: &mut Found, view: &TlsView, closer: &Closer, profile: &TlsProfile) {
    for groups in closer.groups.values() {
        match groups {
            Seen::Known(list) => found.more.extend(foreign_groups(list, profile)),
            Seen::Unknown(why) => found.unknown.push(why.clone()),
        }
    }
    for schemes in closer.schemes.values() {
        match schemes {
            Seen::Known(list) => {
                let forgeable = list.iter().filter(|scheme| scheme.forgeable());
                found.more.extend(forgeable.map(|scheme| scheme.name()));
            }
            Seen::Unknown(why) => found.unknown.push(why.clone()),
        }
    }
    let named: &[Prime] = view.survey.primes.known().map(Vec::as_slice).unwrap_or_default();
    match &closer.primes {
        Seen::Known(primes) => {
            let short = primes.iter().filter(|prime| prime.bits < profile.least_prime_bits);
            let new = short.filter(|prime| named.iter().all(|other| other.bits > prime.bits));
            found
                .more
                .extend(new.map(|prime| format!("a prime of {} bits", prime.bits)));
        }
        Seen::Unknown(why) => found.unknown.push(why.clone()),
    }
}

/// What a session lacks that one with a name has.
fn session(found: &mut Found, case: &Case, view: &TlsView, seen: &Seen<SessionView>) {
    let named = match view.survey.session.known() {
        Ok(SessionView::Older(session)) => Some(session),
        Ok(SessionView::OnlyTls13) => None,
        Err(why) => return found.unknown.push(why.to_owned()),
    };
    match seen {
        Seen::Known(SessionView::Older(session)) => {
            let known = named.map(|named| faults(case, named)).unwrap_or_default();
            let new = faults(case, session).into_iter().filter(|fault| !known.contains(fault));
            found.weaker.extend(new.map(str::to_owned));
            if session.compression != 0 && named.is_none_or(|named| named.compression == 0) {
                found.more.push("compression".to_owned());
            }
        }
        Seen::Known(SessionView::OnlyTls13) => {}
        Seen::Unknown(why) => found.unknown.push(why.clone()),
    }
}

/// Another certificate than those that are shown with a name has to be as strong. Says which one is shown.
fn leaf(found: &mut Found, view: &TlsView, seen: &Seen<Option<Certificate>>, profile: &TlsProfile) -> &'static str {
    let leaf = match seen {
        Seen::Known(Some(leaf)) => leaf,
        Seen::Known(None) => return "",
        Seen::Unknown(why) => {
            found.unknown.push(why.clone());
            return "";
        }
    };
    let chains = [Some(&view.chain), view.second_chain.as_ref()];
    let mut named = chains.into_iter().flatten().filter_map(|chain| chain.known().ok());
    if named.any(|chain| {
        chain
            .certificates
            .first()
            .is_some_and(|first| first.sha256 == leaf.sha256)
    }) {
        return ", and shows the same certificate";
    }
    let weak = weaknesses(0, leaf, profile);
    found
        .weaker
        .extend(weak.iter().map(|weak| format!("it shows another certificate: {weak}")));
    ", and shows another certificate, which is no weaker"
}
