//! The record of what became of a deployment's media: what, when, by whom, how in the words of NIST SP 800-88, and what
//! shows it (45 CFR 164.310(d)(2)). It is begun before anything goes and written anew whenever something went, so that a
//! run that ends early leaves what it knew.

use std::cell::RefCell;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::commands::audit::now;
use crate::commands::error::CommandError;
use crate::machines::aws::Event;
use crate::machines::aws::Owner;
use crate::machines::aws::TornDown;
use crate::machines::aws::media::Media;
use crate::remote::aws::model::Identity;

/// What went, a line each.
pub(crate) fn lines(torn: &TornDown) -> Vec<String> {
    torn.removed
        .iter()
        .map(|thing| format!("{} {} in {}", thing.kind, thing.id, thing.region))
        .collect()
}

/// What is left, a line each, with the regions that were not swept.
pub(crate) fn left(torn: &TornDown) -> Vec<String> {
    torn.left.iter().cloned().chain(torn.unseen.lines()).collect()
}

/// A file that was not there before, for one record. Dropped before anything was written, it goes again.
#[derive(Debug)]
struct Paper {
    path: PathBuf,
    written: bool,
}

impl Drop for Paper {
    fn drop(&mut self) {
        if !self.written {
            let _empty_stays = std::fs::remove_file(&self.path);
        }
    }
}

impl Paper {
    /// Makes the file. One that is there is the record of something else, and is never written over.
    fn make(path: &Path) -> Result<Self, CommandError> {
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        made.map_err(|error| {
            CommandError::failed(format!("make the disposal record {}: {error}", path.display()))
                .hint("name a file that is not there yet, in a folder that can be written; nothing was removed")
        })?;
        Ok(Self {
            path: path.to_owned(),
            written: false,
        })
    }

    /// Puts a whole document in the place of the one before.
    fn write(&mut self, document: &Value) -> std::io::Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(".part");
        let mut file = File::create(&name)?;
        file.write_all(format!("{document:#}\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&name, &self.path)?;
        self.written = true;
        Ok(())
    }
}

/// Who removes what.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) owner: Owner,
    /// SHA-256 of the spec; `None` where none was read.
    pub(crate) spec: Option<String>,
    pub(crate) identity: Identity,
    /// The region that was asked first.
    pub(crate) region: String,
}

/// One record.
#[derive(Debug)]
pub(crate) struct Record {
    head: Head,
    paper: Option<Paper>,
    started: String,
    media: Media,
    trouble: Option<String>,
}

impl Record {
    /// Begins one; with a path, in a file that this makes.
    pub(crate) fn open(head: Head, path: Option<&Path>) -> Result<Self, CommandError> {
        Ok(Self {
            head,
            paper: path.map(Paper::make).transpose()?,
            started: now(),
            media: Media::default(),
            trouble: None,
        })
    }

    /// Everything was confirmed, and goes from now on.
    pub(crate) fn begin(&mut self, media: Media) {
        self.started = now();
        self.media = media;
        self.write(None);
    }

    /// Takes in what happened.
    pub(crate) fn take(&mut self, event: Event<'_>) {
        if let Event::Medium(medium) = event {
            self.media.settle(medium.clone());
            self.write(None);
        }
    }

    /// Ends it; the document, and why it could not be written.
    pub(crate) fn end(mut self, torn: &TornDown) -> (Value, Option<String>) {
        self.media = torn.media.clone();
        self.write(Some(torn));
        (self.document(Some(torn)), self.trouble.take())
    }

    fn write(&mut self, torn: Option<&TornDown>) {
        let document = self.document(torn);
        let Some(paper) = &mut self.paper else { return };
        let outcome = paper.write(&document);
        let path = paper.path.display();
        self.trouble = outcome
            .err()
            .map(|error| format!("the disposal record {path}: failed to write it: {error}"));
    }

    fn document(&self, torn: Option<&TornDown>) -> Value {
        let Head { owner, identity, .. } = &self.head;
        let finished = torn.map(|_| now());
        json!({
            "schema": "anteroom/disposal/v1",
            "deployment": owner.deployment,
            "domain": owner.domain,
            "spec_sha256": self.head.spec,
            "account": identity.account,
            "caller": identity.arn,
            "region": self.head.region,
            "tool": {"version": env!("CARGO_PKG_VERSION")},
            "started": self.started,
            "finished": finished,
            "standard": "NIST SP 800-88 Rev. 1",
            "media": self.media.entries(),
            "proof": torn.map(proof),
            "left": torn.map(left),
            "kept": torn.map(|torn| &torn.kept),
        })
    }
}

