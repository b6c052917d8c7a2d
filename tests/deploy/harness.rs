//! Runs the tests: a few hosts at a time, the longest tests first, and one teardown at the end whatever happened. The
//! standard harness has no such end. Takes a test's name or part of it as a filter, like any test program.

use std::collections::VecDeque;
use std::env;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::bench::Bench;

/// Hosts that run at the same time. They mostly wait, so that two processors keep three of them busy.
const HOSTS: usize = 3;

/// One test: a sentence, and what proves it.
pub(crate) struct Test {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Bench),
}

/// What the command line asks for. Options of the standard harness that have no meaning here are ignored.
struct Asked {
    filters: Vec<String>,
    skip: Vec<String>,
    exact: bool,
    list: bool,
}

impl Asked {
    fn of(arguments: impl Iterator<Item = String>) -> Self {
        let mut asked = Self {
            filters: Vec::new(),
            skip: Vec::new(),
            exact: false,
            list: false,
        };
        let mut arguments = arguments.skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--exact" => asked.exact = true,
                "--list" => asked.list = true,
                "--skip" => asked.skip.extend(arguments.next()),
                "--test-threads" | "--format" | "--color" | "--logfile" | "-Z" | "--shuffle-seed" => {
                    arguments.next();
                }
                option if option.starts_with('-') => {}
                filter => asked.filters.push(filter.to_owned()),
            }
        }
        asked
    }

    fn wants(&self, name: &str) -> bool {
        let matches = |part: &String| {
            if self.exact {
                name == part
            } else {
                name.contains(part.as_str())
            }
        };
        let chosen = self.filters.is_empty() || self.filters.iter().any(matches);
        chosen && !self.skip.iter().any(matches)
    }
}

/// Runs what is asked for; whether all of it passed.
pub(crate) fn run(tests: &'static [Test]) -> bool {
    let asked = Asked::of(env::args());
    let chosen: VecDeque<&Test> = tests.iter().filter(|test| asked.wants(test.name)).collect();
    if asked.list {
        chosen.iter().for_each(|test| println!("{}: test", test.name));
        return true;
    }
    println!("\nrunning {} tests", chosen.len());
    if chosen.is_empty() {
        return true;
    }
    let started = Instant::now();
    let bench = match panic::catch_unwind(Bench::build) {
        Ok(Ok(bench)) => bench,
        Ok(Err(reason)) => {
            println!("skipped: {reason}");
            return env::var("ANTEROOM_TESTS").as_deref() != Ok("require");
        }
        // What went wrong was printed; what was made is gone with the values that held it.
        Err(_) => return false,
    };
    println!("the bench stands after {:.0} s", started.elapsed().as_secs_f32());
    let mut failed = carry_out(&bench, chosen);
    if let Err(_reason) = panic::catch_unwind(AssertUnwindSafe(|| bench.take_down())) {
        failed.push("the bench leaves nothing behind");
    }
    let seconds = started.elapsed().as_secs_f32();
    match failed.len() {
        0 => println!("\ntest result: ok; {seconds:.0} s\n"),
        count => println!(
            "\ntest result: FAILED; {count} failed: {}; {seconds:.0} s\n",
            failed.join(", ")
        ),
    }
    failed.is_empty()
}

fn carry_out(bench: &Bench, tests: VecDeque<&'static Test>) -> Vec<&'static str> {
    let queue = Mutex::new(tests);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for worker in 0..HOSTS {
            let (queue, failed) = (&queue, &failed);
            scope.spawn(move || {
                // Booting at the same moment only makes each of them wait.
                thread::sleep(Duration::from_secs(2 * worker as u64));
                while let Some(test) = queue.lock().ok().and_then(|mut queue| queue.pop_front()) {
                    let started = Instant::now();
                    let passed = one(bench, test);
                    let verdict = if passed { "ok" } else { "FAILED" };
                    println!(
                        "test {} ... {verdict} ({:.0} s)",
                        test.name,
                        started.elapsed().as_secs_f32()
                    );
                    if !passed && let Ok(mut failed) = failed.lock() {
                        failed.push(test.name);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_default()
}

/// In a thread of the test's name, which is what a panic is reported with.
fn one(bench: &Bench, test: &Test) -> bool {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(test.name.to_owned());
        let running = thread.spawn_scoped(scope, || (test.run)(bench));
        running.is_ok_and(|running| running.join().is_ok())
    })
}
