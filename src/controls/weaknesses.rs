//! Integrity: the versions of what a host runs, held against the list of known weaknesses.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::catalog::software::Advisories;
use crate::catalog::software::Advisory;
use crate::catalog::software::advisories;
use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::inside::Word;
use crate::controls::inside::each;
use crate::facts::HostFacts;
use crate::facts::PackageState;
use crate::facts::PathState;
use crate::seen::Seen;

/// Days after which the list says too little.
const FRESH: i32 = 180;

/// integrity/no-known-vulnerabilities.
pub(crate) fn no_known_vulnerabilities(case: &Case) -> Vec<Verdict> {
    let expected = "no package with a weakness of the bundled list";
    each(case, "versions", expected, |_, facts| {
        judge(facts, advisories(), case.today)
    })
}

fn judge(facts: &HostFacts, list: &Advisories, today: Date) -> Result<Word, String> {
    let packages = facts.packages.known().map_err(str::to_owned)?;
    let os = facts.os.known().map_err(str::to_owned)?;
    let system = format!("{} {}", os.id, os.version);
    let about = list.advisory.iter();
    let about = about.filter(|row| row.system.as_ref().is_none_or(|wanted| *wanted == system));
    let mut wrong = Vec::new();
    let mut open = Vec::new();
    let mut compared = 0;
    let mut kept_out = Vec::new();
    for row in about {
        let Some(package) = packages.get(&row.package).filter(|package| package.installed) else {
            continue;
        };
        if row.system.is_some() && is_from_elsewhere(&package.version) {
            continue;
        }
        compared += 1;
        if compare(&package.version, &row.fixed) != Ordering::Less {
            continue;
        }
        match lined(row, facts) {
            Ok(true) => kept_out.push(row.id.clone()),
            Ok(false) => {
                let observed = format!("{}: {}; mended in {} ({})", row.id, row.title, row.fixed, row.source);
                wrong.push((format!("{} {}", row.package, package.version), observed));
            }
            Err(why) => open.push(format!("{}: {why}", row.id)),
        }
    }
    open.extend(unlisted(packages, list, &system));
    let age = (today - list.as_of).get_days();
    if wrong.is_empty() {
        if !open.is_empty() {
            return Err(open.join("; "));
        }
        if age > FRESH {
            return Err(format!(
                "the list is of {}, {age} days ago; a later Anteroom has a later one",
                list.as_of
            ));
        }
        if compared == 0 {
            return Err(format!("the list has no row about what is installed on {}", os.pretty));
        }
    }
    let kept_out = match kept_out.as_slice() {
        [] => String::new(),
        ids => format!("; kept out by a setting: {}", ids.join(", ")),
    };
    Ok(Word {
        wrong,
        seen: format!(
            "{compared} rows of the list of {} are about what is installed{kept_out}",
            list.as_of
        ),
    })
}

/// The installed packages of which the list knows weaknesses in some release, but has not been looked through for this one.
fn unlisted(packages: &BTreeMap<String, PackageState>, list: &Advisories, system: &str) -> Vec<String> {
    let of_releases = || list.advisory.iter().filter(|row| row.system.is_some());
    let watched: BTreeSet<&str> = of_releases().map(|row| row.package.as_str()).collect();
    let installed = |name: &&str| packages.get(*name).is_some_and(|package| package.installed);
    let mut open = Vec::new();
    for name in watched.into_iter().filter(installed) {
        let version = &packages[name].version;
        let listed = of_releases().any(|row| row.package == name && row.system.as_deref() == Some(system));
        if is_from_elsewhere(version) {
            open.push(format!(
                "{name} {version} is not the distribution's, and the list has no row for it"
            ));
        } else if !listed {
            open.push(format!("the list has no row about {name} of {system}"));
        }
    }
    open
}

/// Whether a package is not of the release but built for it by somebody else, who names it behind a tilde (`~bookworm`,
/// `~bpo12+1`). The release's own say `~deb12u1`.
fn is_from_elsewhere(version: &str) -> bool {
    let revision = version.rsplit_once('-').map_or("", |(_, revision)| revision);
    let mut marks = revision.split('~').skip(1);
    marks.any(|mark| mark.starts_with(|first: char| first.is_ascii_alphabetic()) && !mark.starts_with("deb"))
}

