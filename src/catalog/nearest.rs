//! Finds a row by a name as people write it: in any case, with or without spaces and dots, misspelt a little.

/// What came of looking for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// A row of this name.
    Exactly(T),
    /// A row whose name is a few slips away; whoever uses it says what the name was taken for.
    TakenFor(T),
    /// None, but these are near or share a word.
    Unknown(Vec<T>),
}

/// The row that `name` means. Where two rows are equally near, none is meant.
pub(crate) fn nearest<'a, T>(name: &str, rows: &'a [T], names: impl Fn(&'a T) -> Vec<&'a str>) -> Found<&'a T> {
    let wanted = plain(name);
    let mut near: Vec<(usize, &T)> = Vec::new();
    for row in rows {
        let slips = names(row)
            .iter()
            .map(|name| strsim::damerau_levenshtein(&wanted, &plain(name)))
            .min();
        match slips {
            Some(0) => return Found::Exactly(row),
            Some(slips) => near.push((slips, row)),
            None => {}
        }
    }
    near.sort_by_key(|(slips, _)| *slips);
    let allowed = 1 + wanted.chars().count() / 6;
    match near.as_slice() {
        // A short word is a slip away from too many others.
        [(first, row), rest @ ..]
            if *first <= allowed && wanted.chars().count() > 3 && rest.first().is_none_or(|(next, _)| next > first) =>
        {
            Found::TakenFor(row)
        }
        _ => Found::Unknown(suggestions(name, &wanted, &near, names)),
    }
}

/// Rows that share a word with the name, then those that are nearest.
fn suggestions<'a, T>(
    name: &str,
    wanted: &str,
    near: &[(usize, &'a T)],
    names: impl Fn(&'a T) -> Vec<&'a str>,
) -> Vec<&'a T> {
    let words: Vec<String> = name
        .split_whitespace()
        .map(plain)
        .filter(|word| word.len() > 2)
        .collect();
    let shares = |row: &'a T| {
        let theirs = names(row).into_iter().flat_map(str::split_whitespace).map(plain);
        let mut theirs = theirs.filter(|word| word.len() > 2);
        theirs.any(|word| words.contains(&word))
    };
    let likely = 2 + wanted.chars().count() / 3;
    let shared = near.iter().filter(|(_, row)| shares(row));
    let close = near.iter().filter(|(slips, row)| *slips <= likely && !shares(row));
    shared.chain(close).map(|(_, row)| *row).take(3).collect()
}

/// Letters and digits alone, in lower case.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &[&[&str]] = &[
        &["Zoom"],
        &["Zoom for Healthcare"],
        &["WhatsApp"],
        &["Microsoft Teams", "Teams"],
    ];

    fn look(name: &str) -> Found<&'static &'static [&'static str]> {
        nearest(name, ROWS, |row| row.to_vec())
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        for (name, row) in [("zoom", 0), ("ZOOM FOR-HEALTHCARE", 1), ("Whats App", 2), ("teams", 3)] {
            assert_eq!(look(name), Found::Exactly(&ROWS[row]), "{name}");
        }
        for (name, row) in [("zoom for helthcare", 1), ("whatsap", 2), ("microsoft taems", 3)] {
            assert_eq!(look(name), Found::TakenFor(&ROWS[row]), "{name}");
        }
    }

    #[test]
    fn a_name_that_may_mean_several_means_none() {
        assert_eq!(look("zoom free"), Found::Unknown(vec![&ROWS[0], &ROWS[1]]));
        assert_eq!(look(""), Found::Unknown(Vec::new()));
        assert_eq!(look("xyzzy-unknown-thing"), Found::Unknown(Vec::new()));
    }
}
