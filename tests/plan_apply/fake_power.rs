//! What a loss of power takes from a fake host's disk: the content of every file that was written and not synced. A file
//! that was never synced is there and empty, one that was written on since has lost what came later; that is how ext4 and
//! XFS look after a crash, which keep names in order and write data when they get to it.
//!
//! Not modelled: names. Both file systems keep changes of names in their order, so that the loss of the last ones is the
//! same as a loss of power a moment earlier, which other cases try. Nor what other programs write, such as dpkg, which
//! sees to its own files; nor a file that was written over in place, which the engine never does to one that it needs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is known to be on the disk: inode → size, time of the last write.
#[derive(Debug, Default)]
pub(crate) struct Safe(BTreeMap<u64, (u64, String)>);

/// Places of other programs, and of the doubles.
const OTHERS: &[&str] = &[
    "dev",
    "etc/group",
    "etc/ld.so.cache",
    "etc/passwd",
    "etc/ssl/certs",
    "machine",
    "proc",
    "run",
    "tmp",
    "usr/share/double",
    "var/cache/debconf",
    "var/lib/double",
    "var/lib/prosody",
];

/// How files of packages, and those that packages' scripts make, begin in the doubles.
const PACKAGED: &[&[u8]] = &[b"of ", b"data\n"];

impl Safe {
    /// Everything on a disk that nobody is writing to.
    pub(crate) fn all_of(disk: &Path) -> Self {
        let mut safe = Self::default();
        each_file(disk, disk, &mut |_, meta| {
            safe.0.insert(meta.ino(), (meta.len(), written(meta)));
        });
        safe
    }

    /// Takes everything else away.
    pub(crate) fn lose_the_rest(&mut self, disk: &Path) {
        let synced = fs::read_to_string(disk.join("var/lib/double/synced")).unwrap();
        let device = fs::metadata(disk).unwrap().dev().to_string();
        for line in synced.lines() {
            let [of, inode, size, time] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            // What is in memory has numbers of its own.
            if of != device {
                continue;
            }
            let state = (size.parse().unwrap(), time.to_owned());
            self.0.insert(inode.parse().unwrap(), state);
        }
        each_file(disk, disk, &mut |path, meta| {
            let known = self.0.get(&meta.ino());
            if known.is_some_and(|(size, time)| (*size, time) == (meta.len(), &written(meta))) {
                return;
            }
            if PACKAGED.iter().any(|start| fs::read(path).unwrap().starts_with(start)) {
                return;
            }
            let left = known.map_or(0, |(size, _)| *size);
            let left = if left <= meta.len() { left } else { 0 };
            fs::OpenOptions::new()
                .write(true)
                .open(path)
                .unwrap()
                .set_len(left)
                .unwrap();
        });
        *self = Self::all_of(disk);
    }
}

/// As `stat -c %.9Y` prints it.
fn written(meta: &fs::Metadata) -> String {
    format!("{}.{:09}", meta.mtime(), meta.mtime_nsec())
}

fn each_file(disk: &Path, folder: &Path, each: &mut impl FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let below = path.strip_prefix(disk).unwrap();
        if OTHERS.iter().any(|other| below == Path::new(other)) {
            continue;
        }
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            each_file(disk, &path, each);
        } else if meta.is_file() {
            each(&path, &meta);
        }
    }
}
