//! XMPP elements: read from what a server sent (by a parser that expands no DTD, within bounds of depth and number), and
//! escaped into what we send.

use std::collections::BTreeMap;

use roxmltree::Document;
use roxmltree::ParsingOptions;

use super::transcript;

/// Deepest nesting that is read. Jitsi's own stanzas stay below ten.
const DEPTH: usize = 64;

/// Most elements and texts in one stanza.
const NODES: u32 = 20_000;

/// Most attributes of one element, and equals signs of one text. The parser's look for doubles takes their square.
const ATTRIBUTES: usize = 1024;

/// Why a text is no element.
#[derive(Debug, thiserror::Error)]
pub enum StanzaError {
    /// It is no XML, or has a document type.
    #[error("no readable XML: {0}")]
    Xml(#[from] roxmltree::Error),
    /// It is built to be expensive.
    #[error("XML with more than {0}")]
    Excessive(&'static str),
}

/// An XML element with what it holds, free of the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    /// Local name.
    pub(crate) name: String,
    /// Namespace; empty where there is none.
    pub(crate) namespace: String,
    /// Attributes by local name.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Elements inside.
    pub(crate) children: Vec<Self>,
    /// The text directly inside.
    pub(crate) text: String,
}

impl Element {
    /// Reads one element.
    pub(crate) fn parse(xml: &str) -> Result<Self, StanzaError> {
        // No tag holds a `<`, so that a piece between two holds all attributes of the one that begins it.
        if xml
            .split('<')
            .any(|piece| piece.matches('=').take(ATTRIBUTES + 1).count() > ATTRIBUTES)
        {
            return Err(StanzaError::Excessive("1024 attributes in one element"));
        }
        let options = ParsingOptions {
            nodes_limit: NODES,
            ..ParsingOptions::default()
        };
        let document = Document::parse_with_options(xml, options)?;
        // What follows, and the end of an element, go down by recursion.
        let too_deep = |node: roxmltree::Node<'_, '_>| node.ancestors().take(DEPTH + 1).count() > DEPTH;
        if document.descendants().any(too_deep) {
            return Err(StanzaError::Excessive("64 levels"));
        }
        Ok(Self::from_node(document.root_element()))
    }

    fn from_node(node: roxmltree::Node<'_, '_>) -> Self {
        Self {
            name: node.tag_name().name().to_owned(),
            namespace: node.tag_name().namespace().unwrap_or_default().to_owned(),
            attributes: node
                .attributes()
                .map(|attribute| (attribute.name().to_owned(), attribute.value().to_owned()))
                .collect(),
            children: node
                .children()
                .filter(|child| child.is_element())
                .map(Self::from_node)
                .collect(),
            text: node
                .children()
                .filter_map(|child| if child.is_text() { child.text() } else { None })
                .collect(),
        }
    }

    /// An attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// The first element inside with this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The elements inside with this name.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The condition of a stanza error (RFC 6120 8.3.3) or of a SASL failure, with the server's words.
    pub(crate) fn refusal(&self) -> Refused {
        let error = self.child("error").unwrap_or(self);
        let condition = error.children.iter().find(|child| child.name != "text");
        Refused {
            condition: condition.map_or_else(|| "undefined-condition".to_owned(), |child| child.name.clone()),
            text: error
                .child("text")
                .map(|text| text.text.clone())
                .filter(|text| !text.is_empty()),
        }
    }

    /// A short rendering for transcripts, with session identifiers masked: they let their holder go on as us. So are the
    /// passwords of TURN servers and rooms, and what JSON in a text calls a secret.
    pub(crate) fn shown(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            let masked = matches!(name.as_str(), "session-id" | "sid" | "authid") || transcript::is_secret(name);
            let value = if masked { "…".to_owned() } else { escape(value) };
            out.push_str(&format!(" {name}='{value}'"));
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        if transcript::is_secret(&self.name) || self.attribute("var").is_some_and(transcript::is_secret) {
            out.push('…');
        } else {
            out.push_str(&escape(&transcript::masked(&self.text)));
            for child in &self.children {
                child.write(out);
            }
        }
        out.push_str(&format!("</{}>", self.name));
    }
}

/// A server's no.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refused {
    /// The defined condition, such as `not-allowed` (RFC 6120 6.5 and 8.3.3).
    pub condition: String,
    /// The server's own words.
    pub text: Option<String>,
}

/// Nobody is there, or whoever asks is not in the room that he asks something of (RFC 6120 8.3.3, XEP-0045).
const ABSENCE: [&str; 7] = [
    "gone",
    "item-not-found",
    "not-acceptable",
    "recipient-unavailable",
    "remote-server-not-found",
    "remote-server-timeout",
    "service-unavailable",
];

/// The server is in no state to decide, or somebody asked too often.
const TROUBLE: [&str; 3] = ["internal-server-error", "policy-violation", "resource-constraint"];

