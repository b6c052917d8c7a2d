//! What held data and what became of it, in the words of NIST SP 800-88 and no stronger than what was seen. Pure.

use std::collections::BTreeMap;

/// What holds data, or is needed to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediumKind {
    /// A disk.
    Disk,
    /// A snapshot of a disk.
    Snapshot,
    /// Disks in a machine's own case, by the machine's id.
    InstanceStore,
    /// A key that disks are encrypted with.
    Key,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was there, and is not known to have gone.
    Seen,
    /// It went.
    Gone {
        /// When, RFC 3339.
        at: String,
    },
    /// Of a key: its end is scheduled.
    Ending {
        /// Since when, RFC 3339.
        at: String,
        /// The moment of the end, as AWS said.
        ends: Option<String>,
    },
    /// It stays, with the reason.
    Stays(String),
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    /// What it is.
    pub kind: MediumKind,
    /// Id, or a key's ARN.
    pub id: String,
    /// Region.
    pub region: String,
    /// Whether its data was encrypted; `None` where that was not seen.
    pub encrypted: Option<bool>,
    /// The ARN of the key that it was encrypted with.
    pub key: Option<String>,
    /// What became of it.
    pub fate: Fate,
}

/// One entry of a record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    kind: MediumKind,
    id: String,
    region: String,
    encrypted: Option<bool>,
    key: Option<String>,
    /// `seen`, `gone`, `ending` or `stays`.
    state: &'static str,
    at: Option<String>,
    method: String,
}

/// All of them, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media(BTreeMap<(String, MediumKind, String), Medium>);

impl Media {
    /// Takes in what was seen; what is known already keeps its fate.
    pub fn see(&mut self, medium: Medium) {
        let name = (medium.region.clone(), medium.kind, medium.id.clone());
        self.0.entry(name).or_insert(medium);
    }

    /// Takes in what is known now, whatever was known before.
    pub fn settle(&mut self, medium: Medium) {
        let name = (medium.region.clone(), medium.kind, medium.id.clone());
        self.0.insert(name, medium);
    }

    /// Changes the fate of one that is known; the medium as it is then.
    pub fn becomes(&mut self, region: &str, kind: MediumKind, id: &str, fate: Fate) -> Option<&Medium> {
        let name = (region.to_owned(), kind, id.to_owned());
        let known = self.0.get_mut(&name)?;
        known.fate = fate;
        Some(known)
    }

