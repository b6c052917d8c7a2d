//! The framed reply: sections with their exit status and both streams by length, so that no content can be mistaken for
//! a frame. A reply that was cut keeps what is whole; the rest is unknown.

use std::collections::BTreeMap;

/// The exit status by which the script says that what was looked for does not exist.
pub(super) const ABSENT: i32 = 44;

/// A reply, cut into sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    sections: BTreeMap<String, Section>,
    whole: bool,
}

/// What one command left.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    status: i32,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Reply {
    /// Cuts the bytes up. Never fails: what is not there is missing.
    pub(crate) fn parse(mut bytes: &[u8]) -> Self {
        let mut sections = BTreeMap::new();
        let mut whole = false;
        while let Some((head, rest)) = line(bytes) {
            if let Some(count) = head.strip_prefix("end ") {
                whole = count.parse() == Ok(sections.len());
                break;
            }
            let Some((name, section, rest)) = section(head, rest) else {
                break;
            };
            sections.insert(name, section);
            bytes = rest;
        }
        Self { sections, whole }
    }

    /// The output of a section whose command succeeded, as text; `None`: what it looked for does not exist.
    pub(crate) fn find(&self, name: &str) -> Result<Option<String>, String> {
        let found = self.bytes(name)?;
        Ok(found.map(|out| String::from_utf8_lossy(out).into_owned()))
    }

    /// The output of a section whose command succeeded, as bytes; `None`: what it looked for does not exist.
    pub(crate) fn bytes(&self, name: &str) -> Result<Option<&[u8]>, String> {
        let Some(section) = self.sections.get(name) else {
            let why = if self.whole {
                "the host was not asked"
            } else {
                "the host's answer was cut off before it"
            };
            return Err(format!("{name}: {why}"));
        };
        match section.status {
            0 => Ok(Some(&section.out)),
            ABSENT => Ok(None),
            // `timeout` says so by this status, and the shell by that one.
            124 => Err(format!("{name}: the host took too long")),
            status => {
                let err = String::from_utf8_lossy(&section.err);
                let first = err.lines().map(str::trim).find(|line| !line.is_empty());
                Err(format!("{name}: {} (exit status {status})", first.unwrap_or("no word")))
            }
        }
    }

    /// The text of a section that always has something to look at.
    pub(crate) fn text(&self, name: &str) -> Result<String, String> {
        self.find(name)?.ok_or_else(|| format!("{name}: it does not exist"))
    }
}

fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

fn section<'a>(head: &str, rest: &'a [u8]) -> Option<(String, Section, &'a [u8])> {
    let mut fields = head.strip_prefix("section ")?.split(' ');
    let name = fields.next()?.to_owned();
    let status = fields.next()?.parse().ok()?;
    let out_length: usize = fields.next()?.parse().ok()?;
    let err_length: usize = fields.next()?.parse().ok()?;
    let (out, rest) = rest.split_at_checked(out_length)?;
    let (err, rest) = rest.split_at_checked(err_length)?;
    let rest = rest.strip_prefix(b"\n")?;
    let section = Section {
        status,
        out: out.to_vec(),
        err: err.to_vec(),
    };
    Some((name, section, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REPLY: &[u8] = b"section a 0 21 0\nsection b 0 3 0\nend 9\nsection none 44 0 0\n\nsection bad 127 0 25\n\
        \nsh: 1: gpg: not found\nmo\nsection slow 124 2 0\nxx\nend 4\n";

    #[test]
    fn content_that_looks_like_a_frame_is_content() {
        let reply = Reply::parse(REPLY);
        assert!(reply.whole);
        assert_eq!(reply.text("a").unwrap(), "section b 0 3 0\nend 9");
        assert_eq!(reply.text("b").unwrap_err(), "b: the host was not asked");
    }

    #[test]
    fn absence_and_failure_are_told_apart() {
        let reply = Reply::parse(REPLY);
        assert_eq!(reply.find("none"), Ok(None));
        assert_eq!(
            reply.text("bad").unwrap_err(),
            "bad: sh: 1: gpg: not found (exit status 127)"
        );
        assert_eq!(reply.text("slow").unwrap_err(), "slow: the host took too long");
    }

    #[test]
    fn a_reply_cut_anywhere_never_says_more_than_it_holds() {
        let whole = Reply::parse(REPLY);
        for length in 0..REPLY.len() {
            let cut = Reply::parse(&REPLY[..length]);
            assert!(!cut.whole, "{length}");
            for (name, section) in &cut.sections {
                assert_eq!(whole.sections.get(name), Some(section));
            }
            for name in ["a", "none", "bad", "slow"] {
                let missing = !cut.sections.contains_key(name);
                let error = cut.find(name).err();
                assert!(
                    !missing || error.is_some_and(|why| why.ends_with("was cut off before it")),
                    "{length}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_hold_more_than_came(
            head in "(section [ab] -?[0-9]{1,20} [0-9]{1,20} [0-9]{1,20}\n|section a 0 1 0\nx\n|end [0-9]\n){0,6}",
            tail in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let bytes = [head.as_bytes(), &tail].concat();
            let reply = Reply::parse(&bytes);
            let held = reply.sections.values().map(|section| section.out.len() + section.err.len());
            prop_assert!(held.sum::<usize>() <= bytes.len());
            let _ = (reply.find("a"), reply.text("b"));
        }
    }
}
