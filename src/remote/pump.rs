//! Moves bytes both ways over a channel at once, so that neither a full pipe nor a slow reader can stop the other
//! direction. Knows nothing of SSH: it sees streams that may answer "would block".

use std::io;
use std::io::ErrorKind;
use std::time::Duration;
use std::time::Instant;

/// More output than this is no answer to anything we ask; it would only fill our memory.
const MOST_OUTPUT: usize = 256 * 1024 * 1024;

/// A channel whose calls never block.
pub(super) trait Wire {
    /// Writes to standard input; zero and "would block" mean not now.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Says that standard input has ended.
    fn close_input(&mut self) -> io::Result<()>;
    /// Reads standard output; zero means not now, or never again once `ended` is true.
    fn read_out(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Reads standard error, likewise.
    fn read_err(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Whether the other side has said that no output follows and all of it was read.
    fn ended(&self) -> bool;
    /// Whether the last call stopped in the middle of sending; it must be repeated before any other.
    fn half_sent(&self) -> bool;
    /// Sleeps until something may have changed, or the time is over.
    fn wait(&mut self, at_most: Duration) -> io::Result<()>;
}

/// The three directions of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Out,
    Err,
    Input,
}

/// In the order of their numbers.
const STEPS: [Step; 3] = [Step::Out, Step::Err, Step::Input];

/// Sends all input and hands all output on, until the other side ends.
///
/// # Errors
/// `TimedOut` when `deadline` passes, `OutOfMemory` for output beyond all measure, and what the wire says.
pub(super) fn pump(
    wire: &mut dyn Wire,
    input: &[u8],
    deadline: Instant,
    out: &mut dyn FnMut(&[u8]),
    err: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut left = Some(input);
    let mut total = 0;
    let mut stuck: Option<Step> = None;
    loop {
        let mut moved = false;
        // What was stopped half way goes first, and the others have their turn after it.
        let first = stuck.map_or(0, |step| step as usize);
        for turn in 0..STEPS.len() {
            let step = STEPS[(first + turn) % STEPS.len()];
            let n = match step {
                Step::Input => send(wire, &mut left)?,
                Step::Out => now(wire.read_out(&mut buffer))?.inspect(|&n| out(&buffer[..n])),
                Step::Err => now(wire.read_err(&mut buffer))?.inspect(|&n| err(&buffer[..n])),
            };
            // libssh2 answers "bad use" to any other call while a packet is half sent.
            stuck = (n.is_none() && wire.half_sent()).then_some(step);
            if let Some(n) = n {
                moved |= n > 0;
                if step != Step::Input {
                    total += n;
                }
            }
            if stuck.is_some() {
                break;
            }
        }
        if total > MOST_OUTPUT {
            return Err(io::Error::new(ErrorKind::OutOfMemory, "it answers without end"));
        }
        if !moved && stuck.is_none() && wire.ended() {
            return Ok(());
        }
        let time = deadline.saturating_duration_since(Instant::now());
        if time.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        if !moved {
            wire.wait(time)?;
        }
    }
}

/// Sends a piece of what is left, and the end after the last piece. `None`: not now.
fn send(wire: &mut dyn Wire, left: &mut Option<&[u8]>) -> io::Result<Option<usize>> {
    let Some(rest) = *left else { return Ok(Some(0)) };
    if rest.is_empty() {
        let closed = now(wire.close_input().map(|()| 0))?;
        if closed.is_some() {
            *left = None;
        }
        return Ok(closed);
    }
    // A program that ends without reading its input closes its side; its answer still counts.
    if wire.ended() {
        *left = None;
        return Ok(Some(0));
    }
    let n = now(wire.write(rest))?;
    *left = Some(&rest[n.unwrap_or(0)..]);
    Ok(n)
}

fn now(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(n) => Ok(Some(n)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Cuts a stream into lines as they become whole; the last may lack its end.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    /// Takes the next bytes and calls `line` for every line that is whole now, without its end.
    pub(super) fn push(&mut self, bytes: &[u8], line: &mut dyn FnMut(&str)) {
        self.0.extend_from_slice(bytes);
        let Some(end) = self.0.iter().rposition(|&byte| byte == b'\n') else {
            return;
        };
        let rest = self.0.split_off(end + 1);
        let whole = std::mem::replace(&mut self.0, rest);
        for text in whole[..end].split(|&byte| byte == b'\n') {
            line(&String::from_utf8_lossy(text));
        }
    }

    /// Hands over what follows the last line end.
    pub(super) fn finish(self, line: &mut dyn FnMut(&str)) {
        if !self.0.is_empty() {
            line(&String::from_utf8_lossy(&self.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that answers each byte with a byte, through pipes of four bytes, and stops in the middle of sending
    /// every third call.
    #[derive(Default)]
    struct EchoThroughNarrowPipes {
        pipe: Vec<u8>,
        closed: bool,
        calls: usize,
        half: Option<&'static str>,
    }

    impl EchoThroughNarrowPipes {
        fn gate(&mut self, call: &'static str) -> io::Result<()> {
            assert!(
                self.half.is_none_or(|half| half == call),
                "{call} while {:?} is half sent",
                self.half
            );
            self.calls += 1;
            if self.half.take().is_none() && self.calls.is_multiple_of(3) {
                self.half = Some(call);
                return Err(ErrorKind::WouldBlock.into());
            }
            Ok(())
        }
    }

    impl Wire for EchoThroughNarrowPipes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.gate("write")?;
            let n = bytes.len().min(4 - self.pipe.len());
            self.pipe.extend_from_slice(&bytes[..n]);
            if n == 0 {
                Err(ErrorKind::WouldBlock.into())
            } else {
                Ok(n)
            }
        }
        fn close_input(&mut self) -> io::Result<()> {
            self.gate("close")?;
            self.closed = true;
            Ok(())
        }
        fn read_out(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.gate("out")?;
            let n = self.pipe.len();
            buffer[..n].copy_from_slice(&self.pipe);
            self.pipe.clear();
            Ok(n)
        }
        fn read_err(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.gate("err")?;
            Ok(0)
        }
        fn ended(&self) -> bool {
            self.closed && self.pipe.is_empty()
        }
        fn half_sent(&self) -> bool {
            self.half.is_some()
        }
        fn wait(&mut self, _: Duration) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn both_directions_move_though_each_call_may_stop_half_way() {
        let input: Vec<u8> = (0..=255).cycle().take(5000).collect();
        let mut seen = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut wire = EchoThroughNarrowPipes::default();
        pump(
            &mut wire,
            &input,
            deadline,
            &mut |bytes| seen.extend_from_slice(bytes),
            &mut |_| {},
        )
        .unwrap();
        assert_eq!(seen, input);
    }

    #[test]
    fn a_deadline_ends_the_wait() {
        struct Silent;
        impl Wire for Silent {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Ok(0)
            }
            fn close_input(&mut self) -> io::Result<()> {
                Ok(())
            }
            fn read_out(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(ErrorKind::WouldBlock.into())
            }
            fn read_err(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(ErrorKind::WouldBlock.into())
            }
            fn ended(&self) -> bool {
                false
            }
            fn half_sent(&self) -> bool {
                false
            }
            fn wait(&mut self, at_most: Duration) -> io::Result<()> {
                std::thread::sleep(at_most.min(Duration::from_millis(5)));
                Ok(())
            }
        }
        let deadline = Instant::now() + Duration::from_millis(20);
        let error = pump(&mut Silent, b"x", deadline, &mut |_| {}, &mut |_| {}).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn lines_are_handed_over_when_whole_and_the_last_at_the_end() {
        let mut seen = Vec::new();
        let mut take = |line: &str| seen.push(line.to_owned());
        let mut lines = Lines::default();
        lines.push(b"on", &mut take);
        lines.push(b"e\n\ntwo\nthr", &mut take);
        lines.push(b"\xffee", &mut take);
        lines.finish(&mut take);
        assert_eq!(seen, ["one", "", "two", "thr\u{fffd}ee"]);
    }
}
