//! Every standard and implementation specification of the HIPAA Security Rule from 45 CFR 164.308 to 164.316, with an
//! honest mark of how far a program can look. It knows which controls and settings cite which of them.

use std::sync::LazyLock;

use crate::catalog;
use crate::catalog::Control;
use crate::catalog::policy;

/// A standard, with its implementation specifications.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Standard {
    /// The standard's own row.
    #[serde(flatten)]
    pub row: Row,
    /// Its specifications; none where the standard is itself the requirement.
    #[serde(default)]
    pub spec: Vec<Specification>,
}

/// An implementation specification.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Specification {
    /// Whether something else may take its place.
    pub need: Need,
    /// The row.
    #[serde(flatten)]
    pub row: Row,
}

/// What standards and specifications have in common.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Row {
    /// `45 CFR 164.…`.
    pub cite: String,
    /// Its name in the rule.
    pub name: String,
    /// How far a program can look.
    pub mark: Mark,
    /// Why that mark.
    pub why: String,
    /// What is not looked at yet, and what brings it.
    #[serde(default)]
    pub later: Option<String>,
}

/// Whether something else may take a specification's place (45 CFR 164.306(d)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// It has to be implemented.
    Required,
    /// It has to be assessed; where it is not reasonable, the reason is written down and something equivalent is done.
    Addressable,
}

/// How far a program can look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// A look shows it.
    Technical,
    /// A look shows part of it; the rest is a document's.
    Partial,
    /// A document shows it, which a person attests.
    Document,
    /// It does not apply to such a server.
    NotApplicable,
}

impl Row {
    /// The controls that cite it.
    pub fn controls(&self) -> impl Iterator<Item = &'static Control> {
        let cite = self.cite.clone();
        catalog::controls()
            .iter()
            .filter(move |control| control.citations.contains(&cite))
    }

    /// How many settings of the policy cite it; `integrity/policy-in-force` judges hosts by them.
    pub fn settings(&self) -> usize {
        let groups = policy::policies().values().flat_map(|policy| &policy.groups);
        groups
            .filter(|group| group.citations.contains(&self.cite))
            .map(|group| group.set.len())
            .sum()
    }
}

impl Standard {
    /// The standard's own need: `None` where its specifications carry it.
    pub fn need(&self) -> Option<Need> {
        self.spec.is_empty().then_some(Need::Required)
    }

    /// The standard's row and those of its specifications, each with its need.
    pub fn rows(&self) -> impl Iterator<Item = (Option<Need>, &Row)> {
        let specs = self.spec.iter().map(|spec| (Some(spec.need), &spec.row));
        std::iter::once((self.need(), &self.row)).chain(specs)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    standard: Vec<Standard>,
}

static STANDARDS: LazyLock<Vec<Standard>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("safeguards.toml")).expect("the embedded list is parsed by a test");
    file.standard
});

/// Every standard, in the rule's order.
pub fn standards() -> &'static [Standard] {
    &STANDARDS
}

/// Whether one of the citations is of an addressable specification.
pub fn any_addressable(citations: &[String]) -> bool {
    standards()
        .iter()
        .flat_map(Standard::rows)
        .any(|(need, row)| need == Some(Need::Addressable) && citations.contains(&row.cite))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn rows() -> impl Iterator<Item = (Option<Need>, &'static Row)> {
        standards().iter().flat_map(Standard::rows)
    }

    /// Where the rule's Appendix A ends and 164.314 begins, the counts of the two differ.
    #[test]
    fn the_list_has_as_many_rows_as_the_rule() {
        let matrix = |(_, row): &(Option<Need>, &Row)| {
            ["45 CFR 164.308", "45 CFR 164.310", "45 CFR 164.312"]
                .iter()
                .any(|section| row.cite.starts_with(section))
        };
        let count = |wanted: Option<Need>| rows().filter(matrix).filter(|(need, _)| *need == wanted).count();
        assert_eq!(count(Some(Need::Addressable)), 22);
        assert_eq!(
            count(Some(Need::Required)),
            20 + 1,
            "and 164.308(b)(2), which the matrix does not print"
        );
        let standards: BTreeSet<&str> = rows().map(|(_, row)| row.cite.as_str()).collect();
        assert_eq!(standards.len(), rows().count(), "a citation stands twice");
        for cite in [
            "45 CFR 164.314(a)(2)(iii)",
            "45 CFR 164.314(b)(2)(iv)",
            "45 CFR 164.316(b)(2)(iii)",
        ] {
            assert!(standards.contains(cite), "{cite}");
        }
    }

    #[test]
    fn every_citation_of_a_control_is_a_safeguard_or_of_the_privacy_rule_on_agreements() {
        let known: BTreeSet<&str> = rows().map(|(_, row)| row.cite.as_str()).collect();
        let policies = policy::policies().values().flat_map(|policy| &policy.groups);
        let settings = policies.flat_map(|group| &group.citations);
        for cite in catalog::controls()
            .iter()
            .flat_map(|control| &control.citations)
            .chain(settings)
        {
            let privacy = ["45 CFR 164.502", "45 CFR 164.504"]
                .iter()
                .any(|start| cite.starts_with(start));
            assert!(privacy || known.contains(cite.as_str()), "{cite} is no safeguard");
        }
    }

    #[test]
    fn what_a_program_can_look_at_is_looked_at_or_said_to_come() {
        for standard in standards() {
            let below = |judged: fn(&Row) -> bool| standard.spec.iter().any(|spec| judged(&spec.row));
            for (_, row) in standard.rows() {
                assert!(row.why.len() > 20, "{}", row.cite);
                let covered = |judged: fn(&Row) -> bool| judged(row) || (row == &standard.row && below(judged));
                match row.mark {
                    Mark::Technical | Mark::Partial => {
                        assert!(
                            covered(looked_at) || row.later.is_some(),
                            "{} is not looked at",
                            row.cite
                        );
                    }
                    Mark::Document => assert!(covered(judged), "{} has no document", row.cite),
                    Mark::NotApplicable => assert!(!judged(row), "{} is judged", row.cite),
                }
            }
        }
    }

    fn judged(row: &Row) -> bool {
        row.controls().next().is_some()
    }

    /// By more than a document.
    fn looked_at(row: &Row) -> bool {
        row.settings() > 0 || row.controls().any(|control| !control.rests_on_documents())
    }
}
