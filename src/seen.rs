//! `Seen<T>`: what a look brought back. A look that failed is never a default, a pass or an empty diff.

use std::fmt;

/// The outcome of one look at a host, a cloud or a server.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen<T> {
    /// The look worked; this is what was there.
    Known(T),
    /// The look did not work; the reason in a lower-case sentence.
    Unknown(String),
}

impl<T> Seen<T> {
    /// A failed look, with the reason.
    pub fn unknown(why: impl fmt::Display) -> Self {
        Self::Unknown(why.to_string())
    }

    /// The value, or the reason why there is none.
    pub fn known(&self) -> Result<&T, &str> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Unknown(why) => Err(why),
        }
    }

    /// Changes the value and keeps the reason.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Known(value) => Seen::Known(change(value)),
            Self::Unknown(why) => Seen::Unknown(why),
        }
    }
}

impl<T, E: fmt::Display> From<Result<T, E>> for Seen<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(error) => Self::Unknown(error.to_string()),
        }
    }
}
