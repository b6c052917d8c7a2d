//! The scripts and styles that a page loads from its own origin, and what these name and load in their turn. Bounded in
//! number, size and time; nothing is ever fetched from another origin.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use reqwest::Client;
use reqwest::Url;
use serde::Serialize;

use crate::probe::code;
use crate::probe::code::LinkKeys;
use crate::probe::html;
use crate::probe::html::Tag;
use crate::probe::origins;
use crate::probe::origins::Mention;
use crate::probe::origins::is_within;
use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::probe::target::Target;
use crate::seen::Seen;

use super::fetch;
use super::fetch::Ask;
use super::fetch::Response;
use super::page::Fetched;
use super::page::is_own;

/// Most files that are fetched. A page of Jitsi's names about five and loads some ten more by name.
const FILES: usize = 40;

/// Most bytes of one file: jitsi-meet's largest bundle has some six million.
const FILE: usize = 16 * 1024 * 1024;

/// Most bytes of all files together.
const ALL: usize = 48 * 1024 * 1024;

/// Longest wait for one file, and for all.
const FILE_TIME: Duration = Duration::from_secs(15);
const ALL_TIME: Duration = Duration::from_secs(45);

/// The scripts and styles of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crawl {
    /// The files that were looked at.
    pub resources: Vec<Resource>,
    /// How many more were named and not looked at: for their number, size or time, or since another host or port of the
    /// domain has them.
    pub unvisited: usize,
    /// The settings that a link may change, where a script lists them.
    pub link_keys: Option<LinkKeys>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// Where it is.
    pub url: String,
    /// What came of it.
    pub response: Seen<Response>,
    /// Hosts that it names; unknown where it was not read whole.
    pub mentions: Seen<BTreeSet<Mention>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Script,
    Style,
}

struct Walk<'a> {
    target: &'a Target,
    to: SocketAddr,
    client: Client,
    seen: BTreeSet<String>,
    queue: VecDeque<(Kind, Url)>,
    bytes: usize,
    crawl: Crawl,
}

/// Follows the page's own scripts and styles.
pub(super) async fn look(target: &Target, to: SocketAddr, page: &Fetched) -> Sighting<Crawl> {
    let vantage = Vantage::now(format!("https://{} scripts and styles", target.domain), Some(to));
    let start = || -> Result<(Client, Url, Vec<Tag<'_>>), String> {
        let (response, body) = page.result.as_ref().map_err(Clone::clone)?;
        let tags = response.content().and_then(|()| html::tags(body));
        let tags = tags.map_err(|why| format!("the page: {why}"))?;
        let base = Url::parse(&response.url).map_err(|error| error.to_string())?;
        Ok((fetch::stranger(target, to)?, base, tags))
    };
    let (client, base, tags) = match start() {
        Ok(start) => start,
        Err(why) => return vantage.saw(Vec::new(), Seen::Unknown(why)),
    };
    let mut walk = Walk::new(target, to, client);
    walk.begin(&base, &tags);
    walk.all().await;
    let transcript = walk
        .crawl
        .resources
        .iter()
        .map(|resource| {
            let digest = resource.response.known().map(|response| &response.body_sha256);
            format!("<< {} sha256 {}", resource.url, digest.map_or("none", String::as_str))
        })
        .collect();
    vantage.saw(transcript, Seen::Known(walk.crawl))
}

impl<'a> Walk<'a> {
    fn new(target: &'a Target, to: SocketAddr, client: Client) -> Self {
        Self {
            target,
            to,
            client,
            seen: BTreeSet::new(),
            queue: VecDeque::new(),
            bytes: 0,
            crawl: Crawl {
                resources: Vec::new(),
                unvisited: 0,
                link_keys: None,
            },
        }
    }

