//! The embedded templates and the engine that fills them. Templates hold layout only; knows nothing of Jitsi.

use serde::Serialize;
use tera::Context;
use tera::Tera;

use crate::render::RenderError;
use crate::render::quote;
use crate::render::settings;

/// A template, named by its path below `templates/`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Template {
    /// Path below `templates/`.
    pub(crate) name: &'static str,
    /// Its text.
    pub(crate) text: &'static str,
}

/// Embeds `templates/$name`.
macro_rules! template {
    ($name:literal) => {
        $crate::render::template::Template {
            name: $name,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $name)),
        }
    };
}
pub(crate) use template;

impl Template {
    /// The template with a view's fields in its gaps.
    pub(crate) fn fill(self, view: &impl Serialize) -> Result<String, RenderError> {
        self.try_fill(view).map_err(|source| RenderError::Template {
            name: self.name,
            source,
        })
    }

    fn try_fill(self, view: &impl Serialize) -> Result<String, tera::Error> {
        let mut tera = Tera::default();
        // Every value passes one of our own filters instead: HTML escapes are wrong in all these languages.
        tera.autoescape_on(Vec::new());
        quote::register(&mut tera);
        settings::register(&mut tera);
        tera.add_raw_template(self.name, self.text)?;
        tera.render(self.name, &Context::from_serialize(view)?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_that_a_language_cannot_carry_is_an_error_with_the_reason() {
        let template = Template {
            name: "x",
            text: "realm={{ realm | coturn }}",
        };
        let error = template.fill(&json!({ "realm": "a\nb" })).unwrap_err();
        let RenderError::Template { name, source } = error else {
            panic!("{error}");
        };
        assert_eq!(name, "x");
        let mut text = source.to_string();
        let mut cause = std::error::Error::source(&source);
        while let Some(inner) = cause {
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        assert!(text.contains("control character"), "{text}");
    }

    #[test]
    fn a_field_that_the_view_lacks_is_an_error() {
        let template = Template {
            name: "x",
            text: "{{ nothing | lua }}",
        };
        assert!(template.fill(&json!({})).is_err());
    }

    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }

    /// The filters that a file may use, by what its name ends in.
    fn languages(name: &str) -> &'static [&'static str] {
        const BY_ENDING: &[(&str, &[&str])] = &[
            (".lua.tera", &["lua", "lua_settings"]),
            ("groups.txt.tera", &["xmppgroup"]),
            ("jicofo.conf.tera", &["hocon_settings"]),
            ("jvb.conf.tera", &["hocon_settings"]),
            ("jicofo/config.tera", &["env"]),
            ("videobridge/config.tera", &["env"]),
            ("config.js.tera", &["js"]),
            ("etc/nginx/", &["nginx", "nginx_settings"]),
            ("turnserver.conf.tera", &["coturn_settings"]),
            ("00-anteroom.conf.tera", &["sshd_settings"]),
            ("firewall.nft.tera", &["nft"]),
            ("apt.conf.d/zz-anteroom.tera", &["apt_settings"]),
            ("etc/apt/", &["apt", "aptsite"]),
            ("etc/logrotate.d/", &["number"]),
            ("etc/systemd/", &["unit_settings"]),
            ("etc/sysctl.d/", &["sysctl_settings"]),
            ("limits.d/anteroom.conf.tera", &["word_settings"]),
            ("chrony/conf.d/anteroom.conf.tera", &["word_settings"]),
        ];
        BY_ENDING
            .iter()
            .find(|(part, _)| name.ends_with(part) || (part.ends_with('/') && name.starts_with(part)))
            .map_or(&[], |(_, filters)| filters)
    }

    #[test]
    fn every_gap_in_every_template_passes_a_quoting_filter_of_its_own_language() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut files = Vec::new();
        walk(&root, &mut files);
        assert!(files.len() > 10);
        let mut gaps = 0;
        for file in files {
            let name = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&file).unwrap();
            let mut rest = text.as_str();
            while let Some(at) = rest.find("{{") {
                let Some(end) = rest[at..].find("}}") else {
                    panic!("{name}: a gap does not end");
                };
                let gap = rest[at + 2..at + end].trim_matches(['-', ' ']);
                let filter = gap.rsplit('|').next().unwrap_or_default().trim();
                let filter = filter.split('(').next().unwrap_or_default();
                assert!(gap.contains('|'), "{name}: {{{{ {gap} }}}} has no filter");
                assert!(
                    languages(&name).contains(&filter),
                    "{name}: {filter} is not a filter of this language"
                );
                gaps += 1;
                rest = &rest[at + end + 2..];
            }
        }
        assert!(gaps > 50, "{gaps}");
    }
}
