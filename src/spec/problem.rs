//! One thing that is wrong with a spec, where it stands and how to mend it; and all of them together, rendered for
//! people and for programs. It knows nothing of what a spec means.

use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::AnnotationKind;
use annotate_snippets::Group;
use annotate_snippets::Level;
use annotate_snippets::Origin;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;

use crate::spec::values::is_hostile;

/// Where a problem stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A switch of the command line.
    Flag(&'static str),
    /// The file as a whole, since what is missing has no place.
    File,
    /// Bytes of the file: first, and one after the last.
    Span(usize, usize),
}

impl From<Range<usize>> for Place {
    fn from(range: Range<usize>) -> Self {
        Self::Span(range.start, range.end)
    }
}

/// One thing that is wrong with a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A name that does not change between versions.
    pub code: &'static str,
    /// What is wrong, in one lower-case sentence without a full stop.
    pub message: String,
    /// Where.
    pub place: Place,
    /// How to mend it.
    pub help: Option<String>,
    /// The rule of law behind it.
    pub citation: Option<String>,
}

impl Problem {
    /// A problem without help or citation.
    pub(crate) fn new(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place,
            help: None,
            citation: None,
        }
    }

    /// Says how to mend it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the rule behind it.
    pub(crate) fn cite(mut self, citation: impl Into<String>) -> Self {
        self.citation = Some(citation.into());
        self
    }
}

/// Every problem of one spec, with the text they point into. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    path: PathBuf,
    text: String,
    list: Vec<Problem>,
}

/// Whether text carries ANSI colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Plain,
    /// ANSI escape sequences.
    Ansi,
}

/// A problem as `--format json` prints it. Lines and columns count from 1, columns in characters; both are absent where
/// the problem has no place in the file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ProblemRow {
    /// A name that does not change between versions.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The spec's path as given.
    pub file: String,
    /// The command line's switch that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<&'static str>,
    /// Line.
    pub line: Option<usize>,
    /// Column.
    pub column: Option<usize>,
    /// How to mend it.
    pub help: Option<String>,
    /// The rule behind it.
    pub citation: Option<String>,
}

impl Problems {
    /// Takes problems over, in the order of the file.
    pub(crate) fn new(path: PathBuf, text: String, mut list: Vec<Problem>) -> Self {
        list.sort_by(|one, other| one.place.cmp(&other.place));
        Self { path, text, list }
    }

    /// The problems, in the order of the file.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// How many there are, in words.
    pub fn count(&self) -> String {
        match self.list.len() {
            1 => "1 problem".to_owned(),
            many => format!("{many} problems"),
        }
    }

    /// All of them as text, each with its line and the way to mend it.
    pub fn render(&self, colour: Colour) -> String {
        let renderer = match colour {
            Colour::Plain => Renderer::plain(),
            Colour::Ansi => Renderer::styled(),
        };
        let mut text = String::new();
        for problem in &self.list {
            text.push_str(&renderer.render(&[self.group(problem)]));
            text.push_str("\n\n");
        }
        let end = format!("{} has {}; nothing was touched", self.path.display(), self.count());
        text.push_str(&renderer.render(&[Group::with_title(Level::ERROR.primary_title(end))]));
        text.push('\n');
        visible(&text, colour)
    }

    /// All of them for programs.
    pub fn rows(&self) -> Vec<ProblemRow> {
        self.list.iter().map(|problem| self.row(problem)).collect()
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let path = self.path.to_string_lossy();
        let title = Level::ERROR.primary_title(problem.message.as_str()).id(problem.code);
        let mut group = match problem.place {
            Place::Flag(flag) => title.element(Level::NOTE.message(format!("given as `{flag}` on the command line"))),
            Place::File => title.element(Origin::path(path)),
            Place::Span(start, end) => title.element(
                Snippet::source(self.text.as_str())
                    .path(path)
                    .annotation(AnnotationKind::Primary.span(self.boundaries(start, end))),
            ),
        };
        if let Some(citation) = &problem.citation {
            group = group.element(Level::NOTE.message(citation.as_str()));
        }
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        group
    }

