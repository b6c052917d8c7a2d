//! Whose order of suites decides, and what the server's is: read off the suites it picked, with as few further hellos as will
//! do.

use futures_util::future::join_all;

use super::enumerate::Found;
use super::enumerate::Question;
use super::flight::Answer;
use super::flight::Flight;
use super::hello::Hello;
use super::hello::Version;
use super::line::Line;
use super::line::Until;
use super::survey::Order;

/// Who decides, where `groups` were found by offering the values of `offered` in their order.
pub(super) async fn decides(line: &Line<'_>, version: Version, offered: &[u16], groups: &[Found]) -> Order {
    let place = |value: &u16| offered.iter().position(|other| other == value);
    if groups.iter().any(|found| !found.taken.is_sorted_by_key(place)) {
        return Order::Server;
    }
    // Beyond 127 suites old stacks break.
    let reversed: Vec<u16> = groups
        .iter()
        .flat_map(|found| &found.taken)
        .copied()
        .take(120)
        .collect();
    let reversed: Vec<u16> = reversed.into_iter().rev().collect();
    let [first, _, ..] = reversed.as_slice() else {
        return Order::Open;
    };
    // So far each pick came first on our list, too.
    let echo = line
        .ask(&Hello::new(version, line.named, &reversed), Until::Hello)
        .await;
    match echo.answer() {
        Some(Answer::Hello { suite, .. }) if suite == *first => Order::Client,
        Some(Answer::Hello { suite, .. }) if reversed.contains(&suite) => Order::Server,
        _ => Order::Open,
    }
}

/// All that was taken in the server's order, which each group is in already. `None` where it cannot be seen.
pub(super) async fn sequence<'a, M, P>(question: &Question<'a, M, P>, groups: &[Found]) -> Option<Vec<u16>>
where
    M: Fn(&[u16]) -> Hello<'a>,
    P: Fn(&Flight) -> Option<u16>,
{
    let runs = groups.iter().map(|found| found.taken.as_slice());
    let runs: Vec<&[u16]> = runs.filter(|run| !run.is_empty()).collect();
    let borders = runs.windows(2).map(|pair| async move {
        let (last, first) = (*pair[0].last()?, *pair[1].first()?);
        question.pick(&[first, last]).await.ok()?.map(|picked| picked == last)
    });
    // Mostly the groups follow each other.
    let mut merged: Vec<Vec<u16>> = Vec::new();
    let follows = join_all(borders).await;
    for (place, run) in runs.into_iter().enumerate() {
        match (place.checked_sub(1).map(|before| follows[before]), merged.last_mut()) {
            (Some(None), _) => return None,
            (Some(Some(true)), Some(before)) => before.extend(run),
            _ => merged.push(run.to_vec()),
        }
    }
    merge(question, merged).await
}

/// The heads of all runs are offered, until only one run is left.
async fn merge<'a, M, P>(question: &Question<'a, M, P>, mut runs: Vec<Vec<u16>>) -> Option<Vec<u16>>
where
    M: Fn(&[u16]) -> Hello<'a>,
    P: Fn(&Flight) -> Option<u16>,
{
    let mut sequence = Vec::new();
    while runs.len() > 1 {
        let heads: Vec<u16> = runs.iter().filter_map(|run| run.first().copied()).collect();
        let picked = question.pick(&heads).await.ok()??;
        runs.iter_mut().for_each(|run| run.retain(|value| *value != picked));
        runs.retain(|run| !run.is_empty());
        sequence.push(picked);
    }
    sequence.extend(runs.into_iter().flatten());
    Some(sequence)
}
