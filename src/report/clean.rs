//! Text that servers and hosts sent, made safe to show: it must not move the cursor, recolour or hide what stands beside
//! it, nor read in another order than it is written. Knows no terminal.

use std::borrow::Cow;

/// Text for one line of a report: line ends and all other control characters are shown as escapes.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c == '\n' || is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            c if is_unsafe(c) => escape(&mut safe, c),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// The last guard before a stream: lets line ends, tabs and colours (`ESC [ … m`) through and escapes all else. What it
/// writes in their place is how JSON writes them, so a document stays the same document.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let width = match colour(rest) {
            Some(width) => {
                safe.push_str(&rest[..width]);
                width
            }
            None if is_unsafe(c) => {
                escape(&mut safe, c);
                c.len_utf8()
            }
            None => {
                safe.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[width..];
    }
    Cow::Owned(safe)
}

/// Length in bytes of the colour that the text begins with (ECMA-48 8.3.117, SGR).
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

/// Control characters (C0, DEL, C1) and those that reorder text (Unicode UAX #9, explicit formatting).
fn is_unsafe(c: char) -> bool {
    let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\n' && c != '\t') || reorders
}

/// All of them lie below U+FFFF.
fn escape(into: &mut String, c: char) {
    into.push_str(&format!("\\u{:04x}", u32::from(c)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_line_ends_and_reordering_are_shown_and_not_obeyed() {
        assert_eq!(one_line("plain, ü, 漢\t."), "plain, ü, 漢\t.");
        assert_eq!(one_line("a\r\nb"), "a\\u000d\\nb");
        assert_eq!(one_line("\u{1b}[2J\u{9b}31m\u{7f}"), "\\u001b[2J\\u009b31m\\u007f");
        assert_eq!(one_line("pass\u{202e}liaf"), "pass\\u202eliaf");
    }

    #[test]
    fn the_guard_lets_colours_and_line_ends_through_and_nothing_else() {
        let coloured = "\u{1b}[1;31mfail\u{1b}[0m\n\tü\n";
        assert_eq!(for_terminal(coloured), coloured);
        assert_eq!(
            for_terminal("\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[31"),
            "\\u001b]0;title\\u0007\\u001b[2J\\u001b[31"
        );
    }

    #[test]
    fn a_json_document_stays_the_same_document() {
        let value = serde_json::json!({"observed": "a\u{9b}b\u{7f}c\u{202e}d\u{1b}e"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let safe = for_terminal(&text);
        assert!(!safe.contains('\u{9b}'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }
}
