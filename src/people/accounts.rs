//! Clinicians' accounts on the main domain, each changed by a plan of one change, under the host's lock.

use std::fmt::Write;

use crate::apply;
use crate::apply::ApplyError;
use crate::apply::Operator;
use crate::facts::HostFacts;
use crate::plan::Change;
use crate::plan::Plan;
use crate::plan::Purpose;
use crate::remote::Host;
use crate::secret::Secret;
use crate::seen::Seen;
use crate::spec::Domain;

/// The names of accounts that a probe makes for itself begin so; whatever is left of them is removed by the next run.
const PROBE: &str = "anteroom-probe-";
/// Characters of a generated password: 130 bits in base 32.
const PASSWORD_LENGTH: usize = 26;
/// Crockford's base 32, in lower case: no i, l, o or u, so it can be read out.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// What a local part may hold here: what every part of Jitsi, and people, read alike (a subset of RFC 7622 3.3).
const LONGEST_USER: usize = 64;

/// Why an account is not as asked. Fragments that fit "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name cannot be one.
    #[error("name an account {0:?}: use a to z, 0 to 9, dots, hyphens and underscores, 64 characters at most")]
    Name(String),
    /// The operating system gives no random bytes.
    #[error("get random bytes: {0}")]
    Random(String),
    /// The host did not carry the change out.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// The bare JID of a clinician, when the name can be one.
///
/// # Errors
/// Where the name has other characters, or is too long.
pub fn jid(user: &str, domain: &Domain) -> Result<String, AccountError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    let good = !user.is_empty() && user.len() <= LONGEST_USER && user.bytes().all(plain) && !user.starts_with('.');
    if good {
        Ok(format!("{user}@{domain}"))
    } else {
        Err(AccountError::Name(user.to_owned()))
    }
}

/// Clinicians' names on the main domain, without those that probes make.
pub fn clinicians(facts: &HostFacts, domain: &Domain) -> Seen<Vec<String>> {
    names(facts, domain).map(|all| all.into_iter().filter(|name| !name.starts_with(PROBE)).collect())
}

/// Accounts that a crashed probe left.
pub fn stale(facts: &HostFacts, domain: &Domain) -> Vec<String> {
    let all = names(facts, domain);
    all.known()
        .map(|all| all.iter().filter(|name| name.starts_with(PROBE)).cloned().collect())
        .unwrap_or_default()
}

fn names(facts: &HostFacts, domain: &Domain) -> Seen<Vec<String>> {
    let suffix = format!("@{domain}");
    match facts.accounts.known() {
        Err(why) => Seen::unknown(why),
        Ok(all) => Seen::Known(
            all.keys()
                .filter_map(|jid| jid.strip_suffix(&suffix))
                .map(str::to_owned)
                .collect(),
        ),
    }
}

/// A password of 130 random bits that can be read out.
///
/// # Errors
/// Where the operating system gives no random bytes.
pub fn password() -> Result<Secret, AccountError> {
    random_text(PASSWORD_LENGTH).map(Secret::new)
}

/// The name of an account for one probe.
///
/// # Errors
/// Where the operating system gives no random bytes.
pub fn probe_name() -> Result<String, AccountError> {
    let mut name = PROBE.to_owned();
    let _ = write!(name, "{}", random_text(10)?);
    Ok(name)
}

fn random_text(length: usize) -> Result<String, AccountError> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|error| AccountError::Random(error.to_string()))?;
    // 256 is a multiple of 32, so every character is as likely as the next.
    Ok(bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect())
}

/// Makes an account or sets its password, after removing others, in one run on the host.
///
/// # Errors
/// Where the name cannot be one or the host does not carry the change out.
pub fn add(
    host: &mut dyn Host,
    domain: &Domain,
    user: &str,
    password: &Secret,
    removed: &[String],
    operator: &Operator,
) -> Result<(), AccountError> {
    let mut changes = removals(removed, domain)?;
    changes.push(Change::Clinician {
        jid: jid(user, domain)?,
        password: password.clone(),
    });
    carry_out(host, changes, operator)
}

/// Removes accounts and ends their sessions.
///
/// # Errors
/// Where a name cannot be one or the host does not carry the change out.
pub fn remove(host: &mut dyn Host, domain: &Domain, users: &[String], operator: &Operator) -> Result<(), AccountError> {
    carry_out(host, removals(users, domain)?, operator)
}

fn removals(users: &[String], domain: &Domain) -> Result<Vec<Change>, AccountError> {
    users
        .iter()
        .map(|user| jid(user, domain).map(|jid| Change::RemoveAccount { jid }))
        .collect()
}

fn carry_out(host: &mut dyn Host, changes: Vec<Change>, operator: &Operator) -> Result<(), AccountError> {
    let plan = Plan {
        host: host.name().clone(),
        purpose: Purpose::Build,
        changes,
        drift: Vec::new(),
        unseen: Vec::new(),
    };
    apply::carry_out(host, &plan, operator, &mut |_| {})?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_xmpp_or_people_would_read_otherwise_are_refused() {
        let domain: Domain = "telemed.example.com".parse().expect("a domain");
        assert_eq!(
            jid("dr.okafor", &domain).expect("a plain name"),
            "dr.okafor@telemed.example.com"
        );
        for bad in ["", "Dr", "a b", "a@b", "a/b", "ä", ".hidden", "a\nb", &"x".repeat(65)] {
            assert!(jid(bad, &domain).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_differ_and_are_long() {
        let (one, other) = (password().expect("random bytes"), password().expect("random bytes"));
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), PASSWORD_LENGTH);
    }
}
