//! Asks an SSH server how strangers may log in, without any credential and without trusting its key.

use std::net::SocketAddr;
use std::net::TcpStream;
use std::time::Duration;

use ssh2::Session;

use crate::remote::ssh::reason;

/// The login methods that a server names to `user`, by a request for none (RFC 4252 5.2). `none` stands for a server that
/// let the request in.
///
/// # Errors
/// With the reason, where no key exchange came about or the server did not answer.
pub fn login_methods(address: SocketAddr, user: &str, patience: Duration) -> Result<Vec<String>, String> {
    let stream = TcpStream::connect_timeout(&address, patience).map_err(|error| error.to_string())?;
    let mut session = Session::new().map_err(|error| reason(&error))?;
    session.set_timeout(u32::try_from(patience.as_millis()).unwrap_or(u32::MAX));
    session.set_tcp_stream(stream);
    session.handshake().map_err(|error| reason(&error))?;
    let named = session
        .auth_methods(user)
        .map(|list| list.split(',').take(20).map(str::to_owned).collect());
    match named {
        Ok(methods) => Ok(methods),
        Err(_) if session.authenticated() => Ok(vec!["none".to_owned()]),
        Err(error) => Err(reason(&error)),
    }
}
