//! What the engine reports, line by line. Pure: text in, events out. A line that nobody understands is dropped, since
//! only `end` lines decide anything and a missing end is itself an answer.

use crate::spec::RemotePath;

/// One report of a running plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A change begins; its place in the plan.
    Begin(usize),
    /// A line that a failing change printed, secrets masked.
    Note(usize, String),
    /// Why a change is failing, where the engine knows.
    Cause(Cause),
    /// A change ended.
    Done(usize, Outcome),
    /// The host waits for a new connection.
    Confirm,
    /// A change is being undone.
    Undo(usize),
    /// A change of an earlier run, whose plan is not known any more, is being undone.
    UndoOfEarlier,
    /// A line that a failing undo printed.
    UndoNote(usize, String),
    /// A change was undone, or could not be.
    Undone(usize, Outcome),
    /// Something that is not as before, in words.
    Left(String),
    /// A path that a removal leaves, since it was there before us.
    Spared(RemotePath),
    /// An earlier run that was cut short is being undone.
    Recovering(String),
    /// The host undoes the run by itself: nobody confirmed.
    RollingBack,
    /// A path that changed since the plan.
    Stale(usize, RemotePath),
    /// One line about the holder of the lock: key and value.
    Holder(String, String),
    /// The run is over.
    End(End),
}

/// How a change went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Nothing to do: it was so already.
    Same,
    /// Failed.
    Failed,
}

/// What keeps a change from being made and is not a matter of the change itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Another program holds a lock of apt, dpkg or debconf.
    LockHeld,
    /// A disk is full.
    NoSpace,
    /// A package repository is down, or serves something else than was signed.
    Repository,
    /// Packages of the host were half installed before and cannot be configured.
    BrokenPackages,
    /// Another process has a port.
    PortTaken,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All changes took effect.
    Ok,
    /// A removal that left something.
    Left,
    /// Undone.
    Restored,
    /// Undone but for something.
    Partly,
    /// Not begun: somebody holds the lock.
    Locked,
    /// Not begun: the host is not what was planned for.
    Stale,
    /// Not begun: an earlier run was undone first.
    Recovered,
}

/// Reads one line of the engine's log.
pub(crate) fn parse(line: &str) -> Option<Event> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "step" => {
            let (index, rest) = number(rest)?;
            match rest.split_once(' ').unwrap_or((rest, "")) {
                ("begin", _) => Some(Event::Begin(index)),
                ("ok", _) => Some(Event::Done(index, Outcome::Done)),
                ("same", _) => Some(Event::Done(index, Outcome::Same)),
                ("fail", _) => Some(Event::Done(index, Outcome::Failed)),
                ("note", text) => Some(Event::Note(index, text.to_owned())),
                _ => None,
            }
        }
        "undo" => {
            let (index, rest) = number(rest)?;
            match rest.split_once(' ').unwrap_or((rest, "")) {
                ("begin", _) => Some(Event::Undo(index)),
                ("ok", _) => Some(Event::Undone(index, Outcome::Done)),
                ("fail", _) => Some(Event::Undone(index, Outcome::Failed)),
                ("note", text) => Some(Event::UndoNote(index, text.to_owned())),
                _ => None,
            }
        }
        "cause" => match rest {
            "lock" => Some(Event::Cause(Cause::LockHeld)),
            "space" => Some(Event::Cause(Cause::NoSpace)),
            "repository" => Some(Event::Cause(Cause::Repository)),
            "packages" => Some(Event::Cause(Cause::BrokenPackages)),
            "port" => Some(Event::Cause(Cause::PortTaken)),
            _ => None,
        },
        "confirm?" => Some(Event::Confirm),
        "left" => Some(Event::Left(rest.to_owned())),
        "spared" => Some(Event::Spared(rest.parse().ok()?)),
        "recovering" => Some(Event::Recovering(rest.to_owned())),
        "rollback" => Some(Event::RollingBack),
        "stale" => {
            let (index, path) = number(rest)?;
            Some(Event::Stale(index, path.parse().ok()?))
        }
        "locked" => {
            let (key, value) = rest.split_once('=')?;
            Some(Event::Holder(key.to_owned(), value.to_owned()))
        }
        "end" => match rest {
            "ok" => Some(Event::End(End::Ok)),
            "left" => Some(Event::End(End::Left)),
            "restored" => Some(Event::End(End::Restored)),
            "partly" => Some(Event::End(End::Partly)),
            "locked" => Some(Event::End(End::Locked)),
            "stale" => Some(Event::End(End::Stale)),
            "recovered" => Some(Event::End(End::Recovered)),
            _ => None,
        },
        _ => None,
    }
}

fn number(text: &str) -> Option<(usize, &str)> {
    let (digits, rest) = text.split_once(' ')?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_protocol_is_read() {
        let cases = [
            ("step 0007 begin", Event::Begin(7)),
            ("step 0007 same", Event::Done(7, Outcome::Same)),
            ("step 0007 note a b", Event::Note(7, "a b".into())),
            ("step 0007 note ", Event::Note(7, String::new())),
            ("undo 0003 fail", Event::Undone(3, Outcome::Failed)),
            ("confirm? 0004", Event::Confirm),
            ("cause lock", Event::Cause(Cause::LockHeld)),
            (
                "stale 0002 /etc/x y",
                Event::Stale(2, "/etc/x y".parse().expect("a path")),
            ),
            (
                "spared /etc/jitsi",
                Event::Spared("/etc/jitsi".parse().expect("a path")),
            ),
            ("locked who=a@b", Event::Holder("who".into(), "a@b".into())),
            ("end restored", Event::End(End::Restored)),
        ];
        for (line, event) in cases {
            assert_eq!(parse(line), Some(event), "{line}");
        }
    }

    #[test]
    fn a_torn_line_is_dropped() {
        for line in [
            "",
            "step",
            "step x begin",
            "step 1",
            "end",
            "end sometime",
            "locked",
            "cause unheard-of",
            "stale 1 etc",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
