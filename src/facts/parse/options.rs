//! The options that a Java service runs with: its arguments, the file that they name, and the old file of properties.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::Options;
use crate::facts::parse::hocon;

/// What was found of a running service.
pub(crate) struct Answers<'a> {
    /// The process's arguments, one a line.
    pub(crate) arguments: &'a str,
    /// Files of options by path; `None`: there is none; an error: it was not read.
    pub(crate) files: BTreeMap<String, Result<Option<String>, String>>,
    /// The old file of properties; `None`: there is none.
    pub(crate) legacy: Option<&'a str>,
}

/// Puts them together. The old properties win over the process's arguments, and those over the file (Typesafe Config
/// lays system properties over files, and jitsi-metaconfig asks the old properties first).
pub(crate) fn options(answers: &Answers<'_>) -> Options {
    let arguments: BTreeMap<String, String> = answers
        .arguments
        .lines()
        .filter_map(|line| line.strip_prefix("-D"))
        .map(|property| property.split_once('=').unwrap_or((property, "")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let file = arguments.get("config.file").cloned();
    let effective = effective(&arguments, file.as_deref(), &answers.files);
    let attach = [
        "-agentlib:jdwp",
        "-agentpath:",
        "-javaagent:",
        "-Xrunjdwp",
        "-Xdebug",
        "-Dcom.sun.management.jmxremote",
    ];
    let debug = answers.arguments.lines();
    let debug = debug.filter(|line| attach.iter().any(|word| line.starts_with(word)));
    let legacy = answers.legacy.unwrap_or_default().lines().map(str::trim);
    let legacy = legacy.filter(|line| !line.is_empty() && !line.starts_with(['#', '!']));
    let key = |line: &str| line.split(['=', ':', ' ']).next().unwrap_or_default().to_owned();
    Options {
        effective,
        file,
        debug: debug.map(str::to_owned).collect(),
        arguments,
        legacy: legacy.map(key).collect::<BTreeSet<_>>(),
    }
}

fn effective(
    arguments: &BTreeMap<String, String>,
    file: Option<&str>,
    files: &BTreeMap<String, Result<Option<String>, String>>,
) -> Result<BTreeMap<String, String>, String> {
    for other in ["config.resource", "config.url", "config.override_with_env_vars"] {
        if let Some(value) = arguments.get(other) {
            return Err(format!("the process was given {other}={value}"));
        }
    }
    let file = file.ok_or("the process was told of no file of options")?;
    let find = |path: &str| {
        let found = files.get(path).cloned();
        found.unwrap_or_else(|| Err(format!("{path} was not read")))
    };
    let mut all = hocon::settings(file, &find)?;
    for (key, value) in arguments {
        // A part of the tree is gone where an argument stands in its place.
        all.retain(|known, _| !known.starts_with(&format!("{key}.")));
        all.insert(key.clone(), value.clone());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BRIDGE: &str = include_str!("../../../tests/fixtures/facts/bridge-arguments");
    const PATH: &str = "/etc/jitsi/videobridge/jvb.conf";
    const CONF: &str = "videobridge.rest.debug.enabled = false\nvideobridge.websockets { enabled = false }\n";

    fn seen(more: &str, legacy: Option<&str>) -> Options {
        options(&Answers {
            arguments: &format!("{BRIDGE}{more}"),
            files: [(PATH.to_owned(), Ok(Some(CONF.to_owned())))].into(),
            legacy,
        })
    }

    #[test]
    fn a_real_process_runs_with_its_file() {
        let plain = seen("", None);
        assert_eq!(plain.file.as_deref(), Some(PATH));
        assert_eq!(plain.effective.unwrap()["videobridge.rest.debug.enabled"], "false");
        assert!(plain.legacy.is_empty());
    }

    #[test]
    fn an_argument_wins_over_the_file_and_the_last_one_over_all() {
        let more = seen(
            "-Dvideobridge.rest.debug.enabled=true\n-Dvideobridge.websockets=x\n",
            None,
        );
        let all = more.effective.unwrap();
        assert_eq!(all["videobridge.rest.debug.enabled"], "true");
        assert!(!all.contains_key("videobridge.websockets.enabled"));
        let elsewhere = seen("-Dconfig.file=/tmp/x.conf\n", None);
        assert_eq!(elsewhere.file.as_deref(), Some("/tmp/x.conf"));
        assert!(elsewhere.effective.unwrap_err().contains("was not read"));
        assert!(seen("-Dconfig.url=http://x\n", None).effective.is_err());
        assert_eq!(
            seen("-agentlib:jdwp=transport=dt_socket,server=y\n", None).debug.len(),
            1
        );
    }

    #[test]
    fn old_properties_are_told_by_their_keys() {
        let legacy = "# old\norg.jitsi.videobridge.TCP_HARVESTER_PORT=4443\norg.ice4j.x: y\n\n";
        let keys = seen("", Some(legacy)).legacy;
        assert_eq!(
            Vec::from_iter(keys),
            ["org.ice4j.x", "org.jitsi.videobridge.TCP_HARVESTER_PORT"]
        );
        let none = options(&Answers {
            arguments: "java\n",
            files: BTreeMap::new(),
            legacy: None,
        });
        assert!(none.effective.is_err() && none.file.is_none());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            arguments in "((-D|-Dconfig.file=/a|=)?(.|\n)){0,60}",
            text in "([a-c. =:{}#!]|\n|.){0,60}",
        ) {
            let files = [("/a".to_owned(), Ok(Some(text.clone())))].into();
            let seen = options(&Answers { arguments: &arguments, files, legacy: Some(&text) });
            prop_assert!(seen.arguments.len() <= arguments.lines().count());
            prop_assert!(seen.legacy.len() <= text.lines().count());
        }
    }
}
