//! The base image that all hosts share: Debian 12 made by mmdebstrap from this computer's own package sources, built
//! once for each recipe, and put in place whole or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use super::error::LabError;
use super::gone;
use super::layout::Layout;
use super::locked;
use super::locked::Locked;
use super::overlay;
use super::program;
use super::sources;
use super::sources::Source;
use crate::digest;

/// What an image has beside Debian's essential packages and apt: what any server has that one can log in to.
const PACKAGES: [&str; 20] = [
    "adduser",
    "ca-certificates",
    "cron",
    "curl",
    "dbus",
    "gnupg",
    "init",
    "iproute2",
    "iputils-ping",
    "less",
    "libpam-systemd",
    "logrotate",
    "netbase",
    "nftables",
    "openssh-server",
    "procps",
    "sudo",
    "systemd",
    "systemd-sysv",
    "tzdata",
];

/// Translated package descriptions are most of what `apt-get update` would fetch and unpack.
const NO_TRANSLATIONS: &str = "Acquire::Languages \"none\";\n";

const HOOK: &str = include_str!("base_hook.sh");

/// Everything that decides what an image holds.
#[derive(Debug)]
struct Recipe {
    sources: Vec<Source>,
    settings: String,
    downloads: Vec<String>,
}

impl Recipe {
    /// From this computer's own apt files.
    fn of_this_machine(downloads: &[String]) -> Result<Self, LabError> {
        let folder = Path::new("/etc/apt/sources.list.d");
        let mut lists = read_all(folder, "list");
        lists.extend(fs::read_to_string("/etc/apt/sources.list"));
        Ok(Self {
            sources: sources::usable(&lists, &read_all(folder, "sources")),
            settings: format!(
                "{NO_TRANSLATIONS}{}",
                sources::settings(&program::run("apt-config", &[&"dump"])?)
            ),
            downloads: downloads.to_vec(),
        })
    }

    /// A name that changes with anything in the recipe.
    fn version(&self) -> String {
        let text = format!("{:?} {HOOK} {self:?}", PACKAGES);
        format!("{}-{}", sources::SUITE, &digest::sha256(text)[..12])
    }
}

/// The keyrings of this computer's sources that do not exist here.
pub(super) fn missing_keyrings() -> Result<Vec<String>, LabError> {
    let recipe = Recipe::of_this_machine(&[])?;
    let mut missing: Vec<String> = recipe.sources.into_iter().map(|source| source.keyring).collect();
    missing.retain(|keyring| !Path::new(keyring).exists());
    missing.dedup();
    Ok(missing)
}

/// The image's root folder; it is built first where this recipe's image is not there yet.
///
/// `downloads` are packages that an image carries as files, not installed, so that hosts need not fetch them.
pub(super) fn ensure(layout: &Layout, downloads: &[String], say: &mut dyn FnMut(&str)) -> Result<PathBuf, LabError> {
    let recipe = Recipe::of_this_machine(downloads)?;
    let version = recipe.version();
    let root = layout.base.join(&version);
    if root.exists() {
        return Ok(root);
    }
    say(&format!("building the base image {version}: about a minute, once"));
    let locked = locked::lock(&layout.base.join("lock"))?;
    if root.exists() {
        return Ok(root);
    }
    let work = layout.base.join("building");
    discard(&work)?;
    let image = build(&locked, &recipe, &work)?;
    fs::rename(&image, &root).map_err(LabError::file("put in place", &root))?;
    discard(&work)?;
    say("the base image is built");
    Ok(root)
}

