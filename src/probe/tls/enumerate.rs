//! Finds out which of many values a server takes: it is offered them all, what it picks is taken out, and so on until it
//! picks none. Values are offered in small groups at once, so that a slow line is waited for only a few times.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::flight::Answer;
use super::flight::Exchanged;
use super::flight::Flight;
use super::hello::Hello;
use super::line::Echo;
use super::line::Line;
use super::line::Until;

/// Alerts that refuse an offer: unexpected_message and illegal_parameter of old stacks, handshake_failure,
/// protocol_version, insufficient_security, inappropriate_fallback, and missing_extension of TLS 1.3.
pub(crate) const REFUSALS: &[u8] = &[10, 40, 47, 70, 71, 86, 109];

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// What it took, in the order in which it picked.
    pub(crate) taken: Vec<u16>,
    /// What it answered by an alert that says nothing about the offer.
    pub(crate) undecided: Vec<u16>,
    /// The key exchanges that came with values it took, where they were waited for.
    pub(crate) exchanges: BTreeMap<u16, Exchanged>,
    /// Hellos that were sent.
    pub(crate) hellos: usize,
}

impl Found {
    /// All groups together.
    pub(crate) fn of(groups: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for found in groups {
            let new: Vec<u16> = found
                .taken
                .into_iter()
                .filter(|value| !all.taken.contains(value))
                .collect();
            all.taken.extend(new);
            all.undecided.extend(found.undecided);
            all.exchanges.extend(found.exchanges);
            all.hellos += found.hellos;
        }
        all
    }

    fn take(&mut self, value: u16, exchange: Option<Exchanged>) {
        if !self.taken.contains(&value) {
            self.taken.push(value);
        }
        self.exchanges.extend(exchange.map(|exchange| (value, exchange)));
    }
}

/// What it means where the server picks a value that was not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unasked {
    /// It does not speak TLS as it should, and nothing is known.
    Fault,
    /// It took none of those offered, and goes on with a value of its own: Java does, where it knows none of the groups.
    ItsOwn,
}

/// How values are asked for, and how the answer names the one that was picked.
pub(crate) struct Question<'a, M, P>
where
    M: Fn(&[u16]) -> Hello<'a>,
    P: Fn(&Flight) -> Option<u16>,
{
    pub(crate) line: &'a Line<'a>,
    pub(crate) offer: M,
    pub(crate) picked: P,
    pub(crate) until: Until,
    /// Values that every hello carries for another reason; where the server picks one, it wanted none of the others.
    pub(crate) beside: &'a [u16],
    pub(crate) unasked: Unasked,
}

impl<'a, M, P> Question<'a, M, P>
where
    M: Fn(&[u16]) -> Hello<'a>,
    P: Fn(&Flight) -> Option<u16>,
{
    /// Asks for `values`, in groups of `first` for as long as there are values in the first `usual`, of `rest` after that.
    /// What was found in each.
    pub(crate) async fn ask_in_groups(
        &self,
        values: &[u16],
        usual: usize,
        first: usize,
        rest: usize,
    ) -> Result<Vec<Found>, String> {
        let (usual, rare) = values.split_at(usual.min(values.len()));
        let groups = usual.chunks(first).chain(rare.chunks(rest));
        join_all(groups.map(|group| self.ask(group)))
            .await
            .into_iter()
            .collect()
    }

    /// Asks for one group until nothing more is picked.
    async fn ask(&self, values: &[u16]) -> Result<Found, String> {
        let mut left = values.to_vec();
        let mut found = Found::default();
        while !left.is_empty() {
            found.hellos += 1;
            match self.step(&left).await? {
                Step::Picked(value, exchange) => {
                    left.retain(|other| *other != value);
                    found.take(value, exchange);
                }
                Step::Refused => break,
                Step::Own(value) => {
                    found.take(value, None);
                    break;
                }
                Step::Undecided if left.len() == 1 => found.undecided.append(&mut left),
                // One of them upset the server; which, is found out one by one.
                Step::Undecided => {
                    for value in std::mem::take(&mut left) {
                        found.hellos += 1;
                        match self.step(&[value]).await? {
                            Step::Picked(value, exchange) => found.take(value, exchange),
                            Step::Own(value) => found.take(value, None),
                            Step::Refused => {}
                            Step::Undecided => found.undecided.push(value),
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    /// The one of these that the server picks, if any.
    pub(crate) async fn pick(&self, offered: &[u16]) -> Result<Option<u16>, String> {
        match self.step(offered).await? {
            Step::Picked(value, _) => Ok(Some(value)),
            Step::Own(_) | Step::Refused | Step::Undecided => Ok(None),
        }
    }

    async fn step(&self, offered: &[u16]) -> Result<Step, String> {
        let hello = (self.offer)(offered);
        let mut echo = self.line.ask(&hello, self.until).await;
        if echo == Echo::HungUp {
            // A crowded server hangs up, too.
            echo = self.line.ask(&hello, self.until).await;
        }
        match echo {
            Echo::Answer(flight) => match flight.answer {
                Some(Answer::Hello { version, .. }) if version == Some(hello.version) => self.picked(offered, flight),
                Some(Answer::Hello { .. }) => Ok(Step::Refused),
                Some(Answer::Alert(code)) if REFUSALS.contains(&code) => Ok(Step::Refused),
                Some(Answer::Alert(_)) => Ok(Step::Undecided),
                Some(Answer::Foreign) | None => Err("the server answered in something that is not TLS".to_owned()),
            },
            Echo::HungUp => Ok(Step::Refused),
            Echo::Silence => Err("the server left a hello unanswered, twice".to_owned()),
            Echo::Nothing(why) => Err(why),
        }
    }

    fn picked(&self, offered: &[u16], flight: Flight) -> Result<Step, String> {
        match (self.picked)(&flight) {
            Some(value) if offered.contains(&value) => Ok(Step::Picked(value, flight.exchange)),
            Some(value) if self.beside.contains(&value) => Ok(Step::Refused),
            Some(value) if self.unasked == Unasked::ItsOwn => Ok(Step::Own(value)),
            Some(value) => Err(format!("the server chose 0x{value:04X}, which was not offered")),
            None => Ok(Step::Refused),
        }
    }
}

enum Step {
    Picked(u16, Option<Exchanged>),
    /// A value that was not offered.
    Own(u16),
    Refused,
    Undecided,
}
