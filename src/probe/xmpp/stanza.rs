//! XMPP elements: read from what a server sent (by a parser that expands no DTD), and escaped into what we send.

use std::collections::BTreeMap;

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
    pub(crate) fn parse(xml: &str) -> Result<Self, roxmltree::Error> {
        Ok(Self::from_node(roxmltree::Document::parse(xml)?.root_element()))
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

    /// A short rendering for transcripts, with session identifiers masked: they let their holder go on as us.
    pub(crate) fn shown(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            let masked = matches!(name.as_str(), "session-id" | "sid" | "authid");
            let value = if masked { "…".to_owned() } else { escape(value) };
            out.push_str(&format!(" {name}='{value}'"));
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        out.push_str(&escape(&self.text));
        for child in &self.children {
            child.write(out);
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
    fn a_document_type_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
        assert!(Element::parse(bomb).is_err());
    }

    #[test]
    fn escaped_text_comes_back_unchanged() {
        let nasty = "a<b>&'\"c";
        let element = Element::parse(&format!("<a b='{0}'>{0}</a>", escape(nasty))).unwrap();
        assert_eq!((element.attribute("b"), element.text.as_str()), (Some(nasty), nasty));
    }
}
