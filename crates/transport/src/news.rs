//! What the protocol hears of a connection.

use tls_session::Secured;

/// What is known of a connection that has become a WebSocket.
#[derive(Debug)]
pub struct GrantedUpgrade {
    /// What its handshake came to, if there is TLS.
    pub secured: Option<Secured>,
    /// A user's name, from a cookie.
    pub user: Option<String>,
    /// The user's password, from a cookie.
    pub password: Option<String>,
    /// A token, from a cookie.
    pub token: Option<String>,
    /// Where the client is, as a proxy says.
    pub client_ip: Option<String>,
}

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
    /// A request that was to make the connection a WebSocket was refused, for this reason. Another may follow.
    Refused(&'a str),
    /// The connection is a WebSocket: what the client says counts from here on.
    Upgraded(Box<GrantedUpgrade>),
    /// The client said this.
    Said(&'a [u8]),
    /// The same in several frames.
    Frames {
        /// What it said.
        bytes: &'a [u8],
        /// Where one frame ends and the next begins.
        cuts: &'a [usize],
    },
}
