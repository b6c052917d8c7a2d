//! What the server does with methods that no page needs, and what its error pages say.

use std::net::SocketAddr;

use reqwest::Client;
use reqwest::Method;
use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::probe::certificate::fingerprint;
use crate::probe::reach;
use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::probe::target::Target;
use crate::probe::trust;
use crate::seen::Seen;

use super::fetch;
use super::fetch::Ask;
use super::fetch::Body;
use super::fetch::Response;
use super::url;

/// Most characters of an answer's text that are kept.
const TEXT: usize = 2000;

/// Most bytes of the answer to a malformed request.
const RAW: usize = 16 * 1024;

/// Methods that write, or that echo what a browser sent (TRACE; TRACK is Microsoft's).
const METHODS: [&str; 6] = ["TRACE", "TRACK", "PUT", "DELETE", "PATCH", "PROPFIND"];

/// Sent with every such request; an echo holds it.
pub(crate) const MARK: &str = "anteroom-probe-mark";

/// An answer with the beginning of its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The response.
    pub response: Response,
    /// Its text, shortened.
    pub text: String,
}

/// One method and what it brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MethodAnswer {
    /// The method.
    pub method: String,
    /// Whether the answer repeats a header of the request.
    pub echoes: bool,
    /// The answer.
    pub answer: Answer,
}

/// Asks for a path that does not exist by every method; nothing of the server is ever named.
pub(super) async fn look(target: &Target, to: SocketAddr, path: &str) -> Vec<Sighting<MethodAnswer>> {
    let client = fetch::stranger(target, to);
    let url = url("https", target, to.port(), 443, path);
    let mut looks = Vec::new();
    for name in METHODS {
        let vantage = Vantage::now(format!("{name} {url}"), Some(to));
        let method = Method::from_bytes(name.as_bytes()).unwrap_or(Method::TRACE);
        let request = Ask::with(method.clone(), &url).header("x-anteroom-probe", MARK);
        let (transcript, result) = spoken(&client, &request, &method, &url).await;
        let result = result.map(|answer| MethodAnswer {
            method: name.to_owned(),
            echoes: answer.text.contains(MARK),
            answer,
        });
        looks.push(vantage.saw(transcript, Seen::from(result)));
    }
    looks
}

/// Collects pages that servers make themselves: of a path that no rule allows, of the BOSH endpoint, and of a request
/// that is malformed.
pub(super) async fn errors(target: &Target, to: SocketAddr, path: &str) -> Vec<Sighting<Answer>> {
    let client = fetch::stranger(target, to);
    let mut looks = Vec::new();
    for path in [&format!("{path}/below/it"), "/http-bind"] {
        let url = url("https", target, to.port(), 443, path);
        let vantage = Vantage::now(url.clone(), Some(to));
        let (transcript, result) = spoken(&client, &Ask::get(&url), &Method::GET, &url).await;
        looks.push(vantage.saw(transcript, Seen::from(result)));
    }
    looks.push(malformed(target, to).await);
    looks
}

async fn spoken(
    client: &Result<Client, String>,
    request: &Ask<'_>,
    method: &Method,
    url: &str,
) -> (Vec<String>, Result<Answer, String>) {
    let result = match client {
        Ok(client) => request.send(client).await,
        Err(why) => Err(why.clone()),
    };
    match result {
        Ok((response, body)) => {
            let text = body.chars().take(TEXT).collect();
            (response.spoken(method), Ok(Answer { response, text }))
        }
        Err(why) => (vec![format!(">> {method} {url}"), format!("<< {why}")], Err(why)),
    }
}

/// A request that no client of ours would send: servers answer it before any of their own rules apply.
async fn malformed(target: &Target, to: SocketAddr) -> Sighting<Answer> {
    let asked = "GET / HTTP/1.1 (no host)";
    let vantage = Vantage::now(format!("https://{} malformed request", target.domain), Some(to));
    let result = match timeout(reach::STEP, raw(target, to)).await {
        Ok(result) => result.and_then(|bytes| parse(&bytes, &format!("https://{}/", target.domain))),
        Err(_) => Err(format!("no answer within {} s", reach::STEP.as_secs())),
    };
    let transcript = match &result {
        Ok(answer) => {
            let mut lines = answer.response.spoken(&Method::GET);
            lines[0] = format!(">> {asked}");
            lines
        }
        Err(why) => vec![format!(">> {asked}"), format!("<< {why}")],
    };
    vantage.saw(transcript, Seen::from(result))
}

async fn raw(target: &Target, to: SocketAddr) -> Result<Vec<u8>, String> {
    let tls = trust::handshake(to, target.domain.as_str(), trust::any_certificate()).await;
    let mut stream = tls.map_err(|error| error.to_string())?;
    let written = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
    written.map_err(|error| format!("the connection broke: {error}"))?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while bytes.len() < RAW {
        match stream.read(&mut buffer).await {
            // Many servers end TLS without a goodbye; what came is what they said.
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(bytes)
}

/// An HTTP/1 response as it came.
pub(crate) fn parse(bytes: &[u8], url: &str) -> Result<Answer, String> {
    if bytes.is_empty() {
        return Err("the server hung up without a word".to_owned());
    }
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|code| code.parse().ok())
        .ok_or("the answer is no HTTP")?;
    let mut response = Response {
        url: url.to_owned(),
        status,
        headers: std::collections::BTreeMap::new(),
        body_length: body.len(),
        body_sha256: fingerprint(body.as_bytes()),
        body: if bytes.len() < RAW { Body::Whole } else { Body::Cut },
    };
    for line in lines.take(100) {
        if let Some((name, value)) = line.split_once(':') {
            let name = name.trim().to_ascii_lowercase();
            response.headers.entry(name).or_default().push(value.trim().to_owned());
        }
    }
    let text = body.chars().take(TEXT).collect();
    Ok(Answer { response, text })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nginx_own_error_page_is_read() {
        // nginx 1.22.1 of Debian 12 with `server_tokens off`, asked without a Host header.
        let page = "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nDate: Mon, 30 Nov 2026 10:00:00 GMT\r\n\
                    Content-Type: text/html\r\nContent-Length: 150\r\nConnection: close\r\n\r\n<html>\r\n<head><title>400 \
                    Bad Request</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n\
                    <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
        let answer = parse(page.as_bytes(), "https://t.example.com/").unwrap();
        assert_eq!(answer.response.status, 400);
        assert_eq!(answer.response.header("server"), Some("nginx"));
        assert!(answer.text.contains("<center>nginx</center>"));
        assert!(parse(b"", "x").is_err() && parse(b"SSH-2.0-x", "x").is_err());
    }

    proptest! {
        #[test]
        fn no_answer_breaks_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..300), head in "HTTP/[ -~\r\n]{0,80}") {
            let _ = parse(&bytes, "x");
            let _ = parse(head.as_bytes(), "x");
        }
    }
}
