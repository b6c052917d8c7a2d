//! Reply → what lies on a host beside the files of ours. Puts the parsers to the sections; decides nothing.

use std::collections::BTreeMap;

use crate::facts::InsideFacts;
use crate::facts::Options;
use crate::facts::frame::Reply;
use crate::facts::parse::journal;
use crate::facts::parse::logins;
use crate::facts::parse::machine;
use crate::facts::parse::options;
use crate::facts::parse::out_of_place;
use crate::seen::Seen;

/// Everything that the sections of a reply say.
pub(super) fn inside(reply: &Reply) -> InsideFacts {
    // Without the list of files that everybody may read nothing was searched.
    let open = reply.text("open-files").map(drop);
    let searched = |name: &str| open.clone().and_then(|()| reply.find(name));
    InsideFacts {
        exposed: searched("exposed")
            .and_then(|text| text.as_deref().map(out_of_place::exposed).transpose())
            .into(),
        open_keys: searched("open-keys")
            .map(|text| text.unwrap_or_default().lines().map(str::to_owned).collect())
            .into(),
        loose: parsed(reply, "loose-files", out_of_place::loose),
        setuid: parsed(reply, "setuid-programs", out_of_place::setuid),
        logins: parsed(reply, "logins", logins::logins),
        journal: parsed(reply, "journal-settings", journal::settings),
        journal_files: reply
            .find("journal-files")
            .map(|text| text.as_deref().map(journal::files))
            .into(),
        trail: parsed(reply, "audit-trail", journal::trail),
        disks: parsed(reply, "disks", machine::disks),
        machine: parsed(reply, "virtual-machine", machine::virtual_machine),
        fixes: parsed(reply, "fixes", machine::fixes),
        kept: reply
            .find("kept")
            .and_then(|text| text.as_deref().map(out_of_place::kept).transpose())
            .into(),
        log_ends: parsed(reply, "log-ends", journal::log_ends),
        upstream: reply
            .find("upstream-hosts")
            .and_then(|text| out_of_place::upstream(&text.unwrap_or_default()))
            .into(),
        bridge: daemon(reply, "bridge").into(),
        focus: daemon(reply, "focus").into(),
    }
}

fn parsed<T>(reply: &Reply, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Seen<T> {
    reply.text(name).and_then(|text| parse(&text)).into()
}

fn daemon(reply: &Reply, name: &str) -> Result<Option<Options>, String> {
    let Some(arguments) = reply.find(&format!("daemon/{name}"))? else {
        return Ok(None);
    };
    let paths = reply.find(&format!("daemon-files/{name}"))?.unwrap_or_default();
    let files: BTreeMap<String, Result<Option<String>, String>> = (0..)
        .zip(paths.lines())
        .map(|(index, path): (usize, _)| (path.to_owned(), reply.find(&format!("daemon-file/{name}/{index}"))))
        .collect();
    let legacy = reply.find(&format!("daemon-legacy/{name}"))?;
    Ok(Some(options::options(&options::Answers {
        arguments: &arguments,
        files,
        legacy: legacy.as_deref(),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::PlaceKind;
    use proptest::prelude::*;

    fn framed(sections: &[(&str, i32, &str)]) -> Reply {
        let mut text = String::new();
        for (name, status, out) in sections {
            text.push_str(&format!("section {name} {status} {} 0\n{out}\n", out.len()));
        }
        text.push_str(&format!("end {}\n", sections.len()));
        Reply::parse(text.as_bytes())
    }

    const EXPOSED: &str = include_str!("../../tests/fixtures/facts/exposed");
    const ARGUMENTS: &str = include_str!("../../tests/fixtures/facts/bridge-arguments");
    const CONF: &str = include_str!("../../tests/golden/token-shared-secret/etc/jitsi/videobridge/jvb.conf");

    #[test]
    fn a_search_that_did_not_end_is_no_search() {
        let seen = inside(&framed(&[
            ("open-files", 0, ""),
            ("exposed", 0, EXPOSED),
            ("open-keys", 0, "/a\n"),
        ]));
        let places = &seen.exposed.known().unwrap().as_ref().unwrap().places;
        assert!(places.iter().any(|place| place.kind == PlaceKind::Arguments));
        assert_eq!(seen.open_keys, Seen::Known(vec!["/a".to_owned()]));
        let cut = inside(&framed(&[
            ("open-files", 124, ""),
            ("exposed", 0, EXPOSED),
            ("open-keys", 0, ""),
        ]));
        assert!(matches!(cut.exposed, Seen::Unknown(_)) && matches!(cut.open_keys, Seen::Unknown(_)));
        assert!(matches!(cut.bridge, Seen::Unknown(_)) && matches!(cut.kept, Seen::Unknown(_)));
    }

    #[test]
    fn a_running_bridge_is_its_arguments_its_file_and_what_that_includes() {
        let file = format!("{CONF}include \"more.conf\"\n");
        let seen = inside(&framed(&[
            ("daemon/bridge", 0, ARGUMENTS),
            (
                "daemon-files/bridge",
                0,
                "/etc/jitsi/videobridge/jvb.conf\n/etc/jitsi/videobridge/more.conf\n",
            ),
            ("daemon-file/bridge/0", 0, &file),
            ("daemon-file/bridge/1", 0, "videobridge.rest.debug.enabled = true\n"),
            ("daemon-legacy/bridge", 44, ""),
            ("daemon/focus", 44, ""),
        ]));
        let bridge = seen.bridge.known().unwrap().as_ref().unwrap();
        let all = bridge.effective.as_ref().unwrap();
        assert_eq!(all["videobridge.rest.debug.enabled"], "true");
        assert_eq!(
            all["videobridge.apis.xmpp-client.configs.core.PASSWORD"],
            "<secret:jvb>"
        );
        assert_eq!(seen.focus, Seen::Known(None));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            text in "((file|log|account|login|sudo|Inst |-Dconfig.file=/a)?(.|\t|\n)){0,60}",
            paths in "(/a\n|/b\n|.|\n){0,20}",
        ) {
            let names = [
                "open-files", "exposed", "open-keys", "loose-files", "setuid-programs", "logins", "journal-settings", "journal-files",
                "audit-trail", "disks", "virtual-machine", "fixes", "kept", "log-ends", "upstream-hosts", "daemon/bridge",
                "daemon-file/bridge/0", "daemon-legacy/bridge",
            ];
            let mut sections: Vec<(&str, i32, &str)> = names.map(|name| (name, 0, text.as_str())).into();
            sections.push(("daemon-files/bridge", 0, &paths));
            let seen = inside(&framed(&sections));
            prop_assert!(seen.open_keys.known().unwrap().len() <= text.len());
        }
    }
}
