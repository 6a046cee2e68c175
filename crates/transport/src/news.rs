//! What the protocol hears of a connection.

use tls_session::Secured;

/// Something for the protocol to act on, in the order in which it is told.
#[derive(Debug)]
pub enum News<'a> {
    /// The client waits for INFO, which has not been sent.
    Greet,
    /// The client is to begin with its handshake.
    Securing,
    /// There is no TLS: what the client says counts from here on. Nothing stands in between any more.
    Clear,
    /// The handshake is over: what the client says counts from here on.
    Secured {
        /// What it came to.
        secured: Secured,
        /// It came before INFO, which is due now.
        first: bool,
    },
    /// The client said this.
    Said(&'a [u8]),
}
