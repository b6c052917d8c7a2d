//! `[packages]`: where packages come from and who signs them. The fingerprint decides, so a key may travel in the open.

use std::collections::BTreeMap;

use crate::spec::docket::Refused;
use crate::spec::model::AptKeySource;
use crate::spec::model::AptSource;
use crate::spec::model::Packages;
use crate::spec::problem::Problem;
use crate::spec::raw::RawAptSource;
use crate::spec::raw::RawSpec;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::given;
use crate::spec::rules::optional;
use crate::spec::values::Map;

/// Jitsi's own repository: flat, so the suite ends in a slash (https://jitsi.github.io/handbook, "Debian/Ubuntu").
const URI: &str = "https://download.jitsi.org";
const SUITE: &str = "stable/";
const KEY_URL: &str = "https://download.jitsi.org/jitsi-key.gpg.key";
/// As seen in public configurations, not confirmed against the live server; a wrong pin fails closed.
const FINGERPRINT: &str = "66A9CD0595D6AFA247290D3BEF8B479E2DC1389C";

/// Judges `[packages]`.
pub(crate) fn packages(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Packages, Refused> {
    let Some(spot) = raw.packages.as_ref().map_err(|refused| *refused)? else {
        return Ok(Packages {
            jitsi: standard(),
            versions: BTreeMap::new(),
        });
    };
    let jitsi = optional(&spot.value.jitsi, |jitsi| source(jitsi, bench));
    let versions = optional(&spot.value.versions, |map| versions(&map.value, bench));
    Ok(Packages {
        jitsi: jitsi?.unwrap_or_else(standard),
        versions: versions?.unwrap_or_default(),
    })
}

fn standard() -> AptSource {
    AptSource {
        uri: URI.to_owned(),
        suite: SUITE.to_owned(),
        components: Vec::new(),
        key: AptKeySource::Url(KEY_URL.to_owned()),
        fingerprint: FINGERPRINT.to_owned(),
    }
}

fn source(section: &Spot<RawAptSource>, bench: &mut Bench<'_>) -> Result<AptSource, Refused> {
    let raw = &section.value;
    let standard = standard();
    let uri = optional(&raw.uri, |spot| bench.repository("packages.jitsi.uri", spot));
    let suite = optional(&raw.suite, |spot| word("packages.jitsi.suite", spot, bench));
    let components = optional(&raw.components, |list| {
        let words: Vec<_> = list
            .value
            .iter()
            .map(|spot| word("packages.jitsi.components", spot, bench))
            .collect();
        words.into_iter().collect::<Result<Vec<String>, Refused>>()
    });
    let key = key(raw, bench);
    let fingerprint = optional(&raw.fingerprint, |spot| fingerprint(spot, bench));
    let suite = suite.map(|suite| suite.unwrap_or(standard.suite));
    let components = components.map(|components| components.unwrap_or_default());
    layout(section, suite.as_deref(), components.as_deref(), bench)?;
    Ok(AptSource {
        uri: uri?.unwrap_or(standard.uri),
        suite: suite?,
        components: components?,
        key: key?.unwrap_or(standard.key),
        fingerprint: fingerprint?.unwrap_or(standard.fingerprint),
    })
}

/// A flat repository has no components; any other has at least one (sources.list(5)).
fn layout(
    section: &Spot<RawAptSource>,
    suite: Result<&str, &Refused>,
    components: Result<&[String], &Refused>,
    bench: &mut Bench<'_>,
) -> Result<(), Refused> {
    let (Ok(suite), Ok(components)) = (suite, components) else {
        return Ok(());
    };
    let raw = &section.value;
    match (suite.ends_with('/'), components.is_empty()) {
        (true, false) => {
            let place = given(&raw.components)
                .map_or(&section.place, |spot| &spot.place)
                .clone();
            let message = format!("the suite {suite:?} ends in a slash, so the repository has no components");
            let problem = Problem::new("spec/apt-layout", place, message);
            Err(bench.refuse(problem.help("remove `components`, or the slash from `suite`")))
        }
        (false, true) => {
            let place = given(&raw.suite).map_or(&section.place, |spot| &spot.place).clone();
            let message = format!("the suite {suite:?} needs components");
            let problem = Problem::new("spec/apt-layout", place, message);
            Err(bench.refuse(
                problem.help("add `components = [\"main\"]`, or end the suite of a flat repository in a slash"),
            ))
        }
        _ => Ok(()),
    }
}

/// A word of an apt source: no spaces, brackets or quotes, which would begin another field.
fn word(key: &str, spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '~' | '+');
    bench.plain(key, spot, allowed, "write one word as in an apt source")
}

fn key(raw: &RawAptSource, bench: &mut Bench<'_>) -> Result<Option<AptKeySource>, Refused> {
    let url = optional(&raw.key_url, |spot| bench.url("packages.jitsi.key_url", spot));
    let file = optional(&raw.key_file, |spot| armored(spot, bench));
    if let (Ok(Some(_)), Ok(Some(second))) = (&raw.key_url, &raw.key_file) {
        let message = "`packages.jitsi` has both `key_url` and `key_file`";
        let problem = Problem::new("spec/two-keys", second.place.clone(), message);
        return Err(bench.refuse(problem.help("keep one of them; the fingerprint decides either way")));
    }
    Ok(file?.map(AptKeySource::Armored).or(url?.map(AptKeySource::Url)))
}

fn armored(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let key = "packages.jitsi.key_file";
    let text = bench.text_file(key, spot)?;
    let (what, help) = if text.contains("PRIVATE KEY BLOCK") {
        (
            "holds a private key",
            "name the public key: `gpg --armor --export FINGERPRINT`",
        )
    } else if !text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") || !text.is_ascii() {
        (
            "is not an armored OpenPGP public key",
            "make it with `gpg --armor --export FINGERPRINT`",
        )
    } else {
        return Ok(text);
    };
    let problem = Problem::new(
        "spec/unusable-key",
        spot.place.clone(),
        format!("`{key}`: {} {what}", spot.value),
    );
    Err(bench.refuse(problem.help(help)))
}

fn fingerprint(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let text: String = spot.value.split_whitespace().collect::<String>().to_ascii_uppercase();
    if matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    let message = "`packages.jitsi.fingerprint` is not an OpenPGP fingerprint of 40 or 64 hexadecimal digits";
    let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
    Err(bench.refuse(
        problem.help("write the whole fingerprint as `gpg --show-keys FILE` prints it; short ids can be forged"),
    ))
}

fn versions(map: &Map, bench: &mut Bench<'_>) -> Result<BTreeMap<String, String>, Refused> {
    let mut pinned = Ok(BTreeMap::new());
    for (name, spot) in map {
        // Debian policy 5.6.1 and 5.6.12.
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
        if name.len() < 2 || !name.chars().all(plain) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            let message = format!("`packages.versions` has {name:?}, which is not a Debian package name");
            let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
            pinned = Err(bench.refuse(problem.help("write a package name such as jicofo")));
            continue;
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '~' | ':');
        let help = "write the version as `apt-cache policy` prints it";
        match (
            bench.plain(&format!("packages.versions.{name}"), spot, allowed, help),
            &mut pinned,
        ) {
            (Ok(version), Ok(pinned)) => {
                pinned.insert(name.clone(), version);
            }
            (Ok(_), Err(_)) => {}
            (Err(refused), _) => pinned = Err(refused),
        }
    }
    pinned
}
