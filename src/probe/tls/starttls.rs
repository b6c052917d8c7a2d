//! The clients' port of an XMPP server: what it offers before TLS (RFC 6120 5), and the way to TLS through it.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::probe::reach;
use crate::probe::reach::ReachError;
use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::seen::Seen;

/// Most bytes of one answer that are read.
const ANSWER: usize = 32 * 1024;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(6);

const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

/// The clients' port seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamView {
    /// An XMPP server answered.
    Speaks(StreamOffer),
    /// The host says that nothing listens.
    Refused,
    /// Nobody answered.
    Filtered,
}

/// What the server offers before TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamOffer {
    /// Whether TLS has to come first.
    pub starttls: StartTls,
    /// Login methods that it names before TLS.
    pub mechanisms: Vec<String>,
    /// What became of an anonymous login before TLS; unknown where it was not answered.
    pub login: Seen<EarlyLogin>,
}

/// How a stream offers TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StartTls {
    /// It does, and says that it must be taken.
    Required,
    /// It does, as a choice.
    Optional,
    /// It does not.
    Absent,
}

/// What became of a login before TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlyLogin {
    /// It was let in.
    Admitted,
    /// It was refused, by this error.
    Refused(String),
    /// The server closed the stream.
    Closed,
}

/// Looks at the clients' port at `address`.
pub(crate) async fn look(address: SocketAddr, name: &str) -> Sighting<StreamView> {
    let vantage = Vantage::now(format!("tcp://{name}:{} XMPP", address.port()), Some(address));
    let result = match reach::connect(address, reach::CONNECT).await {
        Ok(mut stream) => speak(&mut stream, name).await.map(StreamView::Speaks),
        Err(ReachError::Refused(_)) => Ok(StreamView::Refused),
        Err(ReachError::Filtered(..)) => Ok(StreamView::Filtered),
        Err(error) => Err(error.to_string()),
    };
    let line = match &result {
        Ok(StreamView::Speaks(offer)) => format!(">> stream header, ANONYMOUS; << {offer:?}"),
        other => format!("<< {other:?}"),
    };
    vantage.saw(vec![line], result.into())
}

async fn speak(stream: &mut TcpStream, name: &str) -> Result<StreamOffer, String> {
    let (starttls, mechanisms) = read_features(&features(stream, name).await?)?;
    let auth = format!("<auth xmlns='{SASL}' mechanism='ANONYMOUS'/>");
    let login = match send(stream, &auth).await {
        Ok(()) => early_login(stream).await,
        Err(_) => Ok(EarlyLogin::Closed),
    };
    Ok(StreamOffer {
        starttls,
        mechanisms,
        login: login.into(),
    })
}

/// Brings the stream to where TLS begins.
pub(crate) async fn upgrade(stream: &mut TcpStream, name: &str) -> Result<(), String> {
    features(stream, name).await?;
    send(stream, &format!("<starttls xmlns='{TLS}'/>")).await?;
    let answer = hear(stream, |text| text.contains("<proceed") || text.contains("<failure")).await?;
    match answer.contains("<proceed") && answer.ends_with('>') {
        true => Ok(()),
        false => Err("the server did not go on to TLS".to_owned()),
    }
}

/// Opens a stream; its features as text.
async fn features(stream: &mut TcpStream, name: &str) -> Result<String, String> {
    let header = format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
         to='{name}' version='1.0'>"
    );
    send(stream, &header).await?;
    let complete = |text: &str| {
        text.contains("</stream:features>") || text.contains("<stream:features/>") || text.contains("</stream:error>")
    };
    hear(stream, complete).await
}

async fn send(stream: &mut TcpStream, text: &str) -> Result<(), String> {
    match timeout(PATIENCE, stream.write_all(text.as_bytes())).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("the connection broke: {error}")),
        Err(_) => Err("the server takes no bytes".to_owned()),
    }
}

/// Reads until an answer is complete.
async fn hear(stream: &mut TcpStream, complete: impl Fn(&str) -> bool) -> Result<String, String> {
    let mut heard = Vec::new();
    let listen = async {
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) => return Err("the server closed the stream".to_owned()),
                Err(error) => return Err(format!("the connection broke: {error}")),
                Ok(count) => heard.extend_from_slice(&buffer[..count]),
            }
            let text = String::from_utf8_lossy(&heard);
            if complete(&text) {
                return Ok(text.into_owned());
            }
            if heard.len() > ANSWER {
                return Err("the server says more than XMPP would".to_owned());
            }
        }
    };
    let late = || format!("no complete answer within {} s", PATIENCE.as_secs());
    timeout(PATIENCE, listen).await.unwrap_or_else(|_| Err(late()))
}

