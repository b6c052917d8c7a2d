//! A host's file system: shared read-only layers with the host's own changes on top.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::error::LabError;
use super::layout::HostPaths;
use super::locked::Locked;
use super::program;

/// Mounts a host's layers (topmost first) at its root, unless they are mounted already. The lock is the lab's.
pub(super) fn mount(locked: &Locked, host: &HostPaths, layers: &[PathBuf]) -> Result<(), LabError> {
    for dir in [host.upper(), host.work(), host.root()] {
        fs::create_dir_all(&dir).map_err(LabError::file("make", &dir))?;
    }
    if !mounted_below(&host.root())?.is_empty() {
        return Ok(());
    }
    let options = options(&host.upper(), &host.work(), layers);
    locked.run(
        "mount",
        &[&"-t", &"overlay", &"-o", &options, &"anteroom-lab", &host.root()],
    )?;
    Ok(())
}

/// Unmounts whatever is mounted below a folder. Gone already is success.
pub(super) fn unmount(dir: &Path) -> Result<(), LabError> {
    let mut tries = 0;
    loop {
        let mut places = mounted_below(dir)?;
        // The deepest first.
        places.reverse();
        let Some(place) = places.first() else {
            return Ok(());
        };
        if let Err(error) = program::run("umount", &[place]) {
            tries += 1;
            // A process that was just killed may hold the mount for a moment more.
            if tries > 300 {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Mount points at or below a folder, in mount order.
pub(super) fn mounted_below(dir: &Path) -> Result<Vec<PathBuf>, LabError> {
    let mounts = Path::new("/proc/self/mounts");
    let text = fs::read_to_string(mounts).map_err(LabError::file("read", mounts))?;
    Ok(places(&text, dir))
}

/// `redirect_dir` lets a host rename folders that come from a layer, as on an ordinary disk; without it rename(2)
/// answers EXDEV. The other two would tie a layer to one host, and layers are shared.
pub(super) fn options(upper: &Path, work: &Path, layers: &[PathBuf]) -> String {
    let layers: Vec<String> = layers.iter().map(|layer| layer.display().to_string()).collect();
    format!(
        "redirect_dir=on,index=off,metacopy=off,lowerdir={},upperdir={},workdir={}",
        layers.join(":"),
        upper.display(),
        work.display()
    )
}

fn places(mounts: &str, dir: &Path) -> Vec<PathBuf> {
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(PathBuf::from)
        .filter(|place| place.starts_with(dir))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mounts_at_or_below_the_folder_count() {
        let mounts = "a /lab/hosts/a/root overlay rw 0 0\nb /lab/hosts/ab/root overlay rw 0 0\n\
                      c /lab/hosts/a/root/proc proc rw 0 0\nd / ext4 rw 0 0\n";
        let places = places(mounts, Path::new("/lab/hosts/a"));
        assert_eq!(
            places,
            [Path::new("/lab/hosts/a/root"), Path::new("/lab/hosts/a/root/proc")]
        );
    }

    #[test]
    fn the_topmost_layer_is_named_first() {
        let layers = [PathBuf::from("/snapshot"), PathBuf::from("/base")];
        let options = options(Path::new("/u"), Path::new("/w"), &layers);
        assert!(options.contains("lowerdir=/snapshot:/base,upperdir=/u"), "{options}");
    }
}
