//! A session over its transport, and calls of libssh2 that do not block. So the next message can leave before the last
//! one is answered: every answer that is waited for costs a distant operator a round trip.

use std::io;
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::time::Duration;
use std::time::Instant;

use mio::Interest;
use mio::Token;
use mio::unix::SourceFd;
use ssh2::BlockDirections;
use ssh2::ErrorCode;
use ssh2::Session;

use crate::remote::transport::Transport;

/// What libssh2 answers while it waits for the other side.
const WOULD_BLOCK: ErrorCode = ErrorCode::Session(-37);
/// What it answers when the time is over.
const TIMED_OUT: ErrorCode = ErrorCode::Session(-9);
/// What it answers when nothing can be received any more.
const NOT_RECEIVED: ErrorCode = ErrorCode::Session(-43);

/// A session over its transport.
pub(super) struct Line {
    pub(super) session: Session,
    pub(super) transport: Transport,
    pub(super) service: Service,
    poll: mio::Poll,
}

/// The last step of a handshake: the host agrees to talk about logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// It has proved that it has its key, and was asked.
    Asked,
    /// It has agreed too.
    Granted,
}

/// By this libssh2 says that keys are in use and only the service is waited for.
const SERVICE_ASKED: &str = "Failed to get response to ssh-userauth request";

/// Where a call stands.
pub(super) enum Asked<T> {
    /// It is over, well or badly.
    Over(Result<T, ssh2::Error>),
    /// Its message has left as a whole, and the answer is not there yet.
    OnTheWay,
}

impl Line {
    /// A session that does not block and has said nothing yet.
    pub(super) fn new(transport: Transport) -> Result<Self, String> {
        let poll = || -> io::Result<mio::Poll> {
            let poll = mio::Poll::new()?;
            let fd = transport.as_raw_fd();
            poll.registry()
                .register(&mut SourceFd(&fd), Token(0), Interest::READABLE)?;
            Ok(poll)
        };
        let poll = poll().map_err(|error| error.to_string())?;
        let mut session = Session::new().map_err(|error| error.message().to_owned())?;
        session.set_tcp_stream(transport.handle().map_err(|error| error.to_string())?);
        session.set_blocking(false);
        Ok(Self {
            session,
            transport,
            service: Service::Asked,
            poll,
        })
    }

    /// Shakes hands up to the point where the host has proved that it has its key.
    pub(super) fn greet(&mut self, timeout: Duration) -> Result<(), ssh2::Error> {
        match self.ask(SERVICE_ASKED, timeout, |session| session.clone().handshake()) {
            Asked::OnTheWay => Ok(()),
            Asked::Over(result) => {
                self.service = Service::Granted;
                result
            }
        }
    }

    /// Waits for what is left of the handshake. No other call may have read since: libssh2 would have put the answer aside
    /// and wait for it for ever.
    pub(super) fn await_service(&mut self, timeout: Duration) -> Result<(), ssh2::Error> {
        if self.service == Service::Asked {
            self.finish(timeout, |session| session.clone().handshake())?;
            self.service = Service::Granted;
        }
        Ok(())
    }

    /// Repeats a call until it is over.
    pub(super) fn finish<T>(
        &mut self,
        timeout: Duration,
        mut call: impl FnMut(&Session) -> Result<T, ssh2::Error>,
    ) -> Result<T, ssh2::Error> {
        let deadline = Instant::now() + timeout;
        loop {
            match call(&self.session) {
                Err(error) if error.code() == WOULD_BLOCK => self.rest(deadline)?,
                over => return over,
            }
        }
    }

    /// Repeats a call until it is over, or until libssh2 says by `question` that it only waits for an answer. A question
    /// that a later libssh2 words differently is waited for, which costs a round trip and nothing else.
    pub(super) fn ask<T>(
        &mut self,
        question: &str,
        timeout: Duration,
        mut call: impl FnMut(&Session) -> Result<T, ssh2::Error>,
    ) -> Asked<T> {
        let deadline = Instant::now() + timeout;
        loop {
            let error = match call(&self.session) {
                Err(error) if error.code() == WOULD_BLOCK => error,
                over => return Asked::Over(over),
            };
            if error.message() == question && !self.half_sent() {
                return Asked::OnTheWay;
            }
            if let Err(error) = self.rest(deadline) {
                return Asked::Over(Err(error));
            }
        }
    }

    fn rest(&mut self, deadline: Instant) -> Result<(), ssh2::Error> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ssh2::Error::from_errno(TIMED_OUT));
        }
        self.sleep(left)
            .map(drop)
            .map_err(|_| ssh2::Error::from_errno(NOT_RECEIVED))
    }

    /// Whether the last call stopped in the middle of sending; it must be repeated before any other.
    pub(super) fn half_sent(&self) -> bool {
        matches!(
            self.session.block_directions(),
            BlockDirections::Outbound | BlockDirections::Both
        )
    }

    /// Sleeps until there is something to read (or room to write, where a message is half sent) or the time is over.
    /// Returns whether there is something to read.
    pub(super) fn sleep(&mut self, at_most: Duration) -> io::Result<bool> {
        let interest = if self.half_sent() {
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
        match self.poll.poll(&mut events, Some(at_most)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
            result => result.map(|()| events.iter().any(mio::event::Event::is_readable)),
        }
    }
}