async fn early_login(stream: &mut TcpStream) -> Result<EarlyLogin, String> {
    let complete = |text: &str| {
        ["<success", "</failure>", "</stream:error>", "</stream:stream>"]
            .iter()
            .any(|end| text.contains(end))
    };
    match hear(stream, complete).await {
        Ok(answer) if answer.contains("<success") => Ok(EarlyLogin::Admitted),
        Ok(answer) => Ok(EarlyLogin::Refused(condition(&answer))),
        Err(why) if why.contains("closed") || why.contains("broke") => Ok(EarlyLogin::Closed),
        Err(why) => Err(why),
    }
}

/// The name of the first element inside `<failure>` or `<stream:error>`.
fn condition(answer: &str) -> String {
    let inside = ["<failure", "<stream:error"]
        .iter()
        .find_map(|start| answer.split_once(start))
        .and_then(|(_, rest)| rest.split_once('<'));
    inside.map_or_else(
        || "no reason given".to_owned(),
        |(_, rest)| {
            rest.chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
                .take(60)
                .collect()
        },
    )
}

/// How TLS is offered, and which login methods are, before it.
fn read_features(text: &str) -> Result<(StartTls, Vec<String>), String> {
    let Some(start) = text.find("<stream:features") else {
        return Err(match text.contains("<stream:error") {
            true => format!("the server refused the stream: {}", condition(text)),
            false => "the port does not speak XMPP".to_owned(),
        });
    };
    let end = ["</stream:features>", "<stream:features/>"]
        .iter()
        .find_map(|end| Some(text[start..].find(end)? + start + end.len()))
        .ok_or("the server's features have no end")?;
    let wrapped = format!(
        "<w xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>{}</w>",
        &text[start..end]
    );
    let document =
        roxmltree::Document::parse(&wrapped).map_err(|error| format!("features that are no XML: {error}"))?;
    let named = |space: &'static str, name: &'static str| {
        document
            .descendants()
            .filter(move |node| node.tag_name().name() == name && node.tag_name().namespace() == Some(space))
    };
    let starttls = match named(TLS, "starttls").next() {
        None => StartTls::Absent,
        Some(offer) if offer.children().any(|child| child.tag_name().name() == "required") => StartTls::Required,
        Some(_) => StartTls::Optional,
    };
    let mechanisms = named(SASL, "mechanism")
        .filter_map(|node| node.text())
        .map(|text| text.chars().take(60).collect())
        .take(20)
        .collect();
    Ok((starttls, mechanisms))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Prosody 0.12's own words.
    const HEADER: &str = "<?xml version='1.0'?><stream:stream xml:lang='en' from='t.example.com' version='1.0' \
                          xmlns:stream='http://etherx.jabber.org/streams' id='1' xmlns='jabber:client'>";

    #[test]
    fn features_say_whether_tls_comes_first() {
        let required =
            format!("{HEADER}<stream:features><starttls xmlns='{TLS}'><required/></starttls></stream:features>");
        assert_eq!(read_features(&required), Ok((StartTls::Required, Vec::new())));
        let optional = format!(
            "{HEADER}<stream:features><starttls xmlns='{TLS}'/><mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism>\
             </mechanisms></stream:features>"
        );
        assert_eq!(
            read_features(&optional),
            Ok((StartTls::Optional, vec!["PLAIN".to_owned()]))
        );
        let none = format!("{HEADER}<stream:features/>");
        assert_eq!(read_features(&none), Ok((StartTls::Absent, Vec::new())));
        assert!(read_features("HTTP/1.1 400 Bad Request").is_err());
        let refused = format!("{HEADER}<stream:error><host-unknown xmlns='x'/></stream:error>");
        assert!(read_features(&refused).unwrap_err().contains("host-unknown"));
    }

    proptest! {
        #[test]
        fn any_features_are_read_without_a_panic(text in ".{0,200}", cut in 0..300usize) {
            let _ = read_features(&text);
            let _ = condition(&text);
            let whole = format!("{HEADER}<stream:features><starttls xmlns='{TLS}'/></stream:features>");
            let cut = cut.min(whole.len());
            let _ = read_features(&format!("{}{text}{}", &whole[..cut], &whole[cut..]));
        }
    }
}