fn build(locked: &Locked, recipe: &Recipe, work: &Path) -> Result<PathBuf, LabError> {
    let stage = work.join("stage");
    fill_stage(recipe, &stage)?;
    let hook = work.join("hook.sh");
    fs::write(&hook, HOOK).map_err(LabError::file("write", &hook))?;
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o700)).map_err(LabError::file("protect", &hook))?;
    let image = work.join("root");
    let log = work.join("log");
    let log_file = fs::File::create(&log).map_err(LabError::file("make", &log))?;
    let list = work.join("sources.list");
    let lines: String = recipe.sources.iter().map(Source::line).collect();
    fs::write(&list, lines).map_err(LabError::file("write", &list))?;

    let include = format!("--include={}", PACKAGES.join(","));
    let hook_option = format!("--customize-hook={}", hook.display());
    // No fsync after each file: an image that a crash cut short is thrown away.
    let args: [&dyn AsRef<std::ffi::OsStr>; 11] = [
        &"--mode=root",
        &"--variant=apt",
        &"--format=directory",
        &include,
        &"--dpkgopt=force-unsafe-io",
        &"--aptopt=APT::Install-Recommends \"false\"",
        &"--skip=check/qemu,cleanup/apt",
        &hook_option,
        &sources::SUITE,
        &image,
        &list,
    ];
    let mut command = program::command("mmdebstrap", &args);
    command
        .env("STAGE", &stage)
        .env("DOWNLOADS", recipe.downloads.join(" "));
    let errors = log_file.try_clone().map_err(LabError::file("open", &log))?;
    command
        .stdin(locked.share()?)
        .stdout(log_file)
        .stderr(Stdio::from(errors));
    let failed = |said: String| LabError::Program {
        command: "mmdebstrap".to_owned(),
        said,
    };
    let status = command.status().map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        let said = fs::read_to_string(&log).unwrap_or_default();
        return Err(failed(format!("{status}\n{}", program::tail(&said, 15))));
    }
    Ok(image)
}

/// Lays out what the hook copies into the image: how this computer reaches its mirrors.
fn fill_stage(recipe: &Recipe, stage: &Path) -> Result<(), LabError> {
    let certificates = stage.join("usr/local/share/ca-certificates");
    let settings = stage.join("etc/apt/apt.conf.d");
    for dir in [&certificates, &settings] {
        fs::create_dir_all(dir).map_err(LabError::file("make", dir))?;
    }
    let path = settings.join("10mirrors");
    fs::write(&path, &recipe.settings).map_err(LabError::file("write", &path))?;
    copy_if_there(Path::new("/usr/local/share/ca-certificates"), &certificates)?;
    let apt = stage.join("etc/apt");
    copy_if_there(Path::new("/etc/apt/auth.conf.d"), &apt.join("auth.conf.d"))?;
    copy_if_there(Path::new("/etc/apt/auth.conf"), &apt.join("auth.conf"))?;
    for source in &recipe.sources {
        if source.keyring == sources::KEYRING {
            continue;
        }
        let keyring = stage.join(source.keyring.trim_start_matches('/'));
        if let Some(folder) = keyring.parent() {
            fs::create_dir_all(folder).map_err(LabError::file("make", folder))?;
        }
        copy_if_there(Path::new(&source.keyring), &keyring)?;
    }
    Ok(())
}

/// Copies a file or the contents of a folder, owners and modes included.
fn copy_if_there(from: &Path, to: &Path) -> Result<(), LabError> {
    if !from.exists() {
        return Ok(());
    }
    let from = if from.is_dir() { from.join(".") } else { from.to_owned() };
    program::run("cp", &[&"-a", &"-T", &from, &to])?;
    Ok(())
}

/// Removes a folder that an earlier build left, and what is still mounted in it.
fn discard(work: &Path) -> Result<(), LabError> {
    overlay::unmount(work)?;
    gone::tree(work)
}

fn read_all(folder: &Path, ending: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == ending));
    paths.sort();
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_in_the_recipe_changes_the_images_name() {
        let recipe = |settings: &str, downloads: &[&str]| {
            Recipe {
                sources: Vec::new(),
                settings: settings.to_owned(),
                downloads: downloads.iter().map(|name| (*name).to_owned()).collect(),
            }
            .version()
        };
        assert_eq!(recipe("", &["nginx"]), recipe("", &["nginx"]));
        assert_ne!(recipe("", &["nginx"]), recipe("", &["nginx", "jq"]));
        assert_ne!(recipe("", &[]), recipe("Acquire::Retries \"1\";", &[]));
    }
}