/// What shows that nothing is left, and how far that reaches.
fn proof(torn: &TornDown) -> Value {
    let failed = torn.unseen.failed.iter();
    let failed: Vec<Value> = failed
        .map(|(region, why)| json!({"region": region, "why": why}))
        .collect();
    json!({
        "method": statement(torn),
        "regions": torn.swept,
        "not_swept": failed,
        "left_out": torn.unseen.skipped,
    })
}

fn statement(torn: &TornDown) -> String {
    let list = |regions: Vec<&String>| match regions.as_slice() {
        [] => "none".to_owned(),
        some => some.iter().map(|region| region.as_str()).collect::<Vec<_>>().join(", "),
    };
    let mut said = format!(
        "regions were asked for what carries the deployment's tags; these answered with nothing: {}",
        list(torn.swept.iter().collect())
    );
    if !torn.unseen.failed.is_empty() {
        said += &format!("; these did not answer: {}", list(torn.unseen.failed.keys().collect()));
    }
    if !torn.unseen.skipped.is_empty() {
        said += &format!("; these were not asked: {}", list(torn.unseen.skipped.iter().collect()));
    }
    if !torn.left.is_empty() {
        said += &format!("; left, and listed here: {}", torn.left.len());
    }
    said
}

/// Names a record's file after its deployment and the moment.
pub(crate) fn file_name(owner: &Owner, at: Timestamp) -> String {
    format!(
        "{}-{}-{}.json",
        owner.deployment,
        owner.domain,
        at.strftime("%Y%m%dT%H%M%SZ")
    )
}

/// Hands what happens to whoever says it and to the record.
pub(crate) fn watch<'a>(record: &'a RefCell<Record>, say: &'a dyn Fn(&str)) -> impl Fn(Event<'_>) + 'a {
    move |event| {
        if let Event::Removed(thing) = event {
            say(&format!("- {} {} in {}", thing.kind, thing.id, thing.region));
        }
        record.borrow_mut().take(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            owner: Owner {
                deployment: "clinic".to_owned(),
                domain: "telemed.example.com".to_owned(),
            },
            spec: None,
            identity: Identity {
                account: "123456789012".to_owned(),
                arn: "arn:aws:iam::123456789012:user/admin".to_owned(),
            },
            region: "us-east-1".to_owned(),
        }
    }

    #[test]
    fn a_record_is_never_written_over_and_an_unwritable_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disposal.json");
        std::fs::write(&path, "the first record").unwrap();
        let refused = Record::open(head(), Some(&path)).unwrap_err();
        assert!(
            refused.message.to_string().contains("File exists"),
            "{}",
            refused.message
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "the first record");
        assert!(Record::open(head(), Some(&folder.path().join("none/disposal.json"))).is_err());
    }

    #[test]
    fn a_record_of_what_was_not_confirmed_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disposal.json");
        drop(Record::open(head(), Some(&path)).unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn a_run_that_ends_early_leaves_a_record_without_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disposal.json");
        let mut record = Record::open(head(), Some(&path)).unwrap();
        record.begin(Media::default());
        drop(record);
        let written: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!((&written["finished"], &written["proof"]), (&Value::Null, &Value::Null));
        assert_eq!(written["account"], "123456789012");
    }

    #[test]
    fn the_statement_names_what_did_not_answer_and_what_was_not_asked() {
        let mut torn = TornDown::default();
        torn.swept.insert("us-east-1".to_owned());
        assert!(statement(&torn).ends_with("answered with nothing: us-east-1"));
        torn.unseen.failed.insert("eu-west-1".to_owned(), "call it".to_owned());
        torn.unseen.skipped.insert("eu-west-3".to_owned());
        torn.left.push("VPC vpc-1".to_owned());
        let said = statement(&torn);
        for words in [
            "did not answer: eu-west-1",
            "not asked: eu-west-3",
            "left, and listed here: 1",
        ] {
            assert!(said.contains(words), "{said}");
        }
    }
}
