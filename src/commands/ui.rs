//! The one place that writes: data to stdout, talk to stderr. Colours and spinners only on a terminal, and nothing that a
//! host or server sent can steer it.

use std::io;
use std::io::BufRead;
use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use crate::report::clean::for_terminal;
use crate::report::clean::one_line;
use crate::spec::Colour;

/// How much talk there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// Errors only.
    Quiet,
    /// Progress and results.
    Normal,
    /// Every step.
    Verbose,
}

/// The answer to a yes-or-no question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Yes,
    /// Do not.
    No,
}

/// Whether text for stderr may be coloured.
pub(crate) fn colour() -> Colour {
    match anstream::AutoStream::choice(&io::stderr()) {
        anstream::ColorChoice::Never => Colour::Plain,
        _ => Colour::Ansi,
    }
}

/// Where a command's words go.
#[derive(Debug)]
pub struct Ui {
    talk: Talk,
    bar: Option<ProgressBar>,
}

impl Ui {
    /// Talks as much as asked.
    pub fn new(talk: Talk) -> Self {
        let bar = (talk > Talk::Quiet && io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            ProgressBar::new_spinner().with_style(style)
        });
        Self { talk, bar }
    }

    /// Whether every step is wanted.
    pub fn verbose(&self) -> bool {
        self.talk == Talk::Verbose
    }

    /// Data: what the command was called for.
    pub fn data(&self, text: &str) {
        self.pause(|| {
            let mut stdout = anstream::stdout().lock();
            // A reader that closed the pipe has what it wanted; there is nobody left to tell.
            let _ = stdout.write_all(for_terminal(text).as_bytes());
            let _ = stdout.flush();
        });
    }

    /// A line of talk that stays on the screen.
    pub fn say(&self, text: &str) {
        if self.talk > Talk::Quiet {
            self.error(text);
        }
    }

    /// A line that is written even when quiet.
    pub fn error(&self, text: &str) {
        self.pause(|| {
            let _ = writeln!(anstream::stderr().lock(), "{}", for_terminal(text));
        });
    }

    /// What is being done right now: a spinner on a terminal, a line elsewhere.
    pub fn doing(&self, text: &str) {
        match &self.bar {
            Some(bar) => {
                bar.enable_steady_tick(Duration::from_millis(120));
                bar.set_message(one_line(text).into_owned());
            }
            None => self.say(text),
        }
    }

    /// Nothing is being done any more.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
    }

    /// Whether questions can be asked.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks one question; the answer without its line end. `None` at the end of input.
    pub fn ask(&self, question: &str) -> Option<String> {
        self.done();
        let _ = write!(anstream::stderr().lock(), "{question} ");
        let _ = io::stderr().flush();
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(answer.trim().to_owned()),
        }
    }

    /// Asks a yes-or-no question; anything but y or yes is no.
    pub fn confirm(&self, question: &str) -> Answer {
        match self.ask(&format!("{question} [y/N]")).as_deref() {
            Some("y" | "Y" | "yes") => Answer::Yes,
            _ => Answer::No,
        }
    }

    fn pause(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}
