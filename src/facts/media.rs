//! How many datagrams arrived for the bridge. Asked twice by an audit, before and after it sent some of its own: a bridge
//! answers no stranger, so that only the host can tell whether they came through.

use std::time::Duration;

use crate::facts::frame;
use crate::remote::Host;
use crate::seen::Seen;

/// The shell function that reads the counter; part of the look, and asked by itself.
pub(super) const FUNCTION: &str = include_str!("media.sh");

/// Asks a host again; `None`: it has no such counter.
pub fn media_packets(host: &mut dyn Host) -> Seen<Option<u64>> {
    let script = format!("{FUNCTION}media_packets\n");
    match host.run(&script, b"", Duration::from_secs(15)) {
        Err(error) => Seen::unknown(error),
        Ok(output) if output.status == frame::ABSENT => Seen::Known(None),
        Ok(output) if output.status == 0 => count(&String::from_utf8_lossy(&output.stdout)).map(Some).into(),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Seen::unknown(format!(
                "media counter: {} (exit status {})",
                said.trim(),
                output.status
            ))
        }
    }
}

/// The counter as the function prints it.
pub(super) fn count(text: &str) -> Result<u64, String> {
    let text = text.trim();
    text.parse()
        .map_err(|_| format!("media counter: {text:?} is no number"))
}
