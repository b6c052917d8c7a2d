//! An empty folder to run the program in, with nothing of the caller's environment but the path to programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

/// A folder that is home and working folder at once, removed in the end.
pub(crate) struct Room {
    dir: tempfile::TempDir,
}

/// What one run did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Room {
    /// Empty.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("anteroom-cli-").tempdir().unwrap();
        Self { dir }
    }

    /// With an example of this repository as its spec.
    pub(crate) fn with(example: &str) -> Self {
        let room = Self::new();
        room.write("anteroom.toml", &fs::read_to_string(repository(example)).unwrap());
        room
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// The program with these arguments, standard input closed.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("ANTEROOM_LAB_DIR", self.path().join("lab"))
            .env("ANTEROOM_LAB_BASE", self.path().join("lab-base"))
            .stdin(Stdio::null());
        command
    }

    /// Runs it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.command(PROGRAM, arguments))
    }

    /// Every file and folder below, with its content.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.path()).unwrap().to_owned();
                if path.is_dir() && !path.is_symlink() {
                    found.insert(name, None);
                    folders.push(path);
                } else {
                    found.insert(name, Some(fs::read(&path).unwrap_or_default()));
                }
            }
        }
        found
    }
}

/// The program that these tests were built with.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_anteroom");

/// Runs a command to its end.
pub(crate) fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Wrong usage or an invalid spec: code 2, nothing on stdout, these words on stderr.
    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (Some(2), ""), "{self:?}");
        self.says(words);
    }

    /// These words are on stderr.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing in {self:?}");
        }
    }

    /// Code 0 and nothing on stderr; what is on stdout.
    #[track_caller]
    pub(crate) fn data(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }
}

/// A file of this repository.
pub(crate) fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Every verb, as `--help` lists them.
pub(crate) fn verbs() -> Vec<String> {
    let help = Room::new().run(&["--help"]).data();
    let commands = help.split("Commands:\n").nth(1).unwrap();
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let verbs: Vec<String> = lines
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|verb| verb != "help")
        .collect();
    assert!(verbs.len() > 10, "{help}");
    verbs
}
