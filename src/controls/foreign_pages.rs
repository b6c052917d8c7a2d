//! What pages of other sites get from this one: answers they may read, XMPP they may speak, redirects under their name;
//! and methods that no page needs.

use crate::controls::Case;
use crate::controls::Evidence;
use crate::controls::Verdict;
use crate::probe::PlainAnswer;
use crate::probe::Sighting;
use crate::probe::WebView;
use crate::probe::web::FOREIGN_ORIGIN;
use crate::probe::web::MethodAnswer;
use crate::probe::web::Response;
use crate::probe::web::foreign_origins;
use crate::probe::xmpp::link::Transport;
use crate::seen::Seen;

/// leakage/cross-origin-reads.
pub(crate) fn cross_origin_reads(case: &Case) -> Vec<Verdict> {
    let expected = "no answer may be read by another site's page";
    case.each_site("cross-origin requests", expected, |view| {
        let looks = view.foreign.reads.iter().chain([&view.foreign.bosh]);
        let origins = foreign_origins(case.domain);
        let judge = |subject: &str, response: &Response| {
            let open: Vec<&str> = response
                .all("access-control-allow-origin")
                .iter()
                .map(|value| value.trim())
                .filter(|value| {
                    let named = origins.iter().any(|origin| value.eq_ignore_ascii_case(origin));
                    named || matches!(*value, "*" | "null")
                })
                .collect();
            (!open.is_empty()).then(|| format!("{subject}: Access-Control-Allow-Origin: {}", open.join(", ")))
        };
        vec![all_of(case, "cross-origin requests", expected, looks, judge)]
    })
}

/// exposure/methods-refused.
pub(crate) fn methods_refused(case: &Case) -> Vec<Verdict> {
    let expected = "TRACE and every method that writes are refused";
    case.each_site("methods", expected, |view| {
        let judge = |_: &str, seen: &MethodAnswer| {
            let status = seen.answer.response.status;
            match status {
                _ if seen.echoes => Some(format!("{} repeats what the browser sent", seen.method)),
                200..=299 => Some(format!("{} is answered with status {status}", seen.method)),
                _ => None,
            }
        };
        vec![all_of(case, "methods", expected, view.methods.iter(), judge)]
    })
}

/// One verdict over several looks: the worst of what they say.
fn all_of<'a, T: 'a>(
    case: &Case,
    what: &str,
    expected: &str,
    looks: impl Iterator<Item = &'a Sighting<T>>,
    judge: impl Fn(&str, &T) -> Option<String>,
) -> Verdict {
    let subject = format!("https://{} {what}", case.domain);
    let mut wrong = Vec::new();
    let mut unseen = None;
    let mut evidence: Vec<Evidence> = Vec::new();
    for look in looks {
        evidence.push(case.sighted(look));
        match look.known() {
            Ok(seen) => wrong.extend(judge(&look.subject, seen)),
            Err(why) => unseen = unseen.or(Some(why)),
        }
    }
    let count = evidence.len();
    let mut evidence = evidence.into_iter();
    let Some(first) = evidence.next() else {
        return case.unseen_outside(what, expected, "nothing was asked");
    };
    let verdict = match (wrong.is_empty(), unseen) {
        (false, _) => Verdict::fail(subject, expected, wrong.join("; "), first),
        (true, Some(why)) => Verdict::unverified(subject, expected, why, first),
        (true, None) => Verdict::pass(subject, expected, format!("{count} requests, none of them"), first),
    };
    evidence.fold(verdict, Verdict::and)
}

/// access/foreign-pages-refused.
pub(crate) fn foreign_pages_refused(case: &Case) -> Vec<Verdict> {
    let expected = "XMPP is refused to another site's page, and spoken with this one's";
    case.each_site("XMPP from foreign pages", expected, |view| {
        vec![
            session(case, view, &view.foreign.bosh, Transport::Bosh, expected),
            session(case, view, &view.foreign.websocket, Transport::WebSocket, expected),
        ]
    })
}

fn session(case: &Case, view: &WebView, look: &Sighting<Response>, transport: Transport, expected: &str) -> Verdict {
    let subject = &look.subject;
    let evidence = case.sighted(look);
    let response = match look.known() {
        Err(why) => return Verdict::unverified(subject, expected, why, evidence),
        Ok(response) => response,
    };
    let status = response.status;
    match status {
        101 | 200..=299 => {
            let observed = format!("status {status}: a page of {FOREIGN_ORIGIN} speaks XMPP here");
            Verdict::fail(subject, expected, observed, evidence)
        }
        400..=499 if status != 429 => match speaks(case, view, transport) {
            Ok(()) => Verdict::pass(subject, expected, format!("status {status}"), evidence),
            Err(why) => {
                let why = format!("status {status}, but nobody is let in here: {why}");
                Verdict::unverified(subject, expected, &why, evidence)
            }
        },
        _ => Verdict::unverified(subject, expected, &format!("status {status}"), evidence),
    }
}

/// Whether the same endpoint spoke XMPP with a client of the site's own.
fn speaks(case: &Case, view: &WebView, transport: Transport) -> Result<(), String> {
    let Seen::Known(sightings) = case.outside else {
        return Err("nothing was seen".to_owned());
    };
    let doors = sightings.xmpp.iter().filter(|xmpp| xmpp.address == view.address);
    let door = doors
        .flat_map(|xmpp| &xmpp.doors)
        .find(|door| door.transport == transport);
    let door = door.ok_or("it was not tried")?;
    door.stranger.mechanisms.known().map(|_| ()).map_err(str::to_owned)
}

/// encryption/redirect-stays-home.
pub(crate) fn redirect_stays_home(case: &Case) -> Vec<Verdict> {
    let expected = "a request for another host's name is neither served nor sent there";
    case.each_site("port 80 for another host", expected, |view| {
        let look = &view.plain_foreign;
        let subject = &look.subject;
        let evidence = case.sighted(look);
        vec![match &look.result {
            Seen::Unknown(why) => Verdict::unverified(subject, expected, why, evidence),
            Seen::Known(PlainAnswer::Filtered) => Verdict::unverified(subject, expected, "nobody answered", evidence),
            Seen::Known(PlainAnswer::Refused) => {
                Verdict::pass(subject, expected, "nothing listens there at all", evidence)
            }
            Seen::Known(PlainAnswer::HangsUp) => Verdict::pass(subject, expected, "it hangs up", evidence),
            Seen::Known(PlainAnswer::Answers(response)) => {
                let location = response.location().unwrap_or_default();
                let home = format!("https://{}", case.domain);
                let at_home = location == home || location.starts_with(&format!("{home}/"));
                let holds = match response.status {
                    300..=399 => at_home,
                    status => status >= 400,
                };
                let observed = format!("status {}, Location: {location}", response.status);
                Verdict::holds(holds, subject, expected, observed, evidence)
            }
        }]
    })
}
