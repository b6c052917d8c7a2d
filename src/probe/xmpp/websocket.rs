//! XMPP over WebSocket (RFC 7395): one element a message.

use futures_util::SinkExt;
use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::probe::reach;
use crate::probe::trust;

use super::link::Endpoint;
use super::link::MESSAGE;
use super::link::Pass;
use super::link::XmppError;
use super::stanza::Element;
use super::stanza::Refused;
use super::stanza::escape;

/// An open WebSocket with an XMPP stream on it.
#[derive(Debug)]
pub(crate) struct WebSocket {
    stream: WebSocketStream<TlsStream<TcpStream>>,
}

impl WebSocket {
    pub(crate) async fn open(endpoint: &Endpoint, to: &str, pass: Option<&Pass>) -> Result<Self, XmppError> {
        let tls = trust::handshake(endpoint.address, &endpoint.domain, endpoint.tls.clone()).await?;
        let uri = format!("wss://{}{}", endpoint.authority(), endpoint.path(pass));
        let mut request = uri
            .into_client_request()
            .map_err(|_| XmppError::Broken("the address of the endpoint is not a URL".to_owned()))?;
        // Prosody answers 501 to a client that does not name the protocol.
        let headers = request.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", HeaderValue::from_static("xmpp"));
        if let Ok(origin) = HeaderValue::from_str(&format!("https://{}", endpoint.authority())) {
            headers.insert("Origin", origin);
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE))
            .max_frame_size(Some(MESSAGE));
        let stream = match timeout(reach::STEP, client_async_with_config(request, tls, Some(config))).await {
            Ok(Ok((stream, _))) => stream,
            Ok(Err(Error::Http(response))) => {
                return Err(XmppError::Http {
                    path: format!("/{}", endpoint.transport.path()),
                    status: response.status().as_u16(),
                });
            }
            Ok(Err(error)) => return Err(XmppError::Broken(error.to_string())),
            Err(_) => return Err(XmppError::Silent("the WebSocket upgrade".to_owned())),
        };
        let mut link = Self { stream };
        link.start(to).await?;
        Ok(link)
    }

    /// Begins a stream, or begins it again after a login.
    pub(crate) async fn start(&mut self, to: &str) -> Result<(), XmppError> {
        let open = format!(
            "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{}' version='1.0'/>",
            escape(to)
        );
        self.send(&open).await
    }

    pub(crate) async fn send(&mut self, xml: &str) -> Result<(), XmppError> {
        self.stream
            .send(Message::text(xml))
            .await
            .map_err(|error| XmppError::Broken(error.to_string()))
    }

    /// The next element that is not the stream's own opening.
    pub(crate) async fn next(&mut self) -> Result<Element, XmppError> {
        loop {
            let message = match self.stream.next().await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Err(XmppError::Broken(error.to_string())),
                None => return Err(XmppError::ended()),
            };
            let text = match message {
                Message::Text(text) => text,
                Message::Close(_) => return Err(XmppError::ended()),
                _ => continue,
            };
            let element = Element::parse(text.as_str()).map_err(|error| XmppError::Broken(error.to_string()))?;
            match element.name.as_str() {
                "open" => {}
                "close" => return Err(XmppError::ended()),
                "error" => {
                    let Refused { condition, text } = element.refusal();
                    return Err(XmppError::Ended { condition, text });
                }
                _ => return Ok(element),
            }
        }
    }

    pub(crate) async fn close(&mut self) {
        // Both goodbyes are courtesy on a connection that is dropped next.
        let _ = self.send("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>").await;
        let _ = self.stream.close(None).await;
    }
}
