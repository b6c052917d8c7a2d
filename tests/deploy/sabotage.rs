//! The sabotage suite: one misconfiguration at a time on a clean deployed host, an audit as a user runs it, and the
//! control that is about it must fail, while nothing else changes that the row does not declare. Undone, the host has to
//! be as it was, or it is replaced.
//!
//! `ANTEROOM_SABOTAGE=TEXT,…` runs the rows whose name or control has one of these, `all` runs all; without it a few run,
//! at least one of each family. `script/sabotage` is the usual way in.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::env;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anteroom::catalog::controls;
use serde_json::Value;

use crate::bench::Bench;
use crate::host::TestHost;
use crate::outcome::Outcome;
use crate::rows::Row;
use crate::rows::Sabotage;
use crate::spec_file::SpecFile;

const HELPERS: &str = include_str!("sabotage.sh");
/// Hosts of a run of chosen rows: audits mostly wait. The few have fewer, since other tests run beside them.
const HOSTS: usize = 5;
const HOSTS_OF_SPREAD: usize = 2;
/// Before the state of the host in what a script prints.
const MARK: &str = "=== state";
/// Lines of a difference that are shown.
const SHOWN: usize = 8;

/// What became of a row.
enum End {
    /// Its control failed.
    Caught,
    /// It did not.
    Missed(String),
    /// Nothing was broken, so that nothing could be caught.
    Void(String),
}

struct Tried<'a> {
    row: &'a Row,
    end: End,
    /// Controls that changed though no row said so, in words.
    alarms: Vec<String>,
    /// What the host was not put back from.
    left: Vec<String>,
    seconds: f32,
}

/// The worst status of each control of a report, with what was seen there.
type Statuses = BTreeMap<String, (usize, String)>;

/// From the best to the worst.
const RANKS: [&str; 6] = ["not_applicable", "pass", "attested", "waived", "unverified", "fail"];
const FAIL: usize = RANKS.len() - 1;

/// The one test of this file.
pub(crate) fn every_sabotage_is_named_by_its_control(bench: &Bench) {
    let sabotage = Sabotage::read();
    // They fail a test of their own; whoever is adding a control may try a row before.
    for problem in sabotage.problems(&controls().iter().map(|control| control.id.as_str()).collect()) {
        println!("sabotage.toml: {problem}");
    }
    let asked = env::var("ANTEROOM_SABOTAGE").ok().filter(|asked| !asked.is_empty());
    let asked = asked.as_deref().unwrap_or("spread");
    let chosen = chosen(&sabotage, asked);
    assert!(!chosen.is_empty(), "no row has {asked:?} in its name or control");
    let most = if asked == "spread" { HOSTS_OF_SPREAD } else { HOSTS };
    let hosts = most.min(chosen.len());
    let count = chosen.len();
    println!("sabotage: {count} rows of {} on {hosts} hosts", sabotage.rows.len());
    let queue = Mutex::new(chosen);
    let tried = Mutex::new(Vec::new());
    let audits = Mutex::new((0, Vec::new()));
    thread::scope(|scope| {
        for number in 0..hosts {
            let (sabotage, queue, tried, audits) = (&sabotage, &queue, &tried, &audits);
            scope.spawn(move || {
                // Booting at the same moment only makes each of them wait.
                thread::sleep(Duration::from_secs(2 * number as u64));
                work(bench, number, sabotage, queue, tried, audits);
            });
        }
    });
    let tried = tried.into_inner().unwrap();
    let (clean, noisy) = audits.into_inner().unwrap();
    let failed = tell(&tried, clean, &noisy);
    assert_eq!(tried.len(), count, "a host broke down, and left rows untried");
    assert!(failed.is_empty(), "{failed:#?}");
}

/// All of them, `spread` for one of each family, or those whose name or control has one of the texts.
fn chosen<'a>(sabotage: &'a Sabotage, asked: &str) -> VecDeque<&'a Row> {
    let wanted = |row: &&Row| match asked {
        "spread" => row.spread,
        "all" => true,
        texts => texts
            .split(',')
            .map(str::trim)
            .any(|text| !text.is_empty() && (row.name.contains(text) || row.control.contains(text))),
    };
    sabotage.rows.iter().filter(wanted).collect()
}

/// A host that is clean, and how that looks.
struct Clean<'a> {
    host: TestHost<'a>,
    spec: String,
    state: BTreeSet<String>,
    statuses: Statuses,
}

