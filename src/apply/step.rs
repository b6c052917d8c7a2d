//! One change → the small files that tell the engine what to do. Nothing here becomes shell syntax: the engine reads
//! each value from its own file. Values that the engine reads as one line are refused if they have two.

use crate::apply::error::verb;
use crate::plan::AptKeySource;
use crate::plan::Change;
use crate::plan::Check;
use crate::plan::Entry;
use crate::plan::Extent;
use crate::plan::FileContent;
use crate::plan::GeneratedCertificate;
use crate::plan::Listener;
use crate::plan::PathState;
use crate::plan::Transport;
use crate::plan::trust_place;
use crate::spec::RemotePath;

/// Name and bytes of one file of a step.
pub(crate) type StepFile = (&'static str, Vec<u8>);

/// Files of a step, and why there are none.
pub(crate) struct Step {
    pub(crate) files: Vec<StepFile>,
    problem: Option<String>,
}

impl Step {
    fn new(kind: &'static str) -> Self {
        Self {
            files: vec![("kind", format!("{kind}\n").into_bytes())],
            problem: None,
        }
    }

    /// A value of exactly one line.
    fn line(mut self, name: &'static str, value: &str) -> Self {
        if value.chars().any(char::is_control) {
            self.problem = Some(format!("{name} has a control character"));
        }
        self.files.push((name, format!("{value}\n").into_bytes()));
        self
    }

    fn optional(self, name: &'static str, value: Option<&RemotePath>) -> Self {
        match value {
            Some(value) => self.line(name, value.as_str()),
            None => self,
        }
    }

    /// Values of one word each, one a line.
    fn words<'a>(mut self, name: &'static str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = String::new();
        for value in values {
            if value.is_empty() || value.starts_with('-') || value.chars().any(|c| c.is_control() || c == ' ') {
                self.problem = Some(format!("{value:?} is no name for {name}"));
            }
            text.push_str(value);
            text.push('\n');
        }
        self.files.push((name, text.into_bytes()));
        self
    }

    fn bytes(mut self, name: &'static str, bytes: &[u8]) -> Self {
        self.files.push((name, bytes.to_vec()));
        self
    }

    fn done(self) -> Result<Vec<StepFile>, String> {
        match self.problem {
            None => Ok(self.files),
            Some(problem) => Err(problem),
        }
    }
}

/// The files of one change.
pub(crate) fn files(change: &Change) -> Result<Vec<StepFile>, String> {
    match change {
        Change::Manifest { content } => Step::new("manifest").bytes("content", content.as_bytes()).done(),
        Change::MakeSecret(name) => Step::new("secret").words("name", [name.0.as_str()]).done(),
        Change::AptKey(key) => {
            let step = Step::new("apt_key")
                .line("path", key.path.as_str())
                .line("fingerprint", &key.fingerprint);
            match &key.source {
                AptKeySource::Url(url) => step.words("url", [url.as_str()]).done(),
                AptKeySource::Armored(text) => step.bytes("content", text.as_bytes()).done(),
            }
        }
        Change::AptUpdate { without } => Step::new("apt_update")
            .words("without", without.iter().map(RemotePath::as_str))
            .done(),
        Change::Preseed(preseed) => {
            if preseed.value.contains('\n') {
                return Err(format!("the answer to {} has two lines", preseed.question));
            }
            let (package, question) = (&preseed.package, &preseed.question);
            let answer = format!("{package} {question} {} {}\n", preseed.kind, preseed.value);
            Step::new("preseed")
                .words("package", [package.as_str()])
                .words("question", [question.as_str()])
                .words("type", [preseed.kind.as_str()])
                .bytes("answer", answer.as_bytes())
                .done()
        }
        Change::Install { packages } => {
            let names: Vec<String> = packages.iter().map(name_and_version).collect();
            Step::new("install")
                .words("packages", names.iter().map(String::as_str))
                .done()
        }
        Change::Purge { packages, spare } => Step::new("purge")
            .words("packages", packages.iter().map(String::as_str))
            .words("spare", spare.iter().map(String::as_str))
            .done(),
        Change::Residue {
            package,
            paths,
            folders,
            users,
        } => {
            let paths = paths.iter().map(|path| format!("path {path}\n"));
            let users = users.iter().map(|user| format!("user {user}\n"));
            let folders = folders.iter().map(|path| format!("folder {path}\n"));
            let lines: String = paths.chain(folders).chain(users).collect();
            Step::new("residue")
                .words("package", [package.as_str()])
                .bytes("residue", lines.as_bytes())
                .done()
        }
        Change::Hold { packages, hold } => Step::new("hold")
            .line("hold", if *hold { "hold" } else { "unhold" })
            .words("packages", packages.iter().map(String::as_str))
            .done(),
        Change::Certificate(made) => certificate(made),
        Change::Put {
            path,
            entry,
            before,
            keep,
        } => put(path, entry, before, keep.as_ref()),
        Change::Delete {
            path,
            before,
            keep,
            restore,
        } => Step::new("delete")
            .line("path", path.as_str())
            .line("before", &state(before))
            .optional("keep", keep.as_ref())
            .optional("restore", restore.as_ref())
            .done(),
        Change::Check(check) => Step::new("check").line("check", check_name(*check)).done(),
        Change::Arm { seconds } => Step::new("arm").line("seconds", &seconds.to_string()).done(),
        Change::Disarm => Step::new("disarm").done(),
        Change::Unit {
            name, action, listens, ..
        } => Step::new("unit")
            .words("name", [name.as_str()])
            .line("action", verb(*action))
            .bytes("listens", sockets(listens).as_bytes())
            .done(),
        Change::DropTable => Step::new("drop_table").done(),
        Change::Account(account) => Step::new("account")
            .words("jid", [account.jid.as_str()])
            .words("secret", [account.password.0.as_str()])
            .done(),
        Change::Clinician { jid, password } => Step::new("clinician")
            .words("jid", [jid.as_str()])
            .line("password", password.expose())
            .done(),
        Change::RemoveAccount { jid } => Step::new("remove_account").words("jid", [jid.as_str()]).done(),
        Change::Forget(extent) => {
            let extent = match extent {
                Extent::All => "all",
                Extent::ButHardening => "but-hardening",
            };
            Step::new("forget").line("extent", extent).done()
        }
    }
}

