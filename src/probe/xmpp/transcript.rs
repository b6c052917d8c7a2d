//! What was said, for evidence: bounded in number, and without tokens, passwords and relay credentials.

/// Most lines kept between two readings; a server may say any number of things.
const LINES: usize = 200;

/// Names of attributes, elements, form fields and JSON members whose values are never shown.
const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "roomsecret",
    "token",
    "jwt",
    "credential",
    "authorization",
    "pwd",
    "pw",
];

/// The lines of a conversation.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    lines: Vec<String>,
}

impl Transcript {
    /// Keeps a line, masked.
    pub(crate) fn push(&mut self, line: &str) {
        if self.lines.len() < LINES {
            self.lines.push(masked(line));
        }
    }

    /// The lines since the last time this was asked.
    pub(crate) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }
}

/// Whether a name, such as `password` or `muc#roomconfig_roomsecret`, is that of a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let last = name.rsplit(['#', '_', '-', '.', ':']).next().unwrap_or(name);
    SECRETS.iter().any(|secret| last.eq_ignore_ascii_case(secret))
}

/// The text with what looks like a token, and every value of a secret in JSON, in an attribute or in a query, replaced
/// by `…`.
pub(crate) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if is_word(c) {
            word.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let secret = is_secret(&word);
        put_word(&mut out, &mut word);
        if secret && let Some((lead, left)) = value_after(rest) {
            out.push_str(lead);
            out.push('…');
            rest = left;
            continue;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    put_word(&mut out, &mut word);
    out
}

/// Letters of names, of base64 and of its URL-safe form, and the dots between a token's parts.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '#')
}

fn put_word(out: &mut String, word: &mut String) {
    // A JSON object in base64 begins so, and a token with two of them.
    let token = word.match_indices("eyJ").next().map(|(at, _)| at);
    match token {
        Some(at) if word.len() - at > 8 => {
            out.push_str(&word[..at]);
            out.push('…');
        }
        _ => out.push_str(word),
    }
    word.clear();
}

/// Where a value follows a name (`": "x"`, `='x'`, `=x`, also escaped as in XML): what stands before the value, and what
/// stands behind it.
fn value_after(rest: &str) -> Option<(&str, &str)> {
    let mut at = 0;
    let mut assigned = false;
    let quote = loop {
        let here = &rest[at..];
        if let Some(quote) = ["&quot;", "&apos;", "\\\"", "\"", "'"]
            .into_iter()
            .find(|quote| here.starts_with(quote))
        {
            at += quote.len();
            if assigned {
                break Some(quote);
            }
        } else if here.starts_with([':', '=']) {
            assigned = true;
            at += 1;
        } else if here.starts_with([' ', '\t', '\r', '\n']) {
            at += 1;
        } else if assigned && !here.is_empty() {
            break None;
        } else {
            return None;
        }
    };
    let behind = &rest[at..];
    let end = match quote {
        Some(quote) => closing(behind, quote),
        None => behind
            .find(|c: char| c.is_whitespace() || matches!(c, ',' | '&' | '}' | '>' | '<' | ';'))
            .unwrap_or(behind.len()),
    };
    Some((&rest[..at], &behind[end..]))
}

/// Where a quoted value ends: at the next such quote that no backslash takes away, else at the end.
fn closing(behind: &str, quote: &str) -> usize {
    behind
        .match_indices(quote)
        .map(|(at, _)| at)
        .find(|at| {
            let slashes = behind[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count();
            slashes % 2 == 0
        })
        .unwrap_or(behind.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        for (text, shown) in [
            (r#"{"password":"hush","a":"b"}"#, r#"{"password":"…","a":"b"}"#),
            (
                r#"{"credential" : "hu\"sh", "username":"1"}"#,
                r#"{"credential" : "…", "username":"1"}"#,
            ),
            (
                "{&quot;token&quot;:&quot;hush&quot;}",
                "{&quot;token&quot;:&quot;…&quot;}",
            ),
            (
                "<service password='hush' port='3478'/>",
                "<service password='…' port='3478'/>",
            ),
            ("/http-bind?room=r&token=hush&x=1", "/http-bind?room=r&token=…&x=1"),
            ("?token=", "?token="),
            ("{\"pwd\":12345}", "{\"pwd\":…}"),
            ("<< eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln end", "<< … end"),
            ("a token required", "a token required"),
            (
                "<text>the token does not end within 30 minutes</text>",
                "<text>the token does not end within 30 minutes</text>",
            ),
            ("{\\\"secret\\\":\\\"hush\\\",1}", "{\\\"secret\\\":\\\"…\\\",1}"),
        ] {
            assert_eq!(masked(text), shown);
        }
        assert!(is_secret("muc#roomconfig_roomsecret") && is_secret("PASSWORD") && !is_secret("passwordprotected"));
    }

    #[test]
    fn a_talkative_server_fills_no_memory() {
        let mut transcript = Transcript::default();
        for _ in 0..10 * LINES {
            transcript.push("<< x");
        }
        assert_eq!(transcript.take().len(), LINES);
        assert!(transcript.take().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn masking_never_panics_and_never_shows_the_secret(before in "\\PC{0,40}", after in "\\PC{0,40}") {
            let text = format!("{before} \"password\":\"h0u5s1h9\",{after}");
            proptest::prop_assert!(!masked(&text).contains("h0u5s1h9") || before.contains('\\') || before.contains('='), "{}", text);
            let _ = masked(&format!("{before}{after}"));
        }
    }
}
