//! Lines of the log about routes, with nats-server's words: rules that watch its log find ours as well. Why a server is
//! turned away says `refusal`.

use nats_proto::quote;

/// A server joined a cluster, and it is called so.
pub fn cluster_name(name: &str) -> String {
    format!("Cluster name is {name}")
}

/// Nobody named the cluster: a warning.
pub const DYNAMIC_NAME: &str = "Cluster name was dynamically generated, consider setting one";

/// The cluster is called otherwise from now on.
pub fn new_cluster_name(name: &str) -> String {
    format!("Cluster name updated to {name}")
}

/// Other servers may connect.
pub fn listening(address: &str) -> String {
    format!("Listening for route connections on {address}")
}

/// `insecure` of the cluster's TLS: a warning.
pub const INSECURE: &str =
    "TLS certificate chain and hostname of solicited routes will not be verified. DO NOT USE IN PRODUCTION!";

/// A server was not reached.
pub fn not_reached(attempt: u32, reason: &str) -> String {
    format!("Error trying to connect to route (attempt {attempt}): {reason}")
}

/// Whether an attempt that failed is an error to be told: the first always is, and of those that follow one in so many.
/// `every` is `connect_error_reports` before a server was ever reached, and `reconnect_error_reports` after.
pub(crate) fn is_reported(attempt: u32, every: u32) -> bool {
    attempt == 1 || every <= 1 || attempt.is_multiple_of(every)
}

/// A connection was made, by either side.
pub const CREATED: &str = "Route connection created";

/// The other server is known by its id. For debugging.
pub fn registered(server_id: &str) -> String {
    format!("Registering remote route {}", quote(server_id))
}

/// The other side said that something is wrong: its `-ERR`, quotes included.
pub fn complaint(text: &str) -> String {
    format!("Route Error {text}")
}

/// A connection ended. `server_name` is whose it was, if it said so.
pub fn closed(reason: &str, server_name: &str) -> String {
    match server_name {
        "" => format!("Router connection closed: {reason}"),
        name => format!("Router connection closed: {reason} - Remote: {name}"),
    }
}

/// A reload took a route away: its URL, without its password.
pub fn removed(url: &str) -> String {
    format!("Removed route {url}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 wrote them.
    #[test]
    fn lines_are_those_that_rules_watch_for() {
        assert_eq!(cluster_name("C"), "Cluster name is C");
        assert_eq!(new_cluster_name("C"), "Cluster name updated to C");
        assert_eq!(listening("127.0.0.1:6222"), "Listening for route connections on 127.0.0.1:6222");
        let refused = "dial tcp 127.0.0.1:6299: connect: connection refused";
        let line = format!("Error trying to connect to route (attempt 1): {refused}");
        assert_eq!(not_reached(1, refused), line);
        assert_eq!(registered("NA"), r#"Registering remote route "NA""#);
        assert_eq!(complaint("'Authorization Violation'"), "Route Error 'Authorization Violation'");
        assert_eq!(closed("Client Closed", "B"), "Router connection closed: Client Closed - Remote: B");
        assert_eq!(closed("Duplicate Route", ""), "Router connection closed: Duplicate Route");
        assert_eq!(removed("nats://u:xxxxx@a:1"), "Removed route nats://u:xxxxx@a:1");
    }

    #[test]
    fn attempts_that_fail_alike_are_told_of_now_and_then() {
        let reported = |every| (1..=7).filter(|attempt| is_reported(*attempt, every)).collect::<Vec<_>>();
        assert_eq!(reported(3), [1, 3, 6]);
        assert_eq!(reported(3600), [1]);
        assert_eq!(reported(1), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(reported(0), reported(1));
    }
}