/// Whether a setting keeps the weakness out.
fn lined(row: &Advisory, facts: &HostFacts) -> Result<bool, String> {
    let Some(unless) = &row.unless else { return Ok(false) };
    let path = unless.path.parse().map_err(|why| format!("{}: {why}", unless.path))?;
    match facts.files.get(&path) {
        None => Err(format!("{path} was not looked at")),
        Some(Seen::Unknown(why)) => Err(why.clone()),
        Some(Seen::Known(PathState::File {
            content: Some(text), ..
        })) => Ok(text.lines().any(|line| line.trim() == unless.line)),
        Some(Seen::Known(_)) => Ok(false),
    }
}

/// Which of two Debian versions is the later one (deb-version(7)).
fn compare(left: &str, right: &str) -> Ordering {
    let (left_epoch, left) = epoch(left);
    let (right_epoch, right) = epoch(right);
    let parts = |text: &str| {
        let (upstream, revision) = text.rsplit_once('-').unwrap_or((text, ""));
        (upstream.to_owned(), revision.to_owned())
    };
    let ((left, left_revision), (right, right_revision)) = (parts(left), parts(right));
    left_epoch
        .cmp(&right_epoch)
        .then_with(|| compare_part(&left, &right))
        .then_with(|| compare_part(&left_revision, &right_revision))
}

fn epoch(version: &str) -> (u64, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
        None => (0, version),
    }
}

/// Text and numbers in turn. Letters sort before other signs, and a tilde before everything, even the end.
fn compare_part(left: &str, right: &str) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !left.is_empty() || !right.is_empty() {
        while left.first().is_some_and(|byte| !byte.is_ascii_digit())
            || right.first().is_some_and(|byte| !byte.is_ascii_digit())
        {
            let order = weight(left.first()).cmp(&weight(right.first()));
            if order != Ordering::Equal {
                return order;
            }
            left = left.get(1..).unwrap_or_default();
            right = right.get(1..).unwrap_or_default();
        }
        let order = number(&mut left).cmp(&number(&mut right));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// The number at the front, as its length and digits, so that none is too long.
fn number<'a>(text: &mut &'a [u8]) -> (usize, &'a [u8]) {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    let digits = &digits[zeros..];
    (digits.len(), digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_package_of_somebody_else_is_told_by_its_version() {
        for own in [
            "1.22.1-9+deb12u11",
            "3.0.22-1~deb12u2",
            "1:9.2p1-2",
            "1.9.15p5-3ubuntu5.24.04.1",
            "1.0",
        ] {
            assert!(!is_from_elsewhere(own), "{own}");
        }
        for foreign in [
            "1.28.0-1~bookworm",
            "0.12.5-1~bookworm1",
            "1.26.3-3~bpo12+1",
            "1.28.0-1~noble",
        ] {
            assert!(is_from_elsewhere(foreign), "{foreign}");
        }
    }

    #[test]
    fn versions_are_in_the_order_of_dpkg() {
        for (left, order, right) in [
            ("3.0.19-1~deb12u2", Ordering::Less, "3.0.22-1~deb12u2"),
            ("1.22.1-9+deb12u9", Ordering::Less, "1.22.1-9+deb12u10"),
            ("1.22.1-9", Ordering::Less, "1.22.1-9+deb12u1"),
            ("1:9.2p1-2+deb12u10", Ordering::Greater, "1:9.2p1-2+deb12u3"),
            ("1:1.0", Ordering::Greater, "9.0"),
            ("4.6.1-1", Ordering::Less, "4.9.0"),
            ("1.0.5056-1", Ordering::Greater, "1.0.5056"),
            ("1.0~rc1-1", Ordering::Less, "1.0-1"),
            ("1.0", Ordering::Equal, "1.0"),
            ("1.00-0", Ordering::Equal, "1.0"),
            ("1.0a", Ordering::Less, "1.0+"),
            ("2.3-292-gdouble-1", Ordering::Greater, "2.3-1"),
            ("2.3-30-g5a8f0c1-1", Ordering::Less, "2.3-38-g0-1"),
            ("2.3-38-g5a8f0c1-1", Ordering::Greater, "2.3-38-g0-1"),
            ("1.0-1100-1", Ordering::Less, "1.0-1133-1"),
            ("17.0.21.1+2-1~deb12u1", Ordering::Greater, "17.0.21+9-1~deb12u1"),
        ] {
            assert_eq!(compare(left, right), order, "{left} {right}");
            assert_eq!(compare(right, left), order.reverse(), "{right} {left}");
        }
    }

    proptest! {
        #[test]
        fn any_two_versions_have_one_order(left in "[0-9a-z.+~:-]{0,12}", right in "[0-9a-z.+~:-]{0,12}") {
            prop_assert_eq!(compare(&left, &right), compare(&right, &left).reverse());
        }
    }
}