    /// The span, cut to the text and to whole characters, so that no renderer can be made to panic by a parser's span.
    fn boundaries(&self, start: usize, end: usize) -> Range<usize> {
        let start = self.whole(start);
        let end = (end.max(start)..self.text.len()).find(|&byte| self.text.is_char_boundary(byte));
        start..end.unwrap_or(self.text.len())
    }

    /// The last start of a character at or before a byte.
    fn whole(&self, byte: usize) -> usize {
        let byte = byte.min(self.text.len());
        (0..=byte)
            .rev()
            .find(|&byte| self.text.is_char_boundary(byte))
            .unwrap_or_default()
    }

    fn row(&self, problem: &Problem) -> ProblemRow {
        let (flag, position) = match problem.place {
            Place::Flag(flag) => (Some(flag), None),
            Place::File => (None, None),
            Place::Span(start, _) => (None, Some(self.position(start))),
        };
        ProblemRow {
            code: problem.code,
            message: problem.message.clone(),
            file: self.path.display().to_string(),
            flag,
            line: position.map(|(line, _)| line),
            column: position.map(|(_, column)| column),
            help: problem.help.clone(),
            citation: problem.citation.clone(),
        }
    }

    /// Line and column of a byte, both counted from 1.
    fn position(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..self.whole(byte)];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    }
}

/// A report quotes the spec, and a terminal obeys what it is shown: what cannot be seen, or steers a terminal, becomes a
/// sign for it. The only escapes that stay are those of our own colours, since the renderer draws a spec's escapes.
fn visible(text: &str, colour: Colour) -> String {
    let ours = |c: char| c == '\n' || (c == '\u{1b}' && matches!(colour, Colour::Ansi));
    text.chars()
        .map(|c| if is_hostile(c) && !ours(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str, place: Place) -> Problems {
        let problem = Problem::new("test/code", place, "something is wrong")
            .help("write something else")
            .cite("45 CFR 164.312(d)");
        Problems::new(PathBuf::from("anteroom.toml"), text.to_owned(), vec![problem])
    }

    #[test]
    fn a_problem_shows_its_line_the_rule_and_the_fix() {
        let text = problems("one = 1\ntwo = 2\n", Place::Span(14, 15)).render(Colour::Plain);
        insta::assert_snapshot!(text, @r"
        error[test/code]: something is wrong
         --> anteroom.toml:2:7
          |
        2 | two = 2
          |       ^
          |
          = note: 45 CFR 164.312(d)
          = help: write something else

        error: anteroom.toml has 1 problem; nothing was touched
        ");
    }

    #[test]
    fn a_report_shows_no_character_that_hides_text_or_steers_a_terminal() {
        for hostile in [
            '\u{85}', '\u{9b}', '\u{1b}', '\u{202e}', '\u{2028}', '\u{200b}', '\u{7f}', '\0',
        ] {
            let problems = problems(&format!("a = \"{hostile}[2Jx\""), Place::Span(0, 1));
            let plain = problems.render(Colour::Plain);
            assert!(!plain.contains(hostile) && plain.contains("[2Jx"), "{plain:?}");
            let coloured = problems.render(Colour::Ansi);
            assert!(!coloured.contains("\u{1b}[2J") && (hostile == '\u{1b}' || !coloured.contains(hostile)));
        }
    }

    #[test]
    fn a_problem_of_a_flag_names_the_flag_and_no_line() {
        let problems = problems("one = 1\n", Place::Flag("--domain"));
        assert!(problems.render(Colour::Plain).contains("given as `--domain`"));
        let row = &problems.rows()[0];
        assert_eq!((row.flag, row.line), (Some("--domain"), None));
    }

    #[test]
    fn columns_count_characters_and_spans_off_the_text_do_not_panic() {
        let inside = problems("ä = \"ö\"\nb = 1", Place::Span(5, 9));
        assert_eq!((inside.rows()[0].line, inside.rows()[0].column), (Some(1), Some(5)));
        for place in [
            Place::Span(1, 1),
            Place::Span(400, 500),
            Place::Span(6, 7),
            Place::Span(14, 14),
            Place::File,
        ] {
            let text = problems("ä = \"ö\"\nb = 1", place).render(Colour::Ansi);
            assert!(text.contains("\u{1b}["));
        }
    }
}
