//! Lines of the log about leaf nodes, with nats-server's words.

use nats_proto::quote;

/// Leaf nodes may connect.
pub fn listening(address: &str) -> String {
    format!("Listening for leafnode connections on {address}")
}

/// A connection was made by the other side. nats-server has a place for a name behind it that is empty then.
pub const CREATED: &str = "Leafnode connection created ";

/// A connection stands in for another one: a warning.
pub(crate) const REPLACING: &str = "Replacing connection from same server";

/// Streams are not shared with the other side: which domains there are.
pub(crate) fn domains(local: &str, remote: &str) -> String {
    format!("JetStream using domains: local {}, remote {}", quote(local), quote(remote))
}

/// A leaf node of the system account is there.
pub(crate) fn system_account(name: &str, cluster: &str) -> String {
    match cluster {
        "" => format!("System account connected from {name}"),
        cluster => format!("System account connected from {name}/{cluster}"),
    }
}

/// The other side said that something is wrong: its `-ERR`, quotes included.
pub fn complaint(text: &str) -> String {
    format!("Leafnode Error {text}")
}

/// A leaf node does what it may not.
pub fn violation(action: &str, subject: &[u8]) -> String {
    let subject = quote(&*String::from_utf8_lossy(subject));
    format!("{action} Violation on {subject} - Check other side configuration")
}

/// A connection ended. `server_name` is whose it was, if it said so.
pub fn closed(reason: &str, server_name: &str) -> String {
    match server_name {
        "" => format!("Leafnode connection closed: {reason}"),
        name => format!("Leafnode connection closed: {reason} - Remote: {name}"),
    }
}

/// A hub was reached, for this account.
pub(crate) fn dialed(account: &str) -> String {
    format!("Leafnode connection created for account: {account} ")
}

/// A hub was not reached.
pub(crate) fn not_reached(place: &str, attempt: u32, reason: &str) -> String {
    let place = quote(place);
    format!("Error trying to connect as leafnode to remote server {place} (attempt {attempt}): {reason}")
}

/// What was dialed is no port for leaf nodes.
pub(crate) const WRONG_PORT: &str = "attempted to connect to wrong port";

/// The hub was told who this server is. For debugging.
pub(crate) const INTRODUCED: &str = "Remote leafnode connect msg sent";

/// The hub wants TLS.
pub(crate) const NO_TLS: &str = "TLS is required by the hub, and is not supported yet for leaf nodes";

/// Why a connection ended that the other side ended, if it says so and it means that dialing soon is of no use.
pub(crate) fn dropped(text: &str) -> Option<&'static str> {
    if text.contains("remote leafnode has same cluster name") {
        Some("Leafnode connection dropped with same cluster name error.")
    } else if text.contains("connection rejected since minimum version required is") {
        Some("Leafnode connection dropped due to minimum version requirement.")
    } else {
        None
    }
}
