//! What a change of a file looks like, line by line, without showing what nobody wrote into a spec: where a wanted
//! file has secrets, a line that differs from the wanted ones may hold an old or stray password.

use similar::ChangeTag;
use similar::TextDiff;

use crate::facts::PathState;
use crate::plan::content_sha256;
use crate::render::Entry;
use crate::render::FileContent;

/// Runs of at least this many characters of base64, hexadecimal or token alphabets are hidden. Passwords that people
/// or packages make are longer; words are shorter.
const RISKY_RUN: usize = 16;
const HIDDEN: &str = "<hidden>";
/// Unchanged lines around a change.
const CONTEXT: usize = 2;

/// One line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffLine {
    /// Unchanged.
    Same(String),
    /// Goes.
    Removed(String),
    /// Comes.
    Added(String),
    /// A gap between two parts.
    Gap,
    /// Anything that is not a line of text: owners, modes, kinds, digests.
    Note(String),
}

/// What is at a path against what is wanted there; `None`: it is to be gone.
pub fn diff(before: &PathState, after: Option<&Entry>) -> Vec<DiffLine> {
    let mut lines = Vec::new();
    let old_side = describe(before);
    let new_side = after.map_or_else(|| "absent".to_owned(), describe_entry);
    if old_side != new_side {
        lines.push(DiffLine::Note(format!("{old_side} → {new_side}")));
    }
    match (before, after) {
        (PathState::File { sha256, content, .. }, Some(Entry::File(file))) => match &file.content {
            FileContent::Text(new) => {
                if content_sha256(&file.content) != *sha256 {
                    match content {
                        Some(old) => text(old, new, &mut lines),
                        None => lines.push(digests(sha256, &content_sha256(&file.content))),
                    }
                }
            }
            FileContent::Hidden(_) => {
                let new = content_sha256(&file.content);
                if new != *sha256 {
                    lines.push(digests(sha256, &new));
                }
            }
        },
        (_, Some(Entry::File(file))) => match &file.content {
            FileContent::Text(new) => lines.extend(new.lines().map(|line| DiffLine::Added(line.to_owned()))),
            FileContent::Hidden(_) => {
                lines.push(DiffLine::Note(format!(
                    "sha256 {}…",
                    short(&content_sha256(&file.content))
                )));
            }
        },
        (PathState::File { sha256, .. }, _) => lines.push(DiffLine::Note(format!("was sha256 {}…", short(sha256)))),
        _ => {}
    }
    lines
}

fn text(old: &str, new: &str, lines: &mut Vec<DiffLine>) {
    let hide = new.contains("<secret:");
    let wanted: Vec<&str> = new.lines().collect();
    let diff = TextDiff::from_lines(old, new);
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            lines.push(DiffLine::Gap);
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches('\n');
            lines.push(match change.tag() {
                ChangeTag::Equal => DiffLine::Same(line.to_owned()),
                ChangeTag::Insert => DiffLine::Added(line.to_owned()),
                ChangeTag::Delete if hide && !wanted.contains(&line) => DiffLine::Removed(hide_runs(line)),
                ChangeTag::Delete => DiffLine::Removed(line.to_owned()),
            });
        }
    }
}

fn hide_runs(line: &str) -> String {
    let mut shown = String::new();
    let mut run = String::new();
    for letter in line.chars() {
        if letter.is_ascii_alphanumeric() || "+/=_-".contains(letter) {
            run.push(letter);
        } else {
            end_run(&mut run, &mut shown);
            shown.push(letter);
        }
    }
    end_run(&mut run, &mut shown);
    shown
}

fn end_run(run: &mut String, shown: &mut String) {
    shown.push_str(if run.len() >= RISKY_RUN { HIDDEN } else { run });
    run.clear();
}

fn digests(old: &str, new: &str) -> DiffLine {
    DiffLine::Note(format!("sha256 {}… → {}…", short(old), short(new)))
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// A path's kind, owner and mode in a few words, as rows and diffs show it.
pub(crate) fn describe(state: &PathState) -> String {
    match state {
        PathState::Absent => "absent".to_owned(),
        PathState::File { owner, group, mode, .. } => format!("file {owner}:{group} {mode:04o}"),
        PathState::Dir { owner, group, mode } => format!("folder {owner}:{group} {mode:04o}"),
        PathState::Link { target } => format!("link to {target}"),
        PathState::Other => "neither file, folder nor link".to_owned(),
    }
}

/// As `describe`, for what is wanted.
pub(crate) fn describe_entry(entry: &Entry) -> String {
    match entry {
        Entry::File(file) => {
            let access = &file.access;
            format!("file {}:{} {:04o}", access.owner, access.group, access.mode)
        }
        Entry::Dir(access) => format!("folder {}:{} {:04o}", access.owner, access.group, access.mode),
        Entry::Link { target } => format!("link to {target}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Access;
    use crate::render::RenderedFile;
    use crate::secret::Secret;

    fn entry(content: FileContent) -> Entry {
        Entry::File(RenderedFile {
            access: Access {
                owner: "root".into(),
                group: "root".into(),
                mode: 0o640,
            },
            content,
            hardening: false,
        })
    }

    fn seen(content: &str) -> PathState {
        PathState::File {
            owner: "root".into(),
            group: "root".into(),
            mode: 0o640,
            sha256: content_sha256(&FileContent::Text(content.into())),
            content: Some(content.into()),
            modified: 0,
        }
    }

    #[test]
    fn a_stray_password_in_a_file_with_slots_is_hidden() {
        let wanted = entry(FileContent::Text(
            "user = \"focus\"\npassword = \"<secret:focus>\"\n".into(),
        ));
        let lines = diff(
            &seen("user = \"focus\"\npassword = \"0123456789abcdefHand\"\n"),
            Some(&wanted),
        );
        assert_eq!(
            lines,
            [
                DiffLine::Same("user = \"focus\"".into()),
                DiffLine::Removed("password = \"<hidden>\"".into()),
                DiffLine::Added("password = \"<secret:focus>\"".into()),
            ]
        );
    }

    #[test]
    fn a_file_without_slots_is_shown_as_it_is() {
        let wanted = entry(FileContent::Text("server_name aaaaaaaaaaaaaaaaaaaaaaaa;\n".into()));
        let lines = diff(&seen("server_name bbbbbbbbbbbbbbbbbbbbbbbb;\n"), Some(&wanted));
        assert!(lines.contains(&DiffLine::Removed("server_name bbbbbbbbbbbbbbbbbbbbbbbb;".into())));
    }

    #[test]
    fn a_hidden_file_shows_digests_only() {
        let wanted = entry(FileContent::Hidden(Secret::new("KEY MATERIAL")));
        let lines = diff(&seen("OLD KEY"), Some(&wanted));
        assert!(matches!(&lines[..], [DiffLine::Note(note)] if note.starts_with("sha256 ") && !note.contains("KEY")));
        let lines = diff(&PathState::Absent, Some(&wanted));
        assert!(!format!("{lines:?}").contains("KEY"));
    }

    #[test]
    fn a_mode_change_alone_is_a_note() {
        let wanted = entry(FileContent::Text("x\n".into()));
        let mut before = seen("x\n");
        if let PathState::File { mode, .. } = &mut before {
            *mode = 0o644;
        }
        assert_eq!(
            diff(&before, Some(&wanted)),
            [DiffLine::Note("file root:root 0644 → file root:root 0640".into())]
        );
    }
}
