//! The whole look at one TLS listener, as a program of its own, so that it can be timed beside other scanners.
//!
//! Usage: `tls ADDRESS:PORT NAME`, as built by `cargo bench --bench tls --no-run`. Prints what was seen as JSON. Without
//! arguments it does nothing: `script/bench tls` starts the servers and the other scanners.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement prints, and fails by panicking"
)]

use std::net::SocketAddr;

use anteroom::catalog;
use anteroom::controls;
use anteroom::probe::tls;
use anteroom::probe::tls::line::Entrance;

fn main() {
    // Cargo passes `--bench` too.
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let (Some(address), Some(name)) = (words.next(), words.next()) else {
        return;
    };
    let address: SocketAddr = address.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let view = runtime.block_on(tls::look(address, &name, Entrance::Direct));
    let profile = catalog::tls_profile("modern").unwrap();
    let attacks: serde_json::Map<String, serde_json::Value> = controls::tls_attacks(&view, profile)
        .into_iter()
        .map(|(name, open)| (name.to_owned(), open.map_or(serde_json::Value::Null, Into::into)))
        .collect();
    println!("{}", serde_json::json!({ "view": view, "attacks": attacks }));
}
