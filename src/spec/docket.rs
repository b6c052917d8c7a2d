//! Collects problems. Who holds a `Refused` has proof that at least one problem was written down, so a spec that could
//! not be built always says why.

use crate::spec::problem::Problem;

/// Proof that a problem was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused(());

/// The problems so far.
#[derive(Debug, Default)]
pub(crate) struct Docket {
    problems: Vec<Problem>,
}

impl Docket {
    /// Writes a problem down.
    pub(crate) fn refuse(&mut self, problem: Problem) -> Refused {
        self.problems.push(problem);
        Refused(())
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// All problems.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}
