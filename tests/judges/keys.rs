//! The keys of a rendered file that the software behind it does not know.

use std::path::Path;

use anteroom::render::Entry;
use anteroom::render::FileContent;
use anteroom::render::RenderedFile;
use anteroom::render::Wanted;
use serde_json::Value;

use crate::known::Known;
use crate::language::Language;
use crate::lua;
use crate::lua::Setting;

/// Path and text of every file that may be read.
pub(crate) fn texts(wanted: &Wanted) -> impl Iterator<Item = (&str, &str)> {
    wanted.tree.iter().filter_map(|(path, entry)| match entry {
        Entry::File(RenderedFile {
            content: FileContent::Text(text),
            ..
        }) => Some((path.as_str(), text.as_str())),
        _ => None,
    })
}

/// HOCON as JSON.
pub(crate) fn hocon(text: &str) -> Result<Value, String> {
    hocon_rs::Config::parse_str(text, None).map_err(|error| error.to_string())
}

/// The name that one of the page's two scripts gives to its settings, and the list of those that upstream knows.
pub(crate) fn script(path: &str) -> (&'static str, &'static str) {
    if path.ends_with("interface_config.js") {
        ("interfaceConfig", "interface-config-js")
    } else {
        ("config", "config-js")
    }
}

/// What a script of the page leaves in the name of its settings, by a JavaScript engine; it may set nothing else.
pub(crate) fn page(name: &str, text: &str) -> Result<Value, String> {
    let runtime = rquickjs::Runtime::new().map_err(|error| error.to_string())?;
    let context = rquickjs::Context::full(&runtime).map_err(|error| error.to_string())?;
    let seen: Result<String, rquickjs::Error> = context.with(|context| {
        let before = "const before = new Set(Object.getOwnPropertyNames(globalThis));";
        context.eval::<(), _>(before)?;
        context.eval::<(), _>(text)?;
        context.eval(format!(
            "JSON.stringify([{name}, Object.getOwnPropertyNames(globalThis).filter(name => !before.has(name))])"
        ))
    });
    let seen: Value = serde_json::from_str(&seen.map_err(|error| error.to_string())?).unwrap();
    if seen[1] != serde_json::json!([name]) {
        return Err(format!("the page sets {}", seen[1]));
    }
    Ok(seen[0].clone())
}

/// Every path of keys that leads to a value.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let below = if at.is_empty() {
                    key.clone()
                } else {
                    format!("{at}.{key}")
                };
                paths(value, &below, found);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                paths(item, &format!("{at}[]"), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

fn unknown_paths(value: &Value, known: &Known) -> Vec<String> {
    let mut found = Vec::new();
    paths(value, "", &mut found);
    found.retain(|path| !known.has_path(path));
    found
}

/// The keys of a file that nobody knows. `modules` are the texts of our own Prosody modules with their names.
pub(crate) fn unknown(path: &str, text: &str, modules: &[(String, String)]) -> Vec<String> {
    let json = |value: Result<Value, String>, lists: &[&str]| {
        let value = value.unwrap_or_else(|error| panic!("{path}: {error}"));
        unknown_paths(&value, &Known::of(lists))
    };
    let words = |keys: Vec<String>, list: &str| -> Vec<String> {
        let known = Known::of(&[list]);
        keys.into_iter().filter(|key| !known.has(key)).collect()
    };
    match Language::of(path) {
        Language::Hocon if path.contains("/jicofo/") => json(hocon(text), &["jicofo"]),
        Language::Hocon => json(hocon(text), &["videobridge"]),
        Language::JavaScript => {
            let (name, list) = script(path);
            json(page(name, text), &[list])
        }
        Language::Prosody => prosody(text, modules),
        Language::Coturn => words(before(text, "="), "coturn"),
        Language::Environment => words(before(text, "="), "environment"),
        Language::AptSources => words(before(text, ":"), "apt-sources"),
        Language::AptPreferences => words(before(text, ":"), "apt-preferences"),
        Language::AptConf => words(apt_conf(text), "apt-conf"),
        Language::Chrony => words(before(text, " "), "chrony"),
        Language::Logrotate => words(logrotate(text), "logrotate"),
        Language::SystemdUnit => words(sections(text), "systemd-unit"),
        Language::SystemdDaemon => words(sections(text), "systemd-daemons"),
        Language::Sshd => {
            let known = Known::of(&["sshd"]);
            before(text, " ")
                .into_iter()
                .filter(|key| !known.has_in_any_case(key))
                .collect()
        }
        Language::Sysctl => {
            // What this computer's kernel was built without is in the list. A star stands for every interface.
            let known = Known::of(&["sysctl"]);
            before(text, "=")
                .into_iter()
                .map(|key| key.trim_start_matches('-').trim().to_owned())
                .filter(|key| {
                    let file = key.replace(".*.", ".all.").replace('.', "/");
                    !Path::new("/proc/sys").join(file).exists() && !known.has(key)
                })
                .collect()
        }
        // nginx and nft refuse what they do not know, and are asked on a lab host. The others have no keys.
        Language::Certificate
        | Language::GroupFile
        | Language::Limits
        | Language::LuaModule
        | Language::Needrestart
        | Language::Nft
        | Language::Nginx
        | Language::Tmpfiles => Vec::new(),
    }
}

/// Lines that say something.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What stands before a sign on each line.
fn before(text: &str, sign: &str) -> Vec<String> {
    lines(text)
        .map(|line| line.split_once(sign).map_or(line, |(key, _)| key).trim().to_owned())
        .collect()
}

/// `Section.Key` of each line.
fn sections(text: &str) -> Vec<String> {
    let mut section = "";
    let mut keys = Vec::new();
    for line in lines(text) {
        match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(name) => section = name,
            None => keys.push(format!("{section}.{}", line.split('=').next().unwrap_or_default())),
        }
    }
    keys
}

