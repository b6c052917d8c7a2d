//! How long rendering a core host takes: the whole of it from a valid spec, templates compiled anew each time.
//!
//! Usage: `cargo bench --bench render -- [TIMES]`. Prints a table's rows for docs/benchmarks.md.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement prints, and fails by panicking"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use anteroom::render::render;
use anteroom::spec;
use anteroom::spec::Switches;

/// Specs below examples/ that need no file beside them.
const SPECS: [&str; 3] = ["lab", "lab-internal", "test-existing"];
/// A day on which they are valid.
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 4, 1);

fn main() {
    // Cargo passes `--bench` too.
    let times = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(300);
    println!("| spec | files | median of {times} | fastest | slowest |");
    println!("|---|---|---|---|---|");
    for name in SPECS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{name}.toml"));
        let spec = spec::load(&path, &Switches::default(), TODAY).unwrap();
        let host = &spec.hosts[0];
        let mut took: Vec<Duration> = (0..times)
            .map(|_| {
                let start = Instant::now();
                black_box(render(black_box(&spec), black_box(host)).unwrap());
                start.elapsed()
            })
            .collect();
        took.sort();
        let entries = render(&spec, host).unwrap().tree.len();
        let [median, fastest, slowest] =
            [took[times / 2], took[0], took[times - 1]].map(|time| format!("{:.2} ms", time.as_secs_f64() * 1000.0));
        println!("| examples/{name}.toml | {entries} | {median} | {fastest} | {slowest} |");
    }
}
