//! Jingle as jicofo speaks it (XEP-0166, XEP-0167, XEP-0176, XEP-0320): an invitation is read, an acceptance is written.
//! Pure; what a focus sends is bounded here and believed nowhere.

use std::fmt::Write as _;

use serde::Serialize;

use crate::probe::xmpp::stanza::Element;
use crate::probe::xmpp::stanza::escape;
use crate::secret::Secret;

/// Most contents, candidates, fingerprints and payload types that are read of one invitation.
const MOST: usize = 32;
/// Longest user fragment or password that is taken (RFC 8839 5.4).
const LONGEST: usize = 256;

const RTP: &str = "urn:xmpp:jingle:apps:rtp:1";
const ICE: &str = "urn:xmpp:jingle:transports:ice-udp:1";
const DTLS: &str = "urn:xmpp:jingle:apps:dtls:0";

/// What is told of where the bridge can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// `host`, `srflx`, `prflx` or `relay`.
    pub kind: String,
    /// `udp`, `tcp`, `ssltcp`.
    pub protocol: String,
    /// The address as it was written.
    pub address: String,
    /// The port.
    pub port: u16,
    /// The address behind this one (`rel-addr`), where it is told.
    pub related: Option<String>,
}

/// A digest of the certificate that the bridge will show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fingerprint {
    /// Such as `sha-256`.
    pub hash: String,
    /// The digest.
    pub value: String,
}

/// The part of an invitation that is shown in reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offered {
    /// Digests of the bridge's certificate.
    pub fingerprints: Vec<Fingerprint>,
    /// Where the bridge can be reached.
    pub candidates: Vec<Candidate>,
    /// Suites of SRTP keys that the signalling itself carries (SDES), where anybody on its way can read them.
    pub keys: Vec<String>,
}

/// An invitation to a call.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// Whom to answer.
    pub(crate) from: String,
    pub(crate) sid: String,
    pub(crate) initiator: String,
    pub(crate) contents: Vec<Content>,
    /// The bridge's half of the check's user name, and the password of checks to it.
    pub(crate) ufrag: String,
    pub(crate) password: Secret,
    pub(crate) offered: Offered,
    /// The payload type of audio.
    pub(crate) audio: u8,
}

/// One medium of an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) media: String,
    pub(crate) payloads: Vec<Payload>,
}

/// One coding of a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) id: u8,
    pub(crate) attributes: Vec<(&'static str, String)>,
}

/// Our side of a call.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub(crate) ufrag: String,
    pub(crate) password: Secret,
    pub(crate) fingerprint: String,
    pub(crate) ssrc: u32,
}

/// The Jingle element of an IQ, where it has one.
pub(crate) fn inside(iq: &Element) -> Option<&Element> {
    iq.child("jingle")
        .filter(|jingle| jingle.namespace == "urn:xmpp:jingle:1")
}

/// Reads an invitation; says what it lacks.
pub(crate) fn read(iq: &Element) -> Result<Offer, String> {
    let jingle = inside(iq).ok_or("the focus sent no Jingle")?;
    let text = |name: &str| jingle.attribute(name).map(str::to_owned);
    let mut contents = Vec::new();
    let mut offered = Offered {
        fingerprints: Vec::new(),
        candidates: Vec::new(),
        keys: Vec::new(),
    };
    let mut credentials = None;
    for content in jingle.named("content").take(MOST) {
        let description = content.child("description").filter(|found| found.namespace == RTP);
        contents.extend(content.attribute("name").zip(description).map(|(name, found)| Content {
            name: name.to_owned(),
            media: found.attribute("media").unwrap_or(name).to_owned(),
            payloads: found.named("payload-type").take(MOST).filter_map(payload).collect(),
        }));
        content.named("description").for_each(|found| keys(found, &mut offered));
        // The contents share one transport, and jicofo repeats it in each.
        let Some(transport) = content.child("transport").filter(|found| found.namespace == ICE) else {
            continue;
        };
        if let Some(pair) = transport.attribute("ufrag").zip(transport.attribute("pwd")) {
            credentials.get_or_insert(pair);
        }
        collect(transport, &mut offered);
    }
    let (ufrag, password) = credentials.ok_or("the invitation names no ICE credentials")?;
    if ufrag.len() > LONGEST || password.len() > LONGEST {
        return Err("the invitation's ICE credentials are longer than the standard allows".to_owned());
    }
    let audio = contents.iter().find(|content: &&Content| content.media == "audio");
    let audio = audio
        .and_then(|content| content.payloads.first())
        .map(|payload| payload.id);
    Ok(Offer {
        from: iq.attribute("from").unwrap_or_default().to_owned(),
        sid: text("sid").ok_or("the invitation has no session")?,
        initiator: text("initiator").unwrap_or_default(),
        audio: audio.ok_or("the invitation offers no audio")?,
        contents,
        ufrag: ufrag.to_owned(),
        password: Secret::new(password),
        offered,
    })
}

