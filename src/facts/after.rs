//! The second, small look of an audit, when its visit from outside is over: how many datagrams arrived for the bridge,
//! which answers no stranger, and what the host's logs keep of the visit.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::facts::HostFacts;
use crate::facts::frame::Reply;
use crate::facts::parse::out_of_place::fields;
use crate::facts::parse::out_of_place::odd;
use crate::facts::script;
use crate::remote::Host;
use crate::seen::Seen;

/// The longest that the second look may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a host shows after the visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aftermath {
    /// Datagrams that our firewall let through to the bridge; `None`: it does not count them.
    pub media_packets: Seen<Option<u64>>,
    /// What each log keeps of the visit, by its path or `journal`.
    pub logs: Seen<BTreeMap<String, LogSeen>>,
}

/// What a log keeps, counted in lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogSeen {
    /// All lines that were read.
    pub lines: u64,
    /// Lines with the name that the visitors bore.
    pub names: u64,
    /// Lines with a token.
    pub tokens: u64,
}

impl Aftermath {
    /// Nothing was seen, and why.
    pub fn unknown(why: impl std::fmt::Display) -> Self {
        Self {
            media_packets: Seen::unknown(&why),
            logs: Seen::unknown(&why),
        }
    }
}

/// Asks a host again. `before`: the first look, which began before the visit; `name`: what the visitors were called.
pub fn aftermath(host: &mut dyn Host, before: &Seen<HostFacts>, name: &str) -> Aftermath {
    let since = match before {
        Seen::Unknown(why) => return Aftermath::unknown(why),
        Seen::Known(facts) => match facts.at.parse::<jiff::Timestamp>() {
            Err(why) => return Aftermath::unknown(format!("the host's clock says {:?}: {why}", facts.at)),
            Ok(at) => at.as_second(),
        },
    };
    if name.chars().any(char::is_control) {
        return Aftermath::unknown("the visitors' name is no line");
    }
    let ends = before.known().and_then(|facts| facts.inside.log_ends.known());
    let input = input(since, name, ends.unwrap_or(&BTreeMap::new()));
    match (host.run(&script::after(), input.as_bytes(), PATIENCE), ends) {
        (Err(error), _) => Aftermath::unknown(error),
        (Ok(output), Ok(_)) => read(&output.stdout),
        // What was there before cannot be told from what is new.
        (Ok(output), Err(why)) => Aftermath {
            logs: Seen::unknown(why),
            ..read(&output.stdout)
        },
    }
}

/// What the script reads.
fn input(since: i64, name: &str, ends: &BTreeMap<(u64, String), u64>) -> String {
    let ends = ends
        .iter()
        .map(|((inode, path), bytes)| format!("{inode}\t{bytes}\t{path}\n"));
    format!("{since}\n{name}\n{}.\n", ends.collect::<String>())
}

fn read(reply: &[u8]) -> Aftermath {
    let reply = Reply::parse(reply);
    let packets = reply.find("media-packets");
    Aftermath {
        media_packets: packets
            .and_then(|text| text.as_deref().map(media_packets).transpose())
            .into(),
        logs: reply.text("log-marks").and_then(|text| logs(&text)).into(),
    }
}

/// The counter as the script prints it.
pub(super) fn media_packets(text: &str) -> Result<u64, String> {
    let text = text.trim();
    text.parse()
        .map_err(|_| format!("media counter: {text:?} is no number"))
}

/// `log<tab>lines|name|token<tab>count` lines.
fn logs(text: &str) -> Result<BTreeMap<String, LogSeen>, String> {
    let mut all: BTreeMap<String, LogSeen> = BTreeMap::new();
    for line in text.lines() {
        let [log, what, number] = fields(line).ok_or_else(|| odd("log-marks", line))?;
        let number = number.trim().parse().map_err(|_| odd("log-marks", line))?;
        let seen = all.entry(log.to_owned()).or_default();
        match what {
            "lines" => seen.lines = number,
            "name" => seen.names = number,
            "token" => seen.tokens = number,
            _ => return Err(odd("log-marks", line)),
        }
    }
    if all.contains_key("journal") {
        Ok(all)
    } else {
        Err("log-marks: the journal was not read".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A real answer: Debian 12, with a firewall's counter and planted logs; the computer ran no journald.
    const REPLY: &[u8] = include_bytes!("../../tests/fixtures/facts/after.reply");

    #[test]
    fn a_real_hosts_second_answer_tells_of_media_and_logs() {
        let seen = read(REPLY);
        assert_eq!(seen.media_packets, Seen::Known(Some(7)));
        let Seen::Known(logs) = seen.logs else {
            panic!("{seen:?}")
        };
        assert_eq!(logs["journal"], LogSeen::default());
        assert_eq!(
            (
                logs["/var/log/nginx/access.log"].tokens,
                logs["/var/log/jitsi/jicofo.log"].names
            ),
            (1, 1)
        );
    }

    #[test]
    fn lines_with_names_and_tokens_are_counted_by_log() {
        let text = "journal\tlines\t9\njournal\tname\t0\njournal\ttoken\t0\n/var/log/a b\tlines\t3\n/var/log/a b\tname\t2\n\
                    /var/log/a b\ttoken\t1\n";
        let all = logs(text).unwrap();
        let expected = LogSeen {
            lines: 3,
            names: 2,
            tokens: 1,
        };
        assert_eq!(all["/var/log/a b"], expected);
        assert!(logs("").is_err() && logs("journal\tx\t1\n").is_err() && logs("journal\tlines\tmany\n").is_err());
    }

    #[test]
    fn a_log_is_read_from_where_it_was_and_another_of_its_name_as_a_whole() {
        let script = script::after();
        let start = script.find("goes_on_at() {").unwrap();
        let function = &script[start..start + script[start..].find("\n}\n").unwrap() + 3];
        let ends = BTreeMap::from([
            ((7, "/var/log/a b\t\\n".to_owned()), 5_000_000_000),
            ((8, "/var/log/c".to_owned()), 10),
        ]);
        let input = input(0, "x", &ends);
        let lines: Vec<&str> = input.lines().collect();
        assert_eq!((lines[0], lines[1], *lines.last().unwrap()), ("0", "x", "."));
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ends"), lines[2..lines.len() - 1].join("\n") + "\n").unwrap();
        let at = |path: &str, inode: &str, bytes: &str| {
            let mut shell = std::process::Command::new("sh");
            shell
                .arg("-c")
                .arg(format!("set -u; T=$1; shift\n{function}goes_on_at \"$@\""))
                .arg("sh");
            let output = shell.arg(dir.path()).args([path, inode, bytes]).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let long = "/var/log/a b\t\\n";
        assert_eq!(at(long, "7", "5000000001"), "5000000001");
        assert_eq!(at("/var/log/c", "8", "10"), "11");
        for (path, inode, bytes) in [
            (long, "7", "4999999999"),
            ("/var/log/c", "7", "99"),
            ("/var/log/d", "8", "99"),
        ] {
            assert_eq!(at(path, inode, bytes), "1", "{path} {inode} {bytes}");
        }
    }

    #[test]
    fn an_answer_cut_anywhere_is_unknown_or_the_same() {
        let whole = read(REPLY);
        for length in 0..REPLY.len() {
            let cut = read(&REPLY[..length]);
            assert!(
                matches!(cut.logs, Seen::Unknown(_)) || cut.logs == whole.logs,
                "{length}"
            );
            assert!(matches!(cut.media_packets, Seen::Unknown(_)) || cut.media_packets == whole.media_packets);
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "((journal\tlines\t)?(.|\t|\n)){0,80}") {
            let _ = logs(&text);
        }
    }
}
