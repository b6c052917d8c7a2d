//! One bounded HTTP request to one address: what it asks and what of the answer is kept. Follows nothing by itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::Method;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use serde::Serialize;
use tokio::time::timeout;

use crate::probe::certificate::fingerprint;
use crate::probe::reach;
use crate::probe::target::Target;
use crate::probe::trust;

/// Most bytes of a body that are read, where a look does not say otherwise.
pub(crate) const BODY: usize = 2 * 1024 * 1024;

/// An HTTP response without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Response {
    /// What was asked for.
    pub url: String,
    /// Status code.
    pub status: u16,
    /// Headers by lower-case name, each value as sent.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Bytes of the body that were read.
    pub body_length: usize,
    /// SHA-256 of these bytes, in lower-case hexadecimal.
    pub body_sha256: String,
    /// Whether that was all of it.
    pub body: Body,
}

/// How much of a body was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// All of it.
    Whole,
    /// It was longer than we read.
    Cut,
    /// It came compressed although nobody asked for that; it is not unpacked.
    Packed,
}

impl Response {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.first().map(String::as_str)
    }

    /// All values of a header.
    pub fn all(&self, name: &str) -> &[String] {
        self.headers.get(name).map_or(&[], Vec::as_slice)
    }

    /// Where it redirects to.
    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }

    /// Whether it was served, and no error in its place; the reason where it was not.
    pub(crate) fn served(&self) -> Result<(), String> {
        match self.status {
            200 => Ok(()),
            status => Err(format!("it was answered with status {status}")),
        }
    }

    /// Whether the content was served and read whole; the reason where it was not.
    pub(crate) fn content(&self) -> Result<(), String> {
        self.served()?;
        match self.body {
            Body::Whole => Ok(()),
            Body::Cut => Err("it is too long to read whole".to_owned()),
            Body::Packed => Err("it came compressed although nobody asked for that".to_owned()),
        }
    }

    /// What was said, for a transcript. Cookies are named without their values.
    pub(crate) fn spoken(&self, method: &Method) -> Vec<String> {
        let mut lines = vec![
            format!(">> {method} {}", self.url),
            format!("<< {} ({} bytes)", self.status, self.body_length),
        ];
        for (name, values) in &self.headers {
            lines.extend(values.iter().map(|value| {
                let shown = if name == "set-cookie" { "…" } else { value.as_str() };
                format!("<< {name}: {shown}")
            }));
        }
        lines
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    method: Method,
    url: &'a str,
    headers: Vec<(&'static str, &'a str)>,
    body: Option<&'a str>,
    limit: usize,
    patience: Duration,
}

impl<'a> Ask<'a> {
    /// A GET.
    pub(crate) fn get(url: &'a str) -> Self {
        Self::with(Method::GET, url)
    }

    /// A request of any method.
    pub(crate) fn with(method: Method, url: &'a str) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            body: None,
            limit: BODY,
            patience: reach::STEP,
        }
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &'static str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a body.
    pub(crate) fn body(mut self, body: &'a str) -> Self {
        self.body = Some(body);
        self
    }

    /// Other bounds than the usual ones.
    pub(crate) fn bounded(mut self, limit: usize, patience: Duration) -> Self {
        self.limit = limit;
        self.patience = patience;
        self
    }

    /// Asks, without following redirects. A request without a body whose connection is lost before the answer is asked
    /// once more: servers that reload, and networks, do that.
    pub(crate) async fn send(&self, client: &Client) -> Result<(Response, String), String> {
        let url = self.url;
        let asked = async {
            match self.exchange(client).await {
                Err(error) if self.body.is_none() && error.is_request() && !error.is_timeout() => {
                    self.exchange(client).await
                }
                answer => answer,
            }
        };
        timeout(self.patience, asked)
            .await
            .map_err(|_| format!("{url} did not answer within {} s", self.patience.as_secs()))?
            .map_err(|error| format!("{url} gave no response: {}", chain_of(&error)))
    }

    async fn exchange(&self, client: &Client) -> Result<(Response, String), reqwest::Error> {
        let mut request = client.request(self.method.clone(), self.url);
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = self.body {
            request = request.body(body.to_owned());
        }
        let mut answer = request.send().await?;
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in answer.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.entry(name.as_str().to_owned()).or_default().push(value);
        }
        let status = answer.status().as_u16();
        let packed = headers
            .get("content-encoding")
            .is_some_and(|values| values.iter().any(|value| !value.eq_ignore_ascii_case("identity")));
        let mut body = if packed { Body::Packed } else { Body::Whole };
        let mut bytes = Vec::new();
        // After an upgrade there is no body, but another protocol.
        while status != 101
            && let Some(chunk) = answer.chunk().await?
        {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > self.limit {
                bytes.truncate(self.limit);
                body = if packed { Body::Packed } else { Body::Cut };
                break;
            }
        }
        let response = Response {
            url: self.url.to_owned(),
            status,
            headers,
            body_length: bytes.len(),
            body_sha256: fingerprint(&bytes),
            body,
        };
        Ok((response, String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// A client for the target at `to` that takes any certificate.
pub(crate) fn stranger(target: &Target, to: SocketAddr) -> Result<Client, String> {
    client(target.domain.as_str(), to, &trust::any_certificate())
}

/// An HTTP client that speaks to `to` whatever DNS says, follows nothing and uses no proxy.
pub(crate) fn client(domain: &str, to: SocketAddr, tls: &Arc<ClientConfig>) -> Result<Client, String> {
    Client::builder()
        .tls_backend_preconfigured(ClientConfig::clone(tls))
        .resolve(domain, to)
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(reach::CONNECT)
        .build()
        .map_err(|error| format!("this computer could not make an HTTP client: {}", chain_of(&error)))
}

/// An error with its causes: the HTTP client keeps the telling part at the end.
pub(crate) fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// Closes this many connections without an answer, answers those that follow; how many came is in the answer.
    async fn send_past(lost: usize, body: Option<&str>) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for number in 1.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 2048];
                assert!(stream.read(&mut request).await.unwrap() > 0);
                if number > lost {
                    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        let url = format!("http://t.example.com:{}/", to.port());
        let client = client("t.example.com", to, &trust::any_certificate()).unwrap();
        let ask = Ask { body, ..Ask::get(&url) };
        ask.send(&client).await.map(|(_, text)| text)
    }

    #[tokio::test]
    async fn a_request_that_is_lost_once_is_asked_again_and_one_with_a_body_is_not() {
        assert_eq!(send_past(0, None).await.as_deref(), Ok("1"));
        assert_eq!(send_past(1, None).await.as_deref(), Ok("2"));
        let lost = send_past(2, None).await.unwrap_err();
        assert!(lost.contains("gave no response"), "{lost}");
        assert!(send_past(1, Some("x")).await.is_err());
    }
}