impl<'a> Clean<'a> {
    fn up(bench: &'a Bench, number: usize) -> Self {
        let host = bench.deployed(&format!("sabotage-{}", number + 1));
        let spec = host.write("anteroom.toml", &SpecFile::token());
        host.run(&format!("{HELPERS}\nsettle"));
        let report = host.audit(&spec).clean();
        // After the audit, so that nothing of the boot is still under way.
        let settled = host.run(&format!("{HELPERS}\necho '{MARK}'\nstate"));
        Self {
            state: state(&settled),
            statuses: statuses(&report.json()),
            host,
            spec,
        }
    }

    /// Runs a script with the helpers; the state of the host after it, or why it failed.
    fn script(&self, script: &str) -> Result<BTreeSet<String>, String> {
        // The shell reads the script from its standard input, which no command of it may read.
        let whole = format!("{HELPERS}\nrow() {{\n{script}\n}}\nset -e\nrow </dev/null\nset +e\necho '{MARK}'\nstate");
        let output = self.host.try_run(&whole);
        if output.status.success() {
            return Ok(state(&String::from_utf8_lossy(&output.stdout)));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(said.trim().lines().last().unwrap_or("it said nothing").to_owned())
    }

    fn try_row<'r>(&self, sabotage: &Sabotage, row: &'r Row) -> Tried<'r> {
        let started = Instant::now();
        let again = format!("again {}", row.restart.join(" "));
        let (end, alarms) = match self.script(&format!("{}\n{again}", row.how)) {
            Err(why) => (End::Void(format!("its command failed: {why}")), Vec::new()),
            Ok(state) if state == self.state && row.spec.is_empty() => {
                (End::Void("its command changed nothing".to_owned()), Vec::new())
            }
            Ok(_) => self.judge(sabotage, row),
        };
        let left = match self.script(&format!("restore\n{}\n{again}", row.undo)) {
            Err(why) => vec![format!("undoing failed: {why}")],
            Ok(state) => self.left(&state),
        };
        Tried {
            row,
            end,
            alarms,
            left,
            seconds: started.elapsed().as_secs_f32(),
        }
    }

    /// Audits the broken host.
    fn judge(&self, sabotage: &Sabotage, row: &Row) -> (End, Vec<String>) {
        let spec = if row.spec.is_empty() {
            self.spec.clone()
        } else {
            self.host.write("row.toml", &SpecFile::token().with(&row.spec))
        };
        let mut arguments = vec!["audit", "-f", &spec, "--format", "json"];
        arguments.extend(row.arguments.iter().map(String::as_str));
        let report = match report(&self.host.anteroom(&arguments)) {
            Ok(report) => report,
            Err(why) => return (End::Missed(why), Vec::new()),
        };
        let seen = statuses(&report);
        let mut before = self.statuses.clone();
        if !row.arguments.is_empty() {
            // What nobody asked for did not apply, and passes now.
            for (control, (rank, _)) in &mut before {
                if RANKS[*rank] == "not_applicable" && seen.get(control).is_some_and(|now| RANKS[now.0] == "pass") {
                    *rank = seen[control].0;
                }
            }
        }
        let changed = changed(&before, &seen);
        let end = match seen.get(&row.control) {
            Some((FAIL, _)) => End::Caught,
            Some((rank, observed)) => End::Missed(format!("{}: {observed}", RANKS[*rank])),
            None => End::Missed("the report does not name it".to_owned()),
        };
        let undeclared = changed
            .into_iter()
            .filter(|(control, _)| !sabotage.declares(row, control));
        (end, undeclared.map(|(_, words)| words).collect())
    }

    /// What differs from the clean host, also by the plan's look at it.
    fn left(&self, state: &BTreeSet<String>) -> Vec<String> {
        let gone = self.state.difference(state).map(|line| format!("gone: {line}"));
        let new = state.difference(&self.state).map(|line| format!("new: {line}"));
        let mut left: Vec<String> = gone.chain(new).collect();
        let plan = self.host.anteroom(&["plan", "-f", &self.spec]);
        if plan.code != 0 {
            left.push(format!("a plan ends with {}: {}{}", plan.code, plan.out, plan.err));
        }
        left
    }
}

fn work<'r>(
    bench: &Bench,
    number: usize,
    sabotage: &'r Sabotage,
    queue: &Mutex<VecDeque<&'r Row>>,
    tried: &Mutex<Vec<Tried<'r>>>,
    audits: &Mutex<(usize, Vec<String>)>,
) {
    let mut clean = Clean::up(bench, number);
    audits.lock().unwrap().0 += 1;
    let next = || queue.lock().unwrap().pop_front();
    while let Some(row) = next() {
        let result = clean.try_row(sabotage, row);
        println!("{}", line(&result));
        let replace = !result.left.is_empty();
        tried.lock().unwrap().push(result);
        if replace {
            // The old one has to go first: it has the name.
            drop(clean);
            clean = Clean::up(bench, number);
            audits.lock().unwrap().0 += 1;
        }
    }
    let noise = match report(&clean.host.audit(&clean.spec)) {
        Ok(report) => changed(&clean.statuses, &statuses(&report))
            .into_iter()
            .map(|(_, words)| words)
            .collect(),
        Err(why) => vec![why],
    };
    let mut audits = audits.lock().unwrap();
    audits.0 += 1;
    audits.1.extend(noise);
}

