//! Validated names: a domain, a host's name in the spec, an absolute path on a host.

use std::fmt;
use std::str::FromStr;

/// A DNS name in lower case without a trailing dot: labels of 1 to 63 letters, digits and hyphens (RFC 1123), at least
/// two labels, at most 253 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Domain(String);

impl Domain {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name below this one, such as `guest.` or `auth.`; `label` is a constant of ours.
    pub fn below(&self, label: &str) -> String {
        format!("{label}.{}", self.0)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Domain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(format!("is a URL; leave out `{scheme}://` and any path"));
        }
        if text.len() > 253 {
            return Err(format!("has {} bytes; DNS allows 253", text.len()));
        }
        let labels: Vec<&str> = text.split('.').collect();
        if labels.len() < 2 {
            return Err("has no dot; a full domain such as telemed.example.com is needed".to_owned());
        }
        for label in &labels {
            check_label(label)?;
        }
        if labels.iter().all(|label| label.bytes().all(|b| b.is_ascii_digit())) {
            return Err("is an IP address; a domain is needed, for certificates and for the XMPP hosts".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

fn check_label(label: &str) -> Result<(), String> {
    if label.is_empty() {
        return Err("has an empty label (two dots in a row, or one at an end)".to_owned());
    }
    if label.len() > 63 {
        return Err(format!("has a label of {} bytes; DNS allows 63", label.len()));
    }
    if !label
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        return Err(format!(
            "has the label {label:?}; only a to z, 0 to 9 and hyphens are allowed, in lower case"
        ));
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(format!("has the label {label:?}, which begins or ends with a hyphen"));
    }
    Ok(())
}

/// The name of a host in the spec: one DNS label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct HostName(String);

impl HostName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        check_label(text)?;
        Ok(Self(text.to_owned()))
    }
}

/// An absolute path on a host, without `..`, empty parts or control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RemotePath(String);

impl RemotePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for RemotePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("{text:?} is not an absolute path"));
        };
        if rest
            .split('/')
            .any(|part| part.is_empty() || part == "." || part == "..")
        {
            return Err(format!("{text:?} has an empty, `.` or `..` part"));
        }
        if text.chars().any(char::is_control) {
            return Err(format!("{text:?} has a control character"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for RemotePath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RemotePath> for String {
    fn from(path: RemotePath) -> Self {
        path.0
    }
}
