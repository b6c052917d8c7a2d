//! A libssh2 channel as the pump sees it: calls that never block, and one sleep.

use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

use ssh2::Channel;

use crate::remote::pump::Wire;
use crate::remote::ssh::KEEPALIVE;
use crate::remote::ssh::line::Line;

/// A host that has said nothing for this long, though it was asked every ten seconds, is gone.
const SILENCE: Duration = Duration::from_secs(45);

/// The channel as the pump sees it.
pub(super) struct SshWire<'a> {
    pub(super) channel: &'a mut Channel,
    pub(super) line: &'a mut Line,
    pub(super) heard: Instant,
}

impl Wire for SshWire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.channel.write(bytes)
    }

    fn close_input(&mut self) -> io::Result<()> {
        self.channel.send_eof().map_err(io::Error::from)
    }

    fn read_out(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.channel.read(buffer)
    }

    fn read_err(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.channel.stderr().read(buffer)
    }

    fn ended(&self) -> bool {
        self.channel.eof()
    }

    fn half_sent(&self) -> bool {
        self.line.half_sent()
    }

    fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        // Asked no sooner, or the first wait of every channel would cost a question and its answer.
        if !self.half_sent() && self.heard.elapsed() >= Duration::from_secs(KEEPALIVE.into()) {
            self.line.session.keepalive_send().map_err(io::Error::from)?;
        }
        if self.line.sleep(at_most.min(Duration::from_secs(1)))? {
            self.heard = Instant::now();
        } else if self.heard.elapsed() > SILENCE {
            let seconds = SILENCE.as_secs();
            return Err(io::Error::new(
                ErrorKind::ConnectionAborted,
                format!("no sign of life for {seconds} s"),
            ));
        }
        Ok(())
    }
}