fn report(outcome: &Outcome) -> Result<Value, String> {
    if [0, 3, 5].contains(&outcome.code) {
        return Ok(outcome.json());
    }
    Err(format!("the audit ended with {}: {}", outcome.code, outcome.err.trim()))
}

fn state(printed: &str) -> BTreeSet<String> {
    let lines = printed.split_once(MARK).map_or("", |(_, after)| after).lines();
    let state: BTreeSet<String> = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
    assert!(state.len() > 500, "the look at the host was cut short");
    state
}

fn statuses(report: &Value) -> Statuses {
    let mut all = Statuses::new();
    for finding in report["findings"].as_array().unwrap() {
        let text = |field: &str| finding[field].as_str().unwrap_or_default().to_owned();
        let status = text("status");
        let rank = RANKS.iter().position(|rank| **rank == *status);
        let rank = rank.unwrap_or_else(|| panic!("an unknown status {status:?}"));
        let seen = (rank, format!("{}: {}", text("subject"), text("observed")));
        let worst = all.entry(text("control")).or_insert_with(|| seen.clone());
        if rank > worst.0 {
            *worst = seen;
        }
    }
    all
}

/// Controls with another worst status than before, with words for it.
fn changed(before: &Statuses, after: &Statuses) -> Vec<(String, String)> {
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let rank = |all: &Statuses, id: &String| all.get(id).map(|(rank, _)| *rank);
    let mut changed = Vec::new();
    for id in ids {
        let (old, new) = (rank(before, id), rank(after, id));
        if old != new {
            let word = |rank: Option<usize>| rank.map_or("absent", |rank| RANKS[rank]);
            let observed = after.get(id).map_or("", |(_, observed)| observed.as_str());
            changed.push((id.clone(), format!("{id} {} -> {}, {observed}", word(old), word(new))));
        }
    }
    changed
}

fn line(tried: &Tried<'_>) -> String {
    let Tried {
        row,
        end,
        alarms,
        left,
        seconds,
    } = tried;
    let (word, why) = match end {
        End::Caught => ("caught", ""),
        End::Missed(why) => ("MISSED", why.as_str()),
        End::Void(why) => ("VOID", why.as_str()),
    };
    let mut text = format!("{word:<7} {:<36} {} ({seconds:.0} s)", row.control, row.name);
    if !why.is_empty() {
        text.push_str(&format!("\n    {why}"));
    }
    for alarm in alarms {
        text.push_str(&format!("\n    false alarm: {alarm}"));
    }
    for rest in left.iter().take(SHOWN) {
        text.push_str(&format!("\n    not undone: {rest}"));
    }
    text
}

/// Prints the table; what makes the test fail.
fn tell(tried: &[Tried<'_>], clean: usize, noisy: &[String]) -> Vec<String> {
    let mut families: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    let mut failed = Vec::new();
    for one in tried {
        let family = one.row.control.split('/').next().unwrap_or_default();
        let counts = families.entry(family).or_default();
        counts.0 += 1;
        match &one.end {
            End::Caught => counts.1 += 1,
            End::Missed(why) | End::Void(why) => failed.push(format!("{}: {why}", one.row.name)),
        }
        counts.2 += one.alarms.len();
        failed.extend(
            one.alarms
                .iter()
                .map(|alarm| format!("{}: false alarm: {alarm}", one.row.name)),
        );
        let left = one.left.iter().take(SHOWN);
        failed.extend(left.map(|rest| format!("{}: not undone: {rest}", one.row.name)));
    }
    failed.extend(
        noisy
            .iter()
            .map(|noise| format!("false alarm on a clean host: {noise}")),
    );
    println!("\n| family | sabotages | caught | false alarms |\n|---|---|---|---|");
    let mut total = (0, 0, 0);
    for (family, (rows, caught, alarms)) in &families {
        println!("| {family} | {rows} | {caught} | {alarms} |");
        total = (total.0 + rows, total.1 + caught, total.2 + alarms);
    }
    let (rows, caught, alarms) = total;
    println!("| all | {rows} | {caught} | {alarms} |\n");
    println!(
        "kill rate {caught} of {rows} ({:.0} %); {alarms} false alarms beside sabotages, {} in {clean} audits of clean hosts",
        100.0 * caught as f64 / rows.max(1) as f64,
        noisy.len()
    );
    failed
}
