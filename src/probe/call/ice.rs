//! ICE's connectivity checks (RFC 8445) and their answers, signed with the passwords of the signalling.

use std::net::SocketAddr;

use crate::probe::stun::message::Class;
use crate::probe::stun::message::Draft;
use crate::probe::stun::message::Kind;
use crate::probe::stun::message::Message;
use crate::probe::stun::message::Method;
use crate::probe::stun::message::Transaction;

/// Peer-reflexive preference, as RFC 8445 5.1.2 computes it for one component.
const PRIORITY: u32 = 0x6e7f_ffff;

/// A check of the controlled side.
pub(crate) fn request(transaction: Transaction, username: &str, password: &str) -> Vec<u8> {
    Draft::new(Method::Binding, Class::Request, transaction)
        .with(Kind::Username, username.as_bytes())
        .with(Kind::Priority, &PRIORITY.to_be_bytes())
        .with(Kind::IceControlled, &transaction[..8])
        .signed(password.as_bytes())
        .fingerprinted()
        .bytes()
}

/// The yes to a check that came from `mapped`.
pub(crate) fn success(transaction: Transaction, mapped: SocketAddr, password: &str) -> Vec<u8> {
    Draft::new(Method::Binding, Class::Success, transaction)
        .with_address(Kind::XorMappedAddress, mapped)
        .signed(password.as_bytes())
        .fingerprinted()
        .bytes()
}

/// Whether a message is a check from whoever was told our name and password.
pub(crate) fn is_honest(check: &Message, ufrag: &str, password: &str) -> bool {
    let name = check.text(Kind::Username);
    let to = name.as_deref().and_then(|name| name.split_once(':'));
    to.is_some_and(|(to, _)| to == ufrag) && check.is_signed_with(password.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_honest_to_whom_it_names_and_with_his_password() {
        let check = Message::read(&request([7; 12], "them:us", "secret")).unwrap();
        assert_eq!(check.transaction, [7; 12]);
        assert!(is_honest(&check, "them", "secret"));
        assert!(!is_honest(&check, "us", "secret"));
        assert!(!is_honest(&check, "them", "other"));
        let from = "192.0.2.1:9".parse().unwrap();
        let answer = Message::read(&success([7; 12], from, "secret")).unwrap();
        assert!(answer.is(Method::Binding, Class::Success) && answer.is_signed_with(b"secret"));
        assert_eq!(answer.address(Kind::XorMappedAddress), Some(from));
    }
}