fn payload(element: &Element) -> Option<Payload> {
    let id: u8 = element.attribute("id")?.parse().ok()?;
    let kept = ["name", "clockrate", "channels"];
    let attributes = kept
        .into_iter()
        .filter_map(|name| element.attribute(name).map(|value| (name, value.to_owned())));
    (id < 128).then(|| Payload {
        id,
        attributes: attributes.collect(),
    })
}

/// Keys in the signalling (XEP-0167 7, RFC 4568): their suites, and nothing of the keys.
fn keys(description: &Element, offered: &mut Offered) {
    for place in description.named("encryption").chain([description]) {
        let suites = place
            .named("crypto")
            .map(|found| found.attribute("crypto-suite").unwrap_or_default());
        let mut suites: Vec<String> = suites.map(|suite| suite.chars().take(LONGEST).collect()).collect();
        if suites.is_empty() && place.name == "encryption" {
            suites.push(String::new());
        }
        for suite in suites {
            let suite = if suite.is_empty() { "unnamed".to_owned() } else { suite };
            if !offered.keys.contains(&suite) && offered.keys.len() < MOST {
                offered.keys.push(suite);
            }
        }
    }
}

fn collect(transport: &Element, offered: &mut Offered) {
    for found in transport.named("fingerprint").filter(|found| found.namespace == DTLS) {
        let one = Fingerprint {
            hash: found.attribute("hash").unwrap_or_default().to_owned(),
            value: found.text.trim().to_owned(),
        };
        if !offered.fingerprints.contains(&one) && offered.fingerprints.len() < MOST {
            offered.fingerprints.push(one);
        }
    }
    for found in transport.named("candidate") {
        let text = |name: &str| found.attribute(name).unwrap_or_default().to_owned();
        let one = Candidate {
            kind: text("type"),
            protocol: text("protocol").to_ascii_lowercase(),
            address: text("ip"),
            port: found.attribute("port").and_then(|port| port.parse().ok()).unwrap_or(0),
            related: found.attribute("rel-addr").map(str::to_owned),
        };
        if !offered.candidates.contains(&one) && offered.candidates.len() < MOST {
            offered.candidates.push(one);
        }
    }
}

