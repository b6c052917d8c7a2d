//! A libssh2 channel as the pump sees it: calls that never block, and one sleep.

use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::time::Duration;
use std::time::Instant;

use mio::Interest;
use mio::Token;
use mio::unix::SourceFd;
use ssh2::BlockDirections;
use ssh2::Channel;
use ssh2::Session;

use crate::remote::pump::Wire;
use crate::remote::transport::Transport;

/// A host that has said nothing for this long, though it was asked every ten seconds, is gone.
const SILENCE: Duration = Duration::from_secs(45);

/// The channel as the pump sees it.
pub(super) struct SshWire<'a> {
    pub(super) channel: &'a mut Channel,
    pub(super) session: &'a Session,
    pub(super) transport: &'a Transport,
    pub(super) poll: &'a mut mio::Poll,
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
        matches!(
            self.session.block_directions(),
            BlockDirections::Outbound | BlockDirections::Both
        )
    }

    fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        let half_sent = self.half_sent();
        if !half_sent {
            self.session.keepalive_send().map_err(io::Error::from)?;
        }
        let interest = if half_sent {
            Interest::READABLE | Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        let fd = self.transport.as_raw_fd();
        // Registering anew makes what is ready already count, which the edge-triggered queue would have told only once.
        self.poll
            .registry()
            .reregister(&mut SourceFd(&fd), Token(0), interest)?;
        let mut events = mio::Events::with_capacity(1);
        match self.poll.poll(&mut events, Some(at_most.min(Duration::from_secs(1)))) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        if events.iter().any(mio::event::Event::is_readable) {
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
