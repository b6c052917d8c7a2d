//! What is left of visits on the host, and whom its services' settings name beside their own domain.

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::inside::Word;
use crate::controls::inside::each;

/// Kinds of Prosody's storage that hold what people said or shared, or who they are.
const CONTENT: &[&str] = &[
    "archive",
    "muc_log",
    "offline",
    "http_file_share",
    "http_upload",
    "uploads",
    "private",
    "pep",
    "vcard",
];
/// First labels of hosts that carry rooms.
const ROOMS: &[&str] = &["conference.", "lobby.", "breakout.", "internal.", "muc."];

/// disposal/rooms-leave-nothing.
pub(crate) fn rooms_leave_nothing(case: &Case) -> Vec<Verdict> {
    let expected = "Prosody keeps accounts alone: no rooms, messages or files";
    each(case, "Prosody's storage", expected, |_, facts| {
        let Some(kept) = facts.inside.kept.known().map_err(str::to_owned)? else {
            return Err("Prosody has no storage".to_owned());
        };
        let content = |kind: &str| CONTENT.iter().any(|known| kind.starts_with(known));
        let rooms = |host: &str| ROOMS.iter().any(|first| host.starts_with(first));
        let wrong = kept.iter().filter(|((host, kind), _)| content(kind) || rooms(host));
        let wrong = wrong.map(|((host, kind), count)| (format!("{host}/{kind}"), format!("{count} files")));
        let files: usize = kept.values().sum();
        Ok(Word {
            wrong: wrong.collect(),
            seen: format!("{files} files below /var/lib/prosody, of {} kinds", kept.len()),
        })
    })
}

/// leakage/no-upstream-hosts. What the browser is told is the business of leakage/config-own-origins.
pub(crate) fn no_upstream_hosts(case: &Case) -> Vec<Verdict> {
    let expected = "no setting of a service names a host of Jitsi's makers or their partners";
    each(case, "settings", expected, |_, facts| {
        let named = facts.inside.upstream.known().map_err(str::to_owned)?;
        let own = |host: &str| {
            let domain = case.domain.as_str();
            host == domain || host.ends_with(&format!(".{domain}"))
        };
        let mut wrong = Vec::new();
        for (file, hosts) in named.iter().filter(|(file, _)| !file.starts_with("/etc/jitsi/meet/")) {
            let hosts: Vec<&str> = hosts.iter().map(String::as_str).filter(|host| !own(host)).collect();
            if !hosts.is_empty() {
                wrong.push((file.clone(), format!("it names {}", hosts.join(", "))));
            }
        }
        Ok(Word {
            wrong,
            seen: "the settings of bridge, focus, Prosody, nginx and coturn were searched".to_owned(),
        })
    })
}
