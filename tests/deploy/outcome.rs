//! What a run of the program came to: exit code, data, talk.

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::Value;

/// The end of one run.
pub(crate) struct Outcome {
    command: String,
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    pub(crate) fn of(arguments: &[&str], output: Output) -> Self {
        Self {
            command: format!("anteroom {}", arguments.join(" ")),
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails the test, with everything that was said, unless the run ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "{} ended with {}\n--- stdout\n{}\n--- stderr\n{}",
            self.command, self.code, self.out, self.err
        );
        self
    }

    /// Fails the test unless the talk holds each of these.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.err.contains(word),
                "{} does not say {word:?}:\n{}",
                self.command,
                self.err
            );
        }
        self
    }

    /// The data as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{}: {why}\n{}", self.command, self.out))
    }

    /// Ids of the controls with this status in a report.
    #[track_caller]
    pub(crate) fn controls(&self, status: &str) -> BTreeSet<String> {
        let report = self.json();
        let findings = report["findings"].as_array().unwrap();
        let chosen = findings.iter().filter(|finding| finding["status"] == status);
        chosen
            .map(|finding| finding["control"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Fails the test, with what the report has against the host, unless the run is an audit that found nothing.
    #[track_caller]
    pub(crate) fn clean(self) -> Self {
        assert!(!self.out.is_empty(), "{} reports nothing:\n{}", self.command, self.err);
        let report = self.json();
        let findings = report["findings"].as_array().unwrap();
        let bad: Vec<String> = findings
            .iter()
            .filter(|finding| !["pass", "not_applicable"].contains(&finding["status"].as_str().unwrap()))
            .map(|finding| {
                format!(
                    "{} {} {}: {}",
                    finding["status"], finding["control"], finding["subject"], finding["observed"]
                )
            })
            .collect();
        // What is wrong goes first: a log that is cut short keeps it.
        assert!(bad.is_empty(), "{bad:#?}\ndrift: {}\n{}", report["drift"], self.err);
        assert!(
            report["summary"]["pass"].as_u64().unwrap() > 40,
            "{}",
            report["summary"]
        );
        self.expect(0)
    }
}
