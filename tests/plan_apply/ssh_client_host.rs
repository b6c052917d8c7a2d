//! A test's way to a real host: OpenSSH's client. It shares nothing with `remote::ssh`, so that tests of apply do not
//! stand or fall with it.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use anteroom::remote::Host;
use anteroom::remote::Output;
use anteroom::remote::RemoteError;
use anteroom::spec::HostName;

use crate::fault::Fault;
use crate::fault::faulty;

/// A host reached by `ssh`.
#[derive(Clone)]
pub(crate) struct SshClientHost {
    pub(crate) name: HostName,
    pub(crate) address: String,
    pub(crate) key: PathBuf,
    /// What a new connection should do, to play a locked-out operator.
    pub(crate) reconnect: Reconnect,
    /// Cuts the next followed connection after so many lines.
    pub(crate) cut_after: Option<usize>,
    /// A fault for the engines that are sent over it.
    pub(crate) fault: Option<Fault>,
}

/// Whether new connections work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reconnect {
    Works,
    Fails,
}

impl SshClientHost {
    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("ssh");
        command
            .arg("-i")
            .arg(&self.key)
            .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ConnectTimeout=4"])
            .args(["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=2"])
            .arg(format!("root@{}", self.address))
            .arg(format!("sh -c '{}'", script.replace('\'', r"'\''")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn broken(&self, why: impl ToString) -> RemoteError {
        RemoteError::Broken {
            address: self.address.clone(),
            why: why.to_string(),
        }
    }

    /// Runs a script whose success the test depends on. A server that is starting anew is waited for.
    pub(crate) fn must(&mut self, script: &str) -> String {
        let until = Instant::now() + Duration::from_secs(60);
        let output = loop {
            match self.run(script, &[], Duration::from_secs(60)) {
                Err(error) if Instant::now() < until && error.to_string().contains("Connection refused") => {
                    std::thread::sleep(Duration::from_millis(300));
                }
                ended => break ended.unwrap(),
            }
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status, 0, "{script}\n{text}\n{errors}");
        text
    }
}

impl Host for SshClientHost {
    fn name(&self) -> &HostName {
        &self.name
    }

    fn run(&mut self, script: &str, input: &[u8], _patience: Duration) -> Result<Output, RemoteError> {
        let mut child = self.command(script).spawn().map_err(|why| self.broken(why))?;
        let mut stdin = child.stdin.take().unwrap();
        let input = match &self.fault {
            Some(fault) if script.contains("tar -x") => faulty(input, fault),
            _ => input.to_vec(),
        };
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().map_err(|why| self.broken(why))?;
        let _ = writer.join();
        let status = output.status.code().unwrap_or(255);
        if status == 255 {
            return Err(self.broken(String::from_utf8_lossy(&output.stderr)));
        }
        Ok(Output {
            status,
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    fn follow(&mut self, script: &str, _patience: Duration, line: &mut dyn FnMut(&str)) -> Result<Output, RemoteError> {
        let mut child = self.command(script).spawn().map_err(|why| self.broken(why))?;
        drop(child.stdin.take());
        for text in BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
        {
            line(&text);
            if let Some(left) = &mut self.cut_after {
                if *left == 0 {
                    self.cut_after = None;
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(self.broken("the test cut the connection"));
                }
                *left -= 1;
            }
        }
        let mut stderr = Vec::new();
        let _ = child.stderr.take().unwrap().read_to_end(&mut stderr);
        let status = child.wait().map_err(|why| self.broken(why))?.code().unwrap_or(255);
        if status == 255 {
            return Err(self.broken(String::from_utf8_lossy(&stderr)));
        }
        Ok(Output {
            status,
            stdout: Vec::new(),
            stderr,
        })
    }

    fn reconnect(&self) -> Result<Box<dyn Host>, RemoteError> {
        match self.reconnect {
            Reconnect::Works => Ok(Box::new(self.clone())),
            Reconnect::Fails => Err(self.broken("the test plays a locked-out operator")),
        }
    }
}