/// Prosody's words for every address that is none of its own, where it speaks with no other server. They come with
/// `not-allowed`.
const ELSEWHERE: &str = "Communication with remote domains is not enabled";

impl Refused {
    /// Whether it tells nothing of what one may: nobody is there, or something is in the way.
    pub(crate) fn decides_nothing(&self) -> bool {
        ABSENCE.contains(&self.condition.as_str()) || self.is_trouble() || self.is_elsewhere()
    }

    /// Whether the server is in no state to decide.
    pub(crate) fn is_trouble(&self) -> bool {
        TROUBLE.contains(&self.condition.as_str())
    }

    /// Whether the address is none of the server's own.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.text.as_deref() == Some(ELSEWHERE)
    }
}

/// Text made safe for attributes in either quote and for content.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\'' => safe.push_str("&apos;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_from_stanzas_and_from_sasl_failures() {
        let presence = "<presence from='r@conference.d/p' type='error'><error type='cancel' by='conference.d'>\
            <not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
            <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Room creation is restricted</text></error></presence>";
        let refused = Element::parse(presence).unwrap().refusal();
        assert_eq!(refused.condition, "not-allowed");
        assert_eq!(refused.text.as_deref(), Some("Room creation is restricted"));
        let failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><invalid-mechanism/></failure>";
        assert_eq!(
            Element::parse(failure).unwrap().refusal().condition,
            "invalid-mechanism"
        );
    }

    #[test]
    fn a_no_decides_only_where_somebody_was_there_to_say_it() {
        let no = |condition: &str, text: Option<&str>| Refused {
            condition: condition.to_owned(),
            text: text.map(str::to_owned),
        };
        for condition in ["forbidden", "not-allowed", "not-authorized", "registration-required"] {
            assert!(!no(condition, None).decides_nothing(), "{condition}");
        }
        assert!(!no("not-allowed", Some("Room creation is restricted")).decides_nothing());
        assert!(no("not-allowed", Some(ELSEWHERE)).decides_nothing());
        for condition in ["remote-server-not-found", "service-unavailable", "resource-constraint"] {
            assert!(no(condition, None).decides_nothing(), "{condition}");
        }
    }

    #[test]
    fn a_document_type_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
        assert!(Element::parse(bomb).is_err());
    }

    #[test]
    fn what_is_built_to_be_expensive_is_refused() {
        let nested = format!("{}{}", "<a>".repeat(80_000), "</a>".repeat(80_000));
        assert!(matches!(
            Element::parse(&nested),
            Err(StanzaError::Xml(_) | StanzaError::Excessive(_))
        ));
        let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
        assert!(matches!(Element::parse(&deep), Err(StanzaError::Excessive(_))));
        let hidden = "<a b='/>'><!--</a>-->".repeat(100) + &"</a>".repeat(100);
        assert!(matches!(Element::parse(&hidden), Err(StanzaError::Excessive(_))));
        let wide: String = (0..40_000).map(|n| format!(" a{n}='>'")).collect();
        assert!(matches!(
            Element::parse(&format!("<a{wide}/>")),
            Err(StanzaError::Excessive(_))
        ));
        assert!(Element::parse(&format!("<a>{}</a>", "<b/>".repeat(30_000))).is_err());
        assert!(Element::parse("<a><b></a>").is_err());
    }

    #[test]
    fn transcripts_hold_no_passwords() {
        let services = "<iq><services xmlns='urn:xmpp:extdisco:2'><service type='turn' host='t.example' \
            username='1800000000' password='relaysecret'/></services><json-message>{\"type\":\"x\",\"password\":\"hush\"}\
            </json-message><x><field var='muc#roomconfig_roomsecret'><value>hush</value></field></x>\
            <password>hush</password></iq>";
        let shown = Element::parse(services).unwrap().shown();
        assert!(shown.contains("t.example") && shown.contains("roomsecret"), "{shown}");
        assert!(!shown.contains("hush") && !shown.contains("relaysecret"), "{shown}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,300}") {
            let _ = Element::parse(&text);
        }

        #[test]
        fn no_markup_makes_the_reader_panic(pieces in proptest::collection::vec("(<a b='c'>|<x:y/>|</a>|&lt;|&#x0;|<!\\[CDATA\\[|<!--|-->|'|\"|=|>|é)", 0..60)) {
            if let Ok(element) = Element::parse(&pieces.concat()) {
                let _ = (element.shown(), element.refusal());
            }
        }
    }

    #[test]
    fn escaped_text_comes_back_unchanged() {
        let nasty = "a<b>&'\"c";
        let element = Element::parse(&format!("<a b='{0}'>{0}</a>", escape(nasty))).unwrap();
        assert_eq!((element.attribute("b"), element.text.as_str()), (Some(nasty), nasty));
    }
}