    /// As it will be when every key among them ends at some moment.
    #[must_use]
    pub fn with_keys_ending(mut self, ends: &str) -> Self {
        let keys = self.0.values_mut().filter(|medium| medium.kind == MediumKind::Key);
        keys.for_each(|key| {
            key.fate = Fate::Ending {
                at: String::new(),
                ends: Some(ends.to_owned()),
            };
        });
        self
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Medium> {
        self.0.values()
    }

    /// When the end of a key is, where it is scheduled; `None` where it is not.
    fn end_of(&self, key: Option<&String>) -> Option<&str> {
        let mut keys = self.0.values().filter(|medium| medium.kind == MediumKind::Key);
        match &keys.find(|medium| Some(&medium.id) == key)?.fate {
            Fate::Ending { ends, .. } => Some(ends.as_deref().unwrap_or("a moment that AWS did not say")),
            _ => None,
        }
    }

    /// Whether what is encrypted like this can still be read when the keys have ended.
    pub fn readable(&self, encrypted: bool, key: Option<&String>) -> String {
        match (encrypted, key) {
            (false, _) => "it is not encrypted and stays readable".to_owned(),
            (true, None) => "it is encrypted, and with which key was not seen".to_owned(),
            (true, Some(arn)) => match self.end_of(key) {
                Some(end) => format!("it cannot be read once its key has ended, at {end}"),
                None => format!("it stays readable with its key {arn}"),
            },
        }
    }

    /// The entries of a record.
    pub fn entries(&self) -> Vec<Entry> {
        let entry = |medium: &Medium| Entry {
            kind: medium.kind,
            id: medium.id.clone(),
            region: medium.region.clone(),
            encrypted: medium.encrypted,
            key: medium.key.clone(),
            state: match medium.fate {
                Fate::Seen => "seen",
                Fate::Gone { .. } => "gone",
                Fate::Ending { .. } => "ending",
                Fate::Stays(_) => "stays",
            },
            at: match &medium.fate {
                Fate::Gone { at } | Fate::Ending { at, .. } => Some(at.clone()),
                Fate::Seen | Fate::Stays(_) => None,
            },
            method: self.method(medium),
        };
        self.0.values().map(entry).collect()
    }

    fn method(&self, medium: &Medium) -> String {
        match &medium.fate {
            Fate::Seen => "none: it was there, and is not known to have gone".to_owned(),
            Fate::Stays(why) if medium.kind == MediumKind::Key => format!("none: it stays ({why})"),
            Fate::Stays(why) => {
                let readable = self.readable(medium.encrypted == Some(true), medium.key.as_ref());
                format!("none: it stays ({why}); {readable}")
            }
            Fate::Ending { ends, .. } => format!(
                "its end is scheduled for {}; until then it is disabled, and its end can be cancelled",
                ends.as_deref().unwrap_or("a moment that AWS did not say")
            ),
            Fate::Gone { .. } if medium.kind == MediumKind::InstanceStore => in_its_case(medium).to_owned(),
            Fate::Gone { .. } => self.deleted(medium),
        }
    }

    fn deleted(&self, medium: &Medium) -> String {
        const CLEAR: &str = "Clear: deleted, and overwritten by AWS before it is used again, as AWS documents";
        match (medium.encrypted, &medium.key, self.end_of(medium.key.as_ref())) {
            (Some(true), _, Some(end)) => format!(
                "Purge by cryptographic erase, complete when its key ends at {end} and not before; until then {}",
                CLEAR.to_lowercase().replace("aws", "AWS")
            ),
            (Some(true), Some(key), None) => {
                format!("{CLEAR}; its key {key} stays, so that nothing was erased cryptographically")
            }
            (Some(true), None, None) => {
                format!("{CLEAR}; its key was not seen, so that no cryptographic erase is known of")
            }
            (Some(false), ..) => format!("{CLEAR}; it was not encrypted, so that nothing was erased cryptographically"),
            (None, ..) => format!("{CLEAR}; whether it was encrypted was not seen"),
        }
    }
}

fn in_its_case(medium: &Medium) -> &'static str {
    match medium.encrypted {
        Some(true) => {
            "Purge by cryptographic erase: its hardware encrypts, and its key ended with the machine, as AWS documents"
        }
        Some(false) => {
            "Clear: overwritten by AWS before it is used again, as AWS documents; its hardware does not encrypt, so that \
             nothing was erased cryptographically"
        }
        None => {
            "Clear: overwritten by AWS before it is used again, as AWS documents; whether its hardware encrypts, and \
             whether the machine had such disks at all, was not seen"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(id: &str, encrypted: Option<bool>, key: Option<&str>) -> Medium {
        Medium {
            kind: MediumKind::Disk,
            id: id.to_owned(),
            region: "us-east-1".to_owned(),
            encrypted,
            key: key.map(str::to_owned),
            fate: Fate::Gone {
                at: "2026-04-01T12:00:00Z".to_owned(),
            },
        }
    }

    fn key(arn: &str, fate: Fate) -> Medium {
        Medium {
            kind: MediumKind::Key,
            fate,
            ..disk(arn, None, None)
        }
    }

    fn with(list: Vec<Medium>) -> Media {
        let mut media = Media::default();
        list.into_iter().for_each(|medium| media.see(medium));
        media
    }

    fn method(media: &Media, id: &str) -> String {
        let entries = media.entries();
        entries.iter().find(|entry| entry.id == id).unwrap().method.clone()
    }

    #[test]
    fn cryptographic_erase_is_claimed_only_of_what_a_key_that_ends_had_encrypted() {
        let ending = Fate::Ending {
            at: "2026-04-01T12:00:00Z".to_owned(),
            ends: Some("2026-04-08T12:00:00Z".to_owned()),
        };
        let media = with(vec![
            disk("ours", Some(true), Some("arn:ours")),
            disk("theirs", Some(true), Some("arn:theirs")),
            disk("plain", Some(false), None),
            disk("unseen", None, None),
            key("arn:ours", ending),
            key("arn:theirs", Fate::Stays("not ours".to_owned())),
        ]);
        let ours = method(&media, "ours");
        assert!(
            ours.starts_with("Purge by cryptographic erase, complete when its key ends at 2026-04-08"),
            "{ours}"
        );
        for (id, words) in [
            (
                "theirs",
                "its key arn:theirs stays, so that nothing was erased cryptographically",
            ),
            (
                "plain",
                "it was not encrypted, so that nothing was erased cryptographically",
            ),
            ("unseen", "whether it was encrypted was not seen"),
        ] {
            let said = method(&media, id);
            assert!(said.starts_with("Clear: ") && said.ends_with(words), "{said}");
        }
        assert!(method(&media, "arn:ours").contains("can be cancelled"));
    }

    #[test]
    fn what_stays_says_whether_it_can_be_read() {
        let ending = Fate::Ending {
            at: String::new(),
            ends: Some("2026-04-08T12:00:00Z".to_owned()),
        };
        let media = with(vec![key("arn:ours", ending)]);
        let ours = "arn:ours".to_owned();
        assert!(media.readable(false, None).contains("stays readable"));
        assert!(
            media
                .readable(true, Some(&"arn:theirs".to_owned()))
                .contains("stays readable with its key arn:theirs")
        );
        assert!(
            media
                .readable(true, Some(&ours))
                .contains("cannot be read once its key has ended")
        );
    }

    #[test]
    fn what_is_not_known_to_have_gone_claims_nothing() {
        let mut media = with(vec![Medium {
            fate: Fate::Seen,
            ..disk("vol-1", Some(true), None)
        }]);
        assert!(method(&media, "vol-1").starts_with("none: it was there"));
        // A second look at what went does not bring it back.
        media.becomes(
            "us-east-1",
            MediumKind::Disk,
            "vol-1",
            Fate::Gone { at: "now".to_owned() },
        );
        media.see(Medium {
            fate: Fate::Seen,
            ..disk("vol-1", Some(true), None)
        });
        assert!(method(&media, "vol-1").starts_with("Clear"));
    }

    #[test]
    fn a_machines_own_disks_are_purged_only_where_its_hardware_encrypts() {
        let store = |id: &str, encrypted| Medium {
            kind: MediumKind::InstanceStore,
            ..disk(id, encrypted, None)
        };
        let media = with(vec![
            store("i-1", Some(true)),
            store("i-2", Some(false)),
            store("i-3", None),
        ]);
        assert!(method(&media, "i-1").starts_with("Purge by cryptographic erase"));
        assert!(method(&media, "i-2").starts_with("Clear") && method(&media, "i-3").starts_with("Clear"));
    }
}
