//! Takes a page apart as far as a crawl needs it: tags, their attributes, and what stands in scripts and styles. Reads any
//! text without complaint, as browsers do.

/// Most tags that are read of one page.
const TAGS: usize = 20_000;

/// A tag that opens an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    /// Its name in lower case.
    pub(crate) name: String,
    /// Its attributes, names in lower case, in their order.
    pub(crate) attributes: Vec<(String, &'a str)>,
    /// What a script or style holds; empty for other elements.
    pub(crate) text: &'a str,
}

impl<'a> Tag<'a> {
    /// The first value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }

    /// Whether it is a script that the page holds itself and that browsers run.
    pub(crate) fn is_inline_script(&self) -> bool {
        self.name == "script" && self.get("src").is_none() && self.runs()
    }

    /// Whether a script's type is one that browsers run.
    fn runs(&self) -> bool {
        self.get("type").is_none_or(|kind| {
            let kind = kind.trim().to_ascii_lowercase();
            kind.is_empty() || kind == "module" || kind.contains("javascript") || kind.contains("ecmascript")
        })
    }
}

/// The tags of a page, without those in comments; the reason where there are too many to read them all.
pub(crate) fn tags(page: &str) -> Result<Vec<Tag<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        if found.len() == TAGS {
            return Err(format!("it has more than {TAGS} tags"));
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
            .unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        let (attributes, after) = attributes(&rest[end..]);
        rest = after;
        let mut text = "";
        if matches!(name.as_str(), "script" | "style") {
            let end = closing(rest, &name);
            text = &rest[..end];
            rest = &rest[end..];
        }
        found.push(Tag { name, attributes, text });
    }
    Ok(found)
}

/// Where `</name` begins, or the end.
fn closing(text: &str, name: &str) -> usize {
    text.match_indices("</")
        .map(|(at, _)| at)
        .find(|at| {
            text.get(at + 2..at + 2 + name.len())
                .is_some_and(|word| word.eq_ignore_ascii_case(name))
        })
        .unwrap_or(text.len())
}

/// The attributes up to `>`, and what follows it.
fn attributes(mut rest: &str) -> (Vec<(String, &str)>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return (found, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (found, after);
        }
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| c.is_whitespace() || matches!(c, '=' | '>' | '/'))
            .map_or(rest.len(), |(at, _)| at);
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            (value, rest) = match after.chars().next() {
                Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                _ => {
                    let end = after
                        .find(|c: char| c.is_whitespace() || c == '>')
                        .unwrap_or(after.len());
                    after.split_at(end)
                }
            };
        }
        found.push((name, value));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_comes_apart_as_browsers_see_it() {
        let page = "<!DOCTYPE html><html><!-- <script src=no.js> --><HEAD><link rel='stylesheet' href=css/all.css>\
                    <script>var config = { a: '<b>' };</SCRIPT ><script src=\"libs/app.bundle.min.js?v=1\" async></script>\
                    <script type=\"application/ld+json\">{}</script><img srcset=\"a.png 1x, //cdn.example.net/b.png 2x\"/>";
        let tags = tags(page).unwrap();
        let names: Vec<&str> = tags.iter().map(|tag| tag.name.as_str()).collect();
        assert_eq!(names, ["html", "head", "link", "script", "script", "script", "img"]);
        assert_eq!(tags[2].get("href"), Some("css/all.css"));
        assert_eq!(tags[3].text, "var config = { a: '<b>' };");
        assert!(tags[3].is_inline_script() && !tags[4].is_inline_script() && !tags[5].is_inline_script());
        assert_eq!(tags[4].get("src"), Some("libs/app.bundle.min.js?v=1"));
        assert_eq!(tags[4].get("async"), Some(""));
        assert_eq!(tags[6].get("srcset"), Some("a.png 1x, //cdn.example.net/b.png 2x"));
    }

    #[test]
    fn a_page_of_too_many_tags_is_not_read_in_part() {
        let page = "<b>".repeat(TAGS);
        assert_eq!(tags(&page).unwrap().len(), TAGS);
        let why = tags(&format!("{page}<script src=https://cdn.example.net/a.js>")).unwrap_err();
        assert!(why.contains("more than 20000 tags"), "{why}");
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(page in "\\PC{0,200}|[<>/!a='\" -]{0,200}") {
            let _ = tags(&page);
        }
    }
}
