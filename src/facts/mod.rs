//! The inside view: what a host really holds. One script, one framed reply, pure parsers. Knows nothing of what is
//! wanted but which paths, units and names to look at.

use std::time::Duration;

use crate::remote::Host;
use crate::remote::RemoteError;

mod after;
mod answer;
mod clock;
pub mod cloud;
mod frame;
mod inside;
mod inside_answer;
pub mod model;
mod parse;
mod request;
mod script;

pub use after::Aftermath;
pub use after::LogSeen;
pub use after::aftermath;
pub use answer::facts;
pub use clock::Ahead;
pub use clock::Asked;
pub use clock::ahead;
pub use inside::*;
pub use model::*;
pub use request::request;

/// The longest that a look may take. Every command in it has a shorter limit of its own.
const PATIENCE: Duration = Duration::from_secs(300);

/// Looks at one host, in one round.
///
/// # Errors
/// Where the connection fails, or the script could not even begin. A command of the script that fails is an unknown fact.
pub fn collect(host: &mut dyn Host, request: &Request) -> Result<HostFacts, RemoteError> {
    let began = jiff::Timestamp::now();
    let output = host.run(&script::script(), &script::input(request), PATIENCE)?;
    let asked = Asked {
        began,
        ended: jiff::Timestamp::now(),
    };
    facts(&output.stdout, request, asked).map_err(|why| {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("no word");
        RemoteError::Broken {
            address: host.name().to_string(),
            why: format!("the look at it failed: {why}: {said} (exit status {})", output.status),
        }
    })
}
