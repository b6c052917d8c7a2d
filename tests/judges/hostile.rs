//! Hostile text: whatever means something to any of the languages, in any order, short and long. Every run has a seed,
//! and says which: `ANTEROOM_SEED=…` repeats it. What ever broke something stays in `ONCE` and is tried first.

use std::env;
use std::fmt::Debug;

use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::sample::select;
use proptest::test_runner::Config;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestCaseError;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;

/// Text that was thought of, or found, to break something.
pub(crate) const ONCE: &[&str] = &[
    "\"; os.execute('touch /tmp/owned'); --",
    "]] .. os.execute('touch /tmp/owned') .. [[",
    "]=]\n\\",
    "${?HOME} ${env.HOME} $request_uri $(id) `id` %h %% !!",
    "</script><script>alert(1)</script><!--#include virtual=\"/etc/passwd\" -->",
    "*/ process.exit(1) /*",
    "line\u{2028}two\u{2029}three\u{85}four",
    "nul\0nul",
    "\u{202e}gnp.exe\u{202c}\u{200f}\u{2066}",
    "ü€\u{1F600}1\u{1}23",
    "'\"\\",
    "\\\"; } server { listen 1; ",
    "\r\nTrusted: yes\r\n",
    "a\n[Service]\nExecStart=/bin/false",
    "x } include \"/etc/passwd\" {",
    "include required(file(\"/etc/passwd\"))",
    "a#b//c;d,e",
    " leading and trailing ",
    "{{ secret }}{% raw %}{# x #}",
    "<secret:focus>",
    "-Dx=1 -agentpath:/tmp/x",
    "\u{feff}bom",
    "\u{10ffff}\u{e000}\u{fffe}",
    "1e999",
    "true",
    "null",
    "~",
    ".",
    "*",
    "",
];

/// What means something somewhere.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "`",
    "\\",
    "\\\\",
    "\n",
    "\r",
    "\t",
    "\0",
    "\u{7f}",
    "\u{1b}[2J",
    "$",
    "${",
    "}",
    "$(",
    ")",
    "%",
    "%h",
    "!",
    ";",
    ";;",
    "#",
    "//",
    "/*",
    "*/",
    "--",
    "--[[",
    "]]",
    "[[",
    "[=[",
    "{",
    "}",
    "[",
    "]",
    "(",
    "<",
    ">",
    "&",
    "|",
    "=",
    "==",
    "+=",
    ":",
    "::",
    ",",
    " ",
    "  ",
    "~",
    "^",
    "*",
    "?",
    "@",
    "../",
    "/",
    ".",
    "-",
    "_",
    "+",
    "a",
    "Z",
    "0",
    "9",
    "\\u0022",
    "\\x22",
    "\\034",
    "&quot;",
    "%22",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{a0}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "é",
    "\u{1F600}",
    "</script>",
    "<!--",
    "-->",
    "<!--#exec",
    "include ",
    "Include \"",
    "os.exit()",
    "true",
    "null",
    "nil",
    "Trusted: yes",
    "[Service]",
    "EOF",
    "server {",
    "return 200",
    "<secret:jvb>",
    "{{",
    "}}",
    "{%",
    "%}",
];

/// Text of any kind.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => select(PIECES).prop_map(str::to_owned),
        2 => any::<char>().prop_map(|c| c.to_string()),
        1 => "[ -~]{1,8}",
    ];
    prop_oneof![
        12 => proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat()),
        4 => "\\PC{0,40}",
        3 => select(ONCE).prop_map(str::to_owned),
        1 => (select(PIECES), 1000_usize..10_000).prop_map(|(piece, times)| piece.repeat(times / piece.len())),
    ]
}

/// Several of them, so that a judge can be asked about all at once.
pub(crate) fn texts(most: usize) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(text(), 1..most)
}

/// The seed of this run.
fn seed() -> u64 {
    match env::var("ANTEROOM_SEED") {
        Ok(seed) => seed.parse().expect("ANTEROOM_SEED is a number"),
        Err(_) => {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).unwrap();
            u64::from_le_bytes(bytes)
        }
    }
}

/// A source of values, always the same for a seed.
pub(crate) fn runner(cases: u32) -> TestRunner {
    let seed = seed();
    // The harness shows this where the test fails.
    println!("repeat with ANTEROOM_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Runs a property over many values. A failure names the smallest value that was found, and the seed.
#[track_caller]
pub(crate) fn check<S>(cases: u32, strategy: S, property: impl Fn(&S::Value) -> Result<(), String>)
where
    S: Strategy,
    S::Value: Debug,
{
    let outcome = runner(cases).run(&strategy, |value| property(&value).map_err(TestCaseError::fail));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
