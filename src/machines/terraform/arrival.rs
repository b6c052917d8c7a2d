//! Waits until a machine that was just made answers.

use std::net::TcpStream;
use std::net::ToSocketAddrs;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use super::error::TerraformError;
use crate::spec::SshTarget;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);
/// The pause between attempts.
const PAUSE: Duration = Duration::from_secs(2);

/// Waits until the SSH port takes connections. Through a jump host nothing can be tried, so there nothing is waited for.
///
/// # Errors
/// Where nobody answers in time.
pub fn wait_for(target: &SshTarget, patience: Duration) -> Result<(), TerraformError> {
    if target.jump.is_some() {
        return Ok(());
    }
    let (host, port) = (target.address.as_str(), target.port.unwrap_or(22));
    let began = Instant::now();
    loop {
        let addresses = (host, port).to_socket_addrs().into_iter().flatten();
        if addresses
            .into_iter()
            .any(|address| TcpStream::connect_timeout(&address, ATTEMPT).is_ok())
        {
            return Ok(());
        }
        if began.elapsed() >= patience {
            return Err(TerraformError::Silent {
                address: format!("{host}:{port}"),
                seconds: patience.as_secs(),
            });
        }
        thread::sleep(PAUSE.min(patience));
    }
}