    /// What the page itself names.
    fn begin(&mut self, page: &Url, tags: &[Tag<'_>]) {
        let base = tags
            .iter()
            .find(|tag| tag.name == "base")
            .and_then(|tag| page.join(tag.get("href")?).ok())
            .unwrap_or_else(|| page.clone());
        for tag in tags {
            match tag.name.as_str() {
                "script" => {
                    self.name(Kind::Script, &base, tag.get("src").unwrap_or_default());
                    for file in code::files_in_script(tag.text) {
                        self.name(Kind::Script, &base, &file);
                    }
                    self.keys(tag.text);
                }
                "link" => {
                    let kind = match (tag.get("rel").unwrap_or_default(), tag.get("as").unwrap_or_default()) {
                        (rel, _) if rel.to_ascii_lowercase().contains("stylesheet") => Kind::Style,
                        ("preload" | "prefetch", "style") => Kind::Style,
                        ("modulepreload", _) | ("preload" | "prefetch", "script" | "worker") => Kind::Script,
                        _ => continue,
                    };
                    self.name(kind, &base, tag.get("href").unwrap_or_default());
                }
                "style" => {
                    for file in code::urls_in_style(tag.text) {
                        self.style(&base, &file);
                    }
                }
                _ => {}
            }
        }
    }

    /// Queues a file of the page's own origin, once; counts one that lies elsewhere below the domain, where nothing is
    /// fetched from and which is no foreign host either.
    fn name(&mut self, kind: Kind, base: &Url, file: &str) {
        let file = file.trim();
        if file.is_empty() {
            return;
        }
        let Ok(mut url) = base.join(file) else { return };
        url.set_fragment(None);
        let own = is_own(self.target, self.to, &url);
        if (own
            || url
                .host_str()
                .is_some_and(|host| is_within(host, self.target.domain.as_str())))
            && self.seen.insert(url.to_string())
        {
            match own {
                true => self.queue.push_back((kind, url)),
                false => self.crawl.unvisited += 1,
            }
        }
    }

    /// Queues what a style names where that is a style.
    fn style(&mut self, base: &Url, file: &str) {
        if file
            .split(['?', '#'])
            .next()
            .is_some_and(|plain| plain.ends_with(".css"))
        {
            self.name(Kind::Style, base, file);
        }
    }

    fn keys(&mut self, script: &str) {
        if self.crawl.link_keys.is_none() {
            self.crawl.link_keys = code::link_keys(script);
        }
    }

    async fn all(&mut self) {
        let begun = Instant::now();
        while let Some((kind, url)) = self.queue.pop_front() {
            let spent = self.crawl.resources.len() >= FILES || self.bytes >= ALL || begun.elapsed() >= ALL_TIME;
            if spent {
                self.crawl.unvisited += self.queue.len() + 1;
                return;
            }
            let resource = self.one(kind, &url).await;
            self.crawl.resources.push(resource);
        }
    }

    async fn one(&mut self, kind: Kind, url: &Url) -> Resource {
        let asked = Ask::get(url.as_str()).bounded(FILE, FILE_TIME).send(&self.client).await;
        let (response, body) = match asked {
            Ok(served) => served,
            Err(why) => {
                return Resource {
                    url: url.to_string(),
                    response: Seen::Unknown(why.clone()),
                    mentions: Seen::Unknown(why),
                };
            }
        };
        self.bytes += response.body_length;
        let mut mentions = BTreeSet::new();
        if let Some(location) = response.location() {
            mentions.extend(origins::in_code(location, "location"));
            self.name(kind, url, location);
        }
        // A redirect is followed, and what is not there loads nothing.
        let moved = (300..400).contains(&response.status) || matches!(response.status, 404 | 410);
        let read = if moved { Ok(()) } else { response.content() };
        if !moved && read.is_ok() {
            match kind {
                Kind::Script => {
                    mentions.extend(code::hosts_in_script(&body));
                    for file in code::files_in_script(&body) {
                        self.name(Kind::Script, url, &file);
                    }
                    self.keys(&body);
                }
                Kind::Style => {
                    for file in code::urls_in_style(&body) {
                        mentions.extend(origins::in_code(&file, "url()"));
                        self.style(url, &file);
                    }
                }
            }
        }
        Resource {
            url: url.to_string(),
            response: Seen::Known(response),
            mentions: Seen::from(read.map(|()| mentions)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::Domain;

    use super::*;

    /// What is left to fetch and what is counted of a page at `https://t.example.com/`.
    fn begun(page: &str) -> (Vec<String>, usize) {
        let target = Target::of("t.example.com".parse::<Domain>().unwrap());
        let to: SocketAddr = "192.0.2.1:443".parse().unwrap();
        let mut walk = Walk::new(&target, to, fetch::stranger(&target, to).unwrap());
        walk.begin(
            &Url::parse("https://t.example.com/").unwrap(),
            &html::tags(page).unwrap(),
        );
        let queue = walk.queue.iter().map(|(_, url)| url.path().to_owned());
        (queue.collect(), walk.crawl.unvisited)
    }

    #[test]
    fn files_of_the_domain_that_lie_elsewhere_are_counted_and_not_fetched() {
        let own = "<script src=/a.js></script><link rel=stylesheet href=https://t.example.com/b.css>";
        assert_eq!(begun(own), (vec!["/a.js".to_owned(), "/b.css".to_owned()], 0));
        let below = "<script src=https://cdn.t.example.com/x.js></script><script src=//cdn.t.example.com/x.js></script>\
                     <script src=https://t.example.com:8443/y.js></script><script>import('http://t.example.com/z.js')</script>";
        assert_eq!(begun(below), (Vec::new(), 3));
        // A foreign host is judged where it is named.
        assert_eq!(
            begun("<script src=https://evilt.example.com/x.js></script>"),
            (Vec::new(), 0)
        );
    }
}
