//! What a site's XMPP hosts are called: as Jitsi's packages name them below the site's domain, or as the site's own
//! settings do.

use std::net::IpAddr;

use serde_json::Value;

use crate::probe::target::Target;
use crate::probe::web;

/// Whose names for a site's XMPP hosts are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Naming {
    /// The packages' ones, which are ours too.
    #[default]
    Usual,
    /// The ones that the site's `config.js` tells browsers, where it does.
    AsServed,
}

/// The names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hosts {
    /// The clinicians' host.
    pub(crate) site: String,
    /// The guests' host.
    pub(crate) guests: String,
    /// The service of the rooms.
    pub(crate) rooms: String,
    /// The focus.
    pub(crate) focus: String,
    /// Whether the site's own word was wanted and not to be had, so that these are the packages' names on trust.
    pub(crate) guessed: bool,
}

impl Hosts {
    /// The packages' names.
    pub(crate) fn usual(domain: &str) -> Self {
        Self {
            site: domain.to_owned(),
            guests: format!("guest.{domain}"),
            rooms: format!("conference.{domain}"),
            focus: format!("focus.{domain}"),
            guessed: false,
        }
    }

    /// The names by which a site is to be asked.
    pub(crate) async fn of(target: &Target, address: IpAddr, naming: Naming) -> Self {
        let domain = target.domain.as_str();
        if naming == Naming::Usual {
            return Self::usual(domain);
        }
        let config = web::settings(target, address).await;
        let settings = config.known().and_then(|config| config.value.known());
        let guessed = Self {
            guessed: true,
            ..Self::usual(domain)
        };
        settings.map_or(guessed, |settings| Self::told(domain, settings))
    }

    /// The names in a client's settings; the packages' ones for what they do not tell.
    fn told(domain: &str, settings: &Value) -> Self {
        let name = |key: &str| {
            let told = settings.pointer(&format!("/hosts/{key}"))?.as_str()?;
            is_name(told).then(|| told.to_lowercase())
        };
        let usual = Self::usual(&name("domain").unwrap_or_else(|| domain.to_owned()));
        Self {
            guests: name("anonymousdomain").unwrap_or(usual.guests),
            rooms: name("muc").unwrap_or(usual.rooms),
            focus: name("focus").unwrap_or(usual.focus),
            site: usual.site,
            guessed: false,
        }
    }
}

/// Whether a text can be a host's name; settings are a stranger's.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=253).contains(&text.len()) && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_site_is_asked_by_the_names_that_it_tells_browsers() {
        let told = |settings: &Value| Hosts::told("meet.example.com", settings);
        assert_eq!(told(&json!({})), Hosts::usual("meet.example.com"));
        let container =
            json!({"hosts": {"domain": "meet.jitsi", "muc": "muc.meet.jitsi", "focus": "focus.meet.jitsi"}});
        let hosts = told(&container);
        assert_eq!(hosts.site, "meet.jitsi");
        assert_eq!(
            (hosts.guests.as_str(), hosts.rooms.as_str()),
            ("guest.meet.jitsi", "muc.meet.jitsi")
        );
    }

    #[test]
    fn what_can_be_no_name_is_not_taken_for_one() {
        for told in [json!("a'/><x>"), json!(""), json!("a".repeat(300)), json!(7)] {
            let hosts = Hosts::told("d.example", &json!({"hosts": {"domain": told, "muc": told}}));
            assert_eq!(hosts, Hosts::usual("d.example"));
        }
    }
}