fn name_and_version((name, version): &(String, Option<String>)) -> String {
    match version {
        Some(version) => format!("{name}={version}"),
        None => name.clone(),
    }
}

fn put(
    path: &RemotePath,
    entry: &Entry,
    before: &PathState,
    keep: Option<&RemotePath>,
) -> Result<Vec<StepFile>, String> {
    let step = Step::new("put")
        .line("path", path.as_str())
        .line("before", &state(before))
        .optional("keep", keep);
    match entry {
        Entry::File(file) => {
            let content = match &file.content {
                FileContent::Text(text) => text.as_bytes(),
                FileContent::Hidden(secret) => secret.expose().as_bytes(),
            };
            let access = &file.access;
            step.line("type", "file")
                .words("owner", [access.owner.as_str()])
                .words("group", [access.group.as_str()])
                .line("mode", &format!("{:04o}", access.mode))
                .bytes("content", content)
                .done()
        }
        Entry::Dir(access) => step
            .line("type", "dir")
            .words("owner", [access.owner.as_str()])
            .words("group", [access.group.as_str()])
            .line("mode", &format!("{:04o}", access.mode))
            .done(),
        Entry::Link { target } => step.line("type", "link").line("target", target).done(),
    }
}

/// As the engine's `state` prints it.
fn state(state: &PathState) -> String {
    match state {
        PathState::Absent => "absent".to_owned(),
        PathState::File {
            owner,
            group,
            mode,
            sha256,
            ..
        } => format!("file {owner} {group} {mode:o} {sha256}"),
        PathState::Dir { owner, group, mode } => format!("dir {owner} {group} {mode:o}"),
        PathState::Link { target } => format!("link {target}"),
        PathState::Other => "other".to_owned(),
    }
}

/// The request is an OpenSSL configuration file; names are DNS names, checked here once more since commas and line
/// ends would mean something in it. A subject's common name has at most 64 characters (RFC 5280, ub-common-name).
fn certificate(made: &GeneratedCertificate) -> Result<Vec<StepFile>, String> {
    let is_name = |name: &String| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
    };
    if made.names.is_empty() || !made.names.iter().all(is_name) {
        return Err(format!("{:?} are not DNS names", made.names));
    }
    let names: Vec<String> = made.names.iter().map(|name| format!("DNS:{name}")).collect();
    let common = if made.names[0].len() <= 64 {
        &made.names[0]
    } else {
        "anteroom"
    };
    let request = format!(
        "[req]\nprompt = no\ndistinguished_name = subject\nx509_extensions = extensions\n\n[subject]\nCN = {common}\n\n\
         [extensions]\nsubjectAltName = {}\nbasicConstraints = critical,CA:{}\nkeyUsage = critical,digitalSignature{}\n\
         extendedKeyUsage = serverAuth\n",
        names.join(","),
        // Java and OpenSSL take a self-signed certificate as its own anchor only if it may sign.
        if made.trusted { "TRUE,pathlen:0" } else { "FALSE" },
        if made.trusted { ",keyCertSign" } else { "" },
    );
    let access = &made.key_access;
    Step::new("certificate")
        .line("certificate", made.certificate.as_str())
        .line("key", made.key.as_str())
        .optional("trust", trust_place(made).as_ref())
        .words("owner", [access.owner.as_str()])
        .words("group", [access.group.as_str()])
        .line("mode", &format!("{:04o}", access.mode))
        .bytes("request", request.as_bytes())
        .done()
}

fn sockets(listens: &[Listener]) -> String {
    let mut lines = String::new();
    for listener in listens {
        let transport = match listener.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        for port in listener.port..=listener.last_port {
            lines.push_str(&format!("{transport} {port}\n"));
        }
    }
    lines
}

fn check_name(check: Check) -> &'static str {
    match check {
        Check::Nginx => "nginx",
        Check::Prosody => "prosody",
        Check::JicofoHocon => "jicofo-hocon",
        Check::VideobridgeHocon => "videobridge-hocon",
        Check::Sshd => "sshd",
        Check::Nft => "nft",
    }
}
