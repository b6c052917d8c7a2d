//! How a server's answers to a login read: let in, refused, or in no state to judge who came. Pure.

use super::link::XmppError;
use super::link::said;
use super::session::Login;
use super::stanza::Element;
use super::stanza::Refused;

/// The words on the credential itself: SASL's (RFC 6120 6.5) and those that Jitsi's token plugin takes from stanza errors.
const VERDICTS: [&str; 11] = [
    "account-disabled",
    "bad-auth",
    "credentials-expired",
    "forbidden",
    "incorrect-encoding",
    "invalid-authzid",
    "invalid-mechanism",
    "malformed-request",
    "mechanism-too-weak",
    "not-allowed",
    "not-authorized",
];

/// What a failure of SASL says. One that tells of the server, as `temporary-auth-failure` and rate limits do, refuses nobody.
pub(super) fn read_failure(refused: Refused) -> Result<Login, XmppError> {
    match VERDICTS.contains(&refused.condition.as_str()) {
        true => Ok(Login::Refused(refused)),
        false => Err(unexpected("a login", &refused)),
    }
}

/// What the answer to a resource binding says (RFC 6120 7), which comes after a login that succeeded.
pub(super) fn read_binding(bound: &Element) -> Result<Login, XmppError> {
    if bound.attribute("type") == Some("error") {
        return Ok(Login::Unbound(bound.refusal()));
    }
    match bound.child("bind").and_then(|bind| bind.child("jid")) {
        Some(jid) => Ok(Login::Admitted { jid: jid.text.clone() }),
        None => Err(XmppError::Unexpected {
            question: "a resource binding".to_owned(),
            answer: bound.shown().chars().take(200).collect(),
        }),
    }
}

/// What became of a session whose login had succeeded. A stream that ends then has not refused the login.
pub(super) fn after_success(error: XmppError) -> XmppError {
    match error {
        XmppError::Ended { condition, text } => {
            unexpected("a login by success, and then the session", &Refused { condition, text })
        }
        other => other,
    }
}

/// A server that ends the stream instead of refusing has refused too, but only with a reason that says so.
pub(crate) fn refused_by_hanging_up(outcome: Result<Login, XmppError>) -> Result<Login, XmppError> {
    match outcome {
        Err(XmppError::Ended { condition, text }) if condition == "not-authorized" => {
            Ok(Login::Refused(Refused { condition, text }))
        }
        other => other,
    }
}

fn unexpected(question: &str, answer: &Refused) -> XmppError {
    XmppError::Unexpected {
        question: question.to_owned(),
        answer: format!("{}{}", answer.condition, said(&answer.text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no(condition: &str) -> Refused {
        Refused {
            condition: condition.to_owned(),
            text: None,
        }
    }

    fn ended(condition: &str) -> XmppError {
        XmppError::Ended {
            condition: condition.to_owned(),
            text: None,
        }
    }

    #[test]
    fn only_a_word_on_the_credential_refuses_it() {
        for verdict in ["not-authorized", "not-allowed", "invalid-mechanism"] {
            assert_eq!(read_failure(no(verdict)).unwrap(), Login::Refused(no(verdict)));
        }
        for other in [
            "temporary-auth-failure",
            "resource-constraint",
            "policy-violation",
            "internal-server-error",
            "undefined-condition",
        ] {
            let why = read_failure(no(other)).unwrap_err().to_string();
            assert!(why.contains(other), "{why}");
        }
    }

    #[test]
    fn a_login_that_succeeded_is_no_refusal_whatever_follows() {
        let bound = "<iq type='error'><error type='wait'><resource-constraint \
            xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";
        let login = read_binding(&Element::parse(bound).unwrap()).unwrap();
        assert_eq!(login, Login::Unbound(no("resource-constraint")));
        let given = "<iq type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>a@d/1</jid></bind></iq>";
        let login = read_binding(&Element::parse(given).unwrap()).unwrap();
        assert!(matches!(login, Login::Admitted { jid } if jid == "a@d/1"));
        let cut = refused_by_hanging_up(Err(after_success(ended("not-authorized"))));
        assert!(cut.unwrap_err().to_string().contains("not-authorized"));
    }

    #[test]
    fn only_a_stream_that_ends_for_want_of_a_credential_was_refused() {
        let refused = refused_by_hanging_up(Err(ended("not-authorized"))).unwrap();
        assert_eq!(refused, Login::Refused(no("not-authorized")));
        for other in [
            "policy-violation",
            "host-unknown",
            "resource-constraint",
            "without a reason",
        ] {
            assert!(refused_by_hanging_up(Err(ended(other))).is_err(), "{other}");
        }
    }
}