/// The directives inside of braces, without the scripts.
fn logrotate(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut script = false;
    for line in lines(text) {
        let word = line.split_whitespace().next().unwrap_or_default();
        if word == "endscript" {
            script = false;
        } else if !script && word != "}" && !word.starts_with('/') {
            keys.push(word.to_owned());
            script = ["firstaction", "lastaction", "postrotate", "preremove", "prerotate"].contains(&word);
        }
    }
    keys
}

/// Full names of what an apt.conf sets: `A::B "x";` and `A { B "x"; };`, lists by the name of the list.
fn apt_conf(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut scopes: Vec<String> = Vec::new();
    for line in text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().trim())
    {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('}') {
            scopes.pop();
            continue;
        }
        let name = line.split([' ', '{', '"', ';']).next().unwrap_or_default();
        let mut full: Vec<&str> = scopes.iter().map(String::as_str).collect();
        full.extend(Some(name.trim_end_matches("::")).filter(|name| !name.is_empty()));
        if line.ends_with('{') {
            scopes.push(name.trim_end_matches("::").to_owned());
        } else {
            keys.push(full.join("::"));
        }
    }
    keys
}

/// Options and modules that neither Prosody, nor Jitsi's modules, nor ours know.
fn prosody(text: &str, own: &[(String, String)]) -> Vec<String> {
    let mut options = Known::of(&["prosody", "prosody-jitsi"]);
    let mut modules = Known::of(&["prosody-modules", "prosody-jitsi-modules"]);
    for (name, text) in own {
        modules.add(name.clone());
        for part in text.split("get_option").skip(1) {
            let mut quoted = part.split(['"', '\'']);
            // `get_option_set("name"`: what stands before the quote is the rest of the function's name.
            if let (Some(_), Some(option)) = (quoted.next(), quoted.next()) {
                options.add(option.to_owned());
            }
        }
    }
    let settings = lua::load(&[text]).unwrap_or_else(|error| panic!("{error}"));
    settings[0]
        .iter()
        .filter_map(|setting| wrong(setting, &options, &modules))
        .collect()
}

/// What is wrong with a setting.
fn wrong(setting: &Setting, options: &Known, modules: &Known) -> Option<String> {
    let option = setting.path[0].as_str();
    let value = &setting.value;
    let module = match option {
        // The recorder's own words.
        "defined" | "Include" => return None,
        "component_module" => value.clone(),
        "modules_enabled" | "modules_disabled" if setting.kind == "string" => value.clone(),
        "authentication" => format!("auth_{value}"),
        "storage" if setting.kind == "string" => format!("storage_{value}"),
        _ => String::new(),
    };
    if !module.is_empty() && !modules.has(&module) {
        return Some(format!("module {module}"));
    }
    let path = setting.known_path();
    // A table is known by what is in it.
    let filled = setting.kind == "table" && setting.path.len() > 1;
    if option == "component_module" || filled || options.has_path(&path) {
        return None;
    }
    // A table that only holds free names, such as `limits.c2s`.
    let table = setting.kind == "table";
    (!table).then(|| format!("option {path}"))
}