/// The acceptance of an invitation by `responder`, whose nick names its audio.
pub(crate) fn accept(offer: &Offer, own: &Own, responder: &str, nick: &str) -> String {
    let mut out = format!(
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-accept' sid='{}' initiator='{}' responder='{}'>",
        escape(&offer.sid),
        escape(&offer.initiator),
        escape(responder),
    );
    for content in &offer.contents {
        let (name, media) = (escape(&content.name), escape(&content.media));
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "<content creator='initiator' name='{name}' senders='both'><description xmlns='{RTP}' media='{media}'>"
        );
        for payload in &content.payloads {
            let _ = write!(out, "<payload-type id='{}'", payload.id);
            for (name, value) in &payload.attributes {
                let _ = write!(out, " {name}='{}'", escape(value));
            }
            out.push_str("/>");
        }
        out.push_str("<rtcp-mux/>");
        if content.media == "audio" {
            let _ = write!(
                out,
                "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='{0}' name='{nick}-a0'><parameter name='cname' \
                 value='{nick}'/><parameter name='msid' value='{nick}-audio-0-1 {nick}-a0'/></source>",
                own.ssrc
            );
        }
        let _ = write!(
            out,
            "</description><transport xmlns='{ICE}' ufrag='{}' pwd='{}'><fingerprint xmlns='{DTLS}' hash='sha-256' \
             setup='active'>{}</fingerprint></transport></content>",
            escape(&own.ufrag),
            escape(own.password.expose()),
            own.fingerprint
        );
    }
    out.push_str("<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>");
    for content in &offer.contents {
        let _ = write!(out, "<content name='{}'/>", escape(&content.name));
    }
    out.push_str("</group></jingle>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Captured from jicofo (fixtures/README.md). A bridge behind a translated address tells that one too.
    const INVITATION: &str = include_str!("fixtures/session-initiate.xml");
    const TRANSLATED: &str = "<candidate type='srflx' protocol='udp' ip='203.0.113.7' port='10000' rel-addr='10.77.0.11' \
                              rel-port='10000'/></transport>";

    fn invitation() -> Offer {
        read(&Element::parse(INVITATION).unwrap()).unwrap()
    }

    #[test]
    fn an_invitation_is_read() {
        let offer = invitation();
        assert_eq!(offer.from, "visit@conference.telemed.example.test/focus");
        assert_eq!(
            (offer.ufrag.as_str(), offer.password.expose()),
            ("8kvrl1jk0kvvd6", "58dfvcpvk0rj8p0m7gvd7nbn2c")
        );
        assert_eq!(offer.audio, 111);
        let names: Vec<&str> = offer.contents.iter().map(|content| content.name.as_str()).collect();
        assert_eq!(names, ["audio", "video"]);
        // Both contents say the same; it counts once.
        assert_eq!(offer.offered.fingerprints.len(), 1);
        assert_eq!(offer.offered.fingerprints[0].hash, "sha-256");
        assert_eq!(offer.offered.candidates.len(), 1);
        let translated = INVITATION.replace("</transport>", TRANSLATED);
        let offer = read(&Element::parse(&translated).unwrap()).unwrap();
        let told: Vec<(&str, &str, u16, Option<&str>)> = offer
            .offered
            .candidates
            .iter()
            .map(|one| {
                (
                    one.kind.as_str(),
                    one.address.as_str(),
                    one.port,
                    one.related.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("host", "10.77.0.11", 10_000, None),
                ("srflx", "203.0.113.7", 10_000, Some("10.77.0.11"))
            ]
        );
    }

    #[test]
    fn keys_in_the_signalling_are_told_by_their_suites_alone() {
        assert!(invitation().offered.keys.is_empty());
        let with = |inside: &str| {
            let changed = INVITATION.replacen("<rtcp-mux/>", inside, 1);
            assert_ne!(changed, INVITATION);
            read(&Element::parse(&changed).unwrap()).unwrap().offered.keys
        };
        let crypto = "<crypto crypto-suite='AES_CM_128_HMAC_SHA1_80' key-params='inline:c2VjcmV0' tag='1'/>";
        for inside in [
            crypto.to_owned(),
            format!("<encryption required='1'>{crypto}</encryption>"),
        ] {
            assert_eq!(with(&inside), ["AES_CM_128_HMAC_SHA1_80"], "{inside}");
        }
        assert_eq!(with("<encryption/>"), ["unnamed"]);
    }

    #[test]
    fn what_an_invitation_lacks_is_named() {
        let without = |what: &str, instead: &str| {
            let changed = INVITATION.replace(what, instead);
            assert_ne!(changed, INVITATION);
            read(&Element::parse(&changed).unwrap()).unwrap_err()
        };
        assert!(without(" pwd=", " other=").contains("no ICE credentials"));
        assert!(without("media='audio'", "media='other'").contains("no audio"));
        assert!(without(" sid=", " other=").contains("no session"));
        assert!(without("urn:xmpp:jingle:1", "urn:other").contains("no Jingle"));
        assert!(without("58dfvcpvk0rj8p0m7gvd7nbn2c", &"x".repeat(300)).contains("longer"));
    }

    #[test]
    fn an_acceptance_is_well_formed_and_answers_every_content() {
        let own = Own {
            ufrag: "a'b".to_owned(),
            password: Secret::new("pass<word"),
            fingerprint: "AA:BB".to_owned(),
            ssrc: 7,
        };
        let accepted = Element::parse(&accept(&invitation(), &own, "me@guest.d/x", "abcd1234")).unwrap();
        assert_eq!(accepted.attribute("action"), Some("session-accept"));
        assert_eq!(accepted.attribute("sid"), Some("3hp1rg0ptll4f"));
        assert_eq!(accepted.named("content").count(), 2);
        let transport = accepted
            .child("content")
            .and_then(|content| content.child("transport"))
            .unwrap();
        assert_eq!(
            (transport.attribute("ufrag"), transport.attribute("pwd")),
            (Some("a'b"), Some("pass<word"))
        );
        let sources = accepted
            .named("content")
            .filter_map(|content| content.child("description"))
            .flat_map(|description| description.named("source"));
        let sources: Vec<_> = sources.map(|source| source.attribute("ssrc")).collect();
        assert_eq!(sources, [Some("7")]);
    }

    proptest! {
        #[test]
        fn a_damaged_invitation_is_read_without_a_crash(at in 0_usize..INVITATION.len(), with in "[ -~]{0,3}", cut in 0_usize..40) {
            let end = (at + cut).min(INVITATION.len());
            let damaged = format!("{}{with}{}", &INVITATION[..at], &INVITATION[end..]);
            if let Ok(element) = Element::parse(&damaged) && let Ok(offer) = read(&element) {
                let own = Own { ufrag: with.clone(), password: Secret::new(&with), fingerprint: String::new(), ssrc: 1 };
                prop_assert!(Element::parse(&accept(&offer, &own, &with, "n")).is_ok());
            }
        }

        #[test]
        fn values_of_an_invitation_may_be_anything(value in "[ -~]{0,30}") {
            let safe = escape(&value);
            let strange = INVITATION.replace("10000", &safe).replace("10.77.0.11", &safe).replace("111", &safe);
            if let Ok(element) = Element::parse(&strange) {
                let _ = read(&element);
            }
        }
    }
}
