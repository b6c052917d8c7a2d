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
    match host.run(&script::after(), format!("{since}\n{name}\n").as_bytes(), PATIENCE) {
        Err(error) => Aftermath::unknown(error),
        Ok(output) => read(&output.stdout),
    }
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
