//! What was made to be sent and has not left whole.

use std::io::{self, Write};
use std::net::TcpStream;

/// Sends all of `bytes` behind the first `sent`, and has both empty then. If the socket takes no more before, they
/// say how far it came.
pub(crate) fn send_rest(socket: &mut TcpStream, bytes: &mut Vec<u8>, sent: &mut usize) -> io::Result<()> {
    while *sent < bytes.len() {
        *sent += socket.write(&bytes[*sent..])?;
    }
    bytes.clear();
    *sent = 0;
    Ok(())
}
