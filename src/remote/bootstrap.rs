//! The one fixed command line that every script runs under, and the marker by which its beginning is told from whatever
//! a login shell or sudo prints before it. Knows nothing of SSH.

/// Printed on a line of its own once the bootstrap runs as root; what comes before it is not the script's.
pub(super) const MARKER: &str = "anteroom-bootstrap-1-runs-as-root";

/// Exit status of the bootstrap where the login turned out not to be root.
const NOT_ROOT: i32 = 126;

/// Exit status of the bootstrap where the script did not arrive whole.
const TRUNCATED: i32 = 125;

/// How root rights are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privilege {
    /// The login is root.
    Own,
    /// By sudo, which must not ask for a password.
    Sudo,
}

impl Privilege {
    /// Root logs in as itself; everyone else needs sudo.
    pub(super) fn of(user: &str) -> Self {
        if user == "root" { Self::Own } else { Self::Sudo }
    }
}

/// The command line to execute. It never varies with the script, so that nothing of a run shows in a process list.
///
/// The script's length comes first on standard input, then the script, then its input. dash reads a script from standard
/// input in blocks and would swallow the input behind it; `read` and `head -c` take exactly their part. A script that
/// was cut on its way is not run at all.
pub(super) fn command(privilege: Privilege) -> String {
    let sh = format!(
        "sh -c 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; LC_ALL=C; export PATH LC_ALL; \
         [ \"$(id -u)\" = 0 ] || {{ echo \"the login is not root\" >&2; exit {NOT_ROOT}; }}; echo {MARKER}; \
         IFS= read -r n && s=$(head -c \"$n\"; echo .) && [ \"${{#s}}\" -eq \"$((n + 1))\" ] || exit {TRUNCATED}; \
         eval \"${{s%.}}\"'"
    );
    match privilege {
        Privilege::Own => sh,
        Privilege::Sudo => format!("sudo -n {sh}"),
    }
}

/// What goes to standard input: the script's length, the script, and its input.
pub(super) fn framed(script: &str, input: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{}\n", script.len()).into_bytes();
    bytes.extend_from_slice(script.as_bytes());
    bytes.extend_from_slice(input);
    bytes
}

/// Passes on what follows the marker's line, and keeps a little of what came before for a message.
#[derive(Debug, Default)]
pub(super) struct AfterMarker {
    before: Vec<u8>,
    found: bool,
}

/// A login shell that prints more than this before our marker is not waited for.
const NOISE: usize = 256 * 1024;

impl AfterMarker {
    /// Takes the next bytes of standard output and returns those that belong to the script.
    pub(super) fn push<'a>(&mut self, bytes: &'a [u8]) -> std::borrow::Cow<'a, [u8]> {
        if self.found {
            return bytes.into();
        }
        if self.before.len() < NOISE {
            self.before.extend_from_slice(bytes);
        }
        let marker = format!("{MARKER}\n").into_bytes();
        let Some(at) = find(&self.before, &marker) else {
            return Vec::new().into();
        };
        self.found = true;
        self.before.split_off(at + marker.len()).into()
    }

    /// Whether the bootstrap ran as root.
    pub(super) fn found(&self) -> bool {
        self.found
    }

    /// What was printed before the marker.
    pub(super) fn before(&self) -> &[u8] {
        &self.before
    }
}

/// Where `needle` begins in `hay`, at the start of a line or right behind unfinished noise.
fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Command;
    use std::process::Stdio;

    use super::*;

    fn run(script: &str, input: &[u8]) -> std::process::Output {
        let mut child = Command::new("dash")
            .arg("-c")
            .arg(command(Privilege::Own))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&framed(script, input)).unwrap();
        child.wait_with_output().unwrap()
    }

    fn is_root() -> bool {
        let id = Command::new("id").arg("-u").output().unwrap();
        id.stdout == b"0\n"
    }

    #[test]
    fn a_script_sees_exactly_its_input() {
        if !is_root() {
            return;
        }
        let out = run("printf '%s|' \"$0\"; cat\nexit 7\n\n", b"line\n\0bin");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert_eq!(text, format!("{MARKER}\nsh|line\n\0bin"));
        assert_eq!(out.status.code(), Some(7));
    }

    #[test]
    fn a_script_cut_on_its_way_is_not_run() {
        if !is_root() {
            return;
        }
        let mut child = Command::new("dash")
            .arg("-c")
            .arg(command(Privilege::Own))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let whole = framed("echo half; echo whole", b"");
        child.stdin.take().unwrap().write_all(&whole[..12]).unwrap();
        let out = child.wait_with_output().unwrap();
        assert_eq!(out.status.code(), Some(TRUNCATED));
        assert_eq!(out.stdout, format!("{MARKER}\n").into_bytes());
    }

    #[test]
    fn what_a_login_shell_prints_before_is_not_the_scripts() {
        let mut after = AfterMarker::default();
        assert_eq!(&*after.push(b"Welcome!\nanteroom-boot"), b"");
        assert!(!after.found());
        assert_eq!(&*after.push(b"strap-1-runs-as-root\nfirst "), b"first ");
        assert_eq!(&*after.push(b"second"), b"second");
    }
}
