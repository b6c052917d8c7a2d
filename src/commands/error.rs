//! What a command that did not succeed says: what happened, where, and what to do next; and its exit code.

use std::fmt;

/// Why a command ends with a code other than 0. docs/exit-codes.md is the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The operation failed or was refused.
    Failed,
    /// Wrong usage or an invalid spec; nothing was touched.
    Usage,
    /// Something was left.
    Partly,
}

impl Kind {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partly => 6,
        }
    }
}

/// What happened, in words.
#[derive(Debug)]
pub enum Message {
    /// One sentence.
    Sentence(String),
    /// A list of problems that was rendered as a whole and says itself that they are errors.
    Problems(String),
}

impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sentence(text) => write!(formatter, "error: {text}"),
            Self::Problems(text) => formatter.write_str(text.trim_end()),
        }
    }
}

/// An error as the operator sees it.
#[derive(Debug)]
pub struct CommandError {
    /// Decides the exit code.
    pub kind: Kind,
    /// What happened.
    pub message: Message,
    /// What to do next.
    pub hints: Vec<String>,
}

impl CommandError {
    /// An operation that failed; `source` is a fragment that fits "failed to …".
    pub fn failed(source: impl fmt::Display) -> Self {
        Self {
            kind: Kind::Failed,
            message: Message::Sentence(format!("failed to {source}")),
            hints: Vec::new(),
        }
    }

    /// An operation that was refused; `reason` is a whole sentence.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Failed,
            message: Message::Sentence(reason.into()),
            hints: Vec::new(),
        }
    }

    /// Wrong usage; `reason` is a whole sentence.
    pub fn usage(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Usage,
            message: Message::Sentence(reason.into()),
            hints: Vec::new(),
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
