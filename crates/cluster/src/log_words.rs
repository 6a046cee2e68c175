//! Lines of the log about routes, with nats-server's words: rules that watch its log find ours as well.

use std::net::SocketAddr;
use std::time::Duration;

use nats_proto::{GoDuration, quote};

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

/// How lines about one connection begin. They are counted with those of clients.
pub fn label(address: SocketAddr, id: u64) -> String {
    format!("{address} - rid:{id}")
}

/// A server is dialed: by what is written, and at which of its addresses. For debugging.
pub fn dialing(written: &str, address: &str) -> String {
    format!("Trying to connect to route on {written} ({address})")
}

/// A server was not reached.
pub fn not_reached(attempt: u32, reason: &str) -> String {
    format!("Error trying to connect to route (attempt {attempt}): {reason}")
}

/// Whether an attempt that failed is an error to be told, or of use only for debugging: the first always is, and of
/// those that follow one in so many. `every` is `connect_error_reports` before a server was ever reached, and
/// `reconnect_error_reports` after.
pub fn is_reported(attempt: u32, every: u32) -> bool {
    attempt == 1 || every <= 1 || attempt.is_multiple_of(every)
}

/// A connection was made, by either side.
pub const CREATED: &str = "Route connection created";

/// The dialer has said who it is. For debugging.
pub const CONNECT_SENT: &str = "Route connect msg sent";

/// The other server is known by its id, and for which account, if for one. For debugging.
pub fn registered(server_id: &str, account: Option<&str>) -> String {
    let id = quote(server_id);
    match account {
        Some(account) => format!("Registering remote route {id} for account {}", quote(account)),
        None => format!("Registering remote route {id}"),
    }
}

/// That server is connected already. For debugging.
pub fn duplicate(server_id: &str) -> String {
    format!("Detected duplicate remote route {}", quote(server_id))
}

/// The other side was told all that is wanted here. For debugging.
pub const INTEREST_SENT: &str = "Sent local subscriptions to route";

/// A lost connection took interest with it. For debugging.
pub fn interest_lost(subscriptions: usize, account: &str) -> String {
    format!("Removing {subscriptions} subscriptions for account {}", quote(account))
}

/// Interest came for an account that is not there.
pub fn unknown_account(account: &str, subject: &[u8]) -> String {
    format!("Unknown account {} for remote subject {}", quote(account), quote(subject))
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

/// The other side does not read in time; `is_known` if it was told before.
pub fn slow(is_known: bool, deadline: Duration, chunks: usize, bytes: usize) -> String {
    let state = if is_known { "State" } else { "Detected" };
    let deadline = GoDuration::of(deadline);
    format!(
        "Slow Consumer {state}: WriteDeadline of {deadline} exceeded with {chunks} chunks of {bytes} total bytes."
    )
}

/// It reads again: after how long, and what it was behind by.
pub fn recovered(after: Duration, chunks: usize, bytes: usize) -> String {
    let seconds = after.as_secs_f64();
    format!("Slow Consumer Recovered: Flush took {seconds:.3}s with {chunks} chunks of {bytes} total bytes.")
}

/// A server told of gateways, which this one has none of.
pub fn gateway_news(gateway: &str, server_id: &str) -> String {
    let gateway = quote(gateway);
    format!("Received information about gateway {gateway} from {server_id}, but gateway is not configured")
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
        let begin = label("127.0.0.1:60316".parse().unwrap(), 6);
        assert_eq!(format!("{begin} - {CREATED}"), "127.0.0.1:60316 - rid:6 - Route connection created");
        assert_eq!(label("[::1]:1".parse().unwrap(), 7), "[::1]:1 - rid:7");
        let dialed = "Trying to connect to route on localhost:6222 (127.0.0.1:6222)";
        assert_eq!(dialing("localhost:6222", "127.0.0.1:6222"), dialed);
        let refused = "dial tcp 127.0.0.1:6299: connect: connection refused";
        let line = format!("Error trying to connect to route (attempt 1): {refused}");
        assert_eq!(not_reached(1, refused), line);
        assert_eq!(registered("NA", None), r#"Registering remote route "NA""#);
        assert_eq!(registered("NA", Some("$SYS")), r#"Registering remote route "NA" for account "$SYS""#);
        assert_eq!(duplicate("NA"), r#"Detected duplicate remote route "NA""#);
        assert_eq!(interest_lost(53, "$SYS"), r#"Removing 53 subscriptions for account "$SYS""#);
        assert_eq!(unknown_account("X", b"foo"), r#"Unknown account "X" for remote subject "foo""#);
        assert_eq!(complaint("'Authorization Violation'"), "Route Error 'Authorization Violation'");
        assert_eq!(closed("Client Closed", "B"), "Router connection closed: Client Closed - Remote: B");
        assert_eq!(closed("Duplicate Route", ""), "Router connection closed: Duplicate Route");
        assert_eq!(removed("nats://u:xxxxx@a:1"), "Removed route nats://u:xxxxx@a:1");
        let slow_line = |state| {
            format!(
                "Slow Consumer {state}: WriteDeadline of 1s exceeded with 22 chunks of 1320484 total bytes."
            )
        };
        let second = Duration::from_secs(1);
        assert_eq!(slow(false, second, 22, 1_320_484), slow_line("Detected"));
        assert_eq!(slow(true, second, 22, 1_320_484), slow_line("State"));
        assert_eq!(
            recovered(Duration::from_millis(1500), 2, 10),
            "Slow Consumer Recovered: Flush took 1.500s with 2 chunks of 10 total bytes."
        );
        assert_eq!(
            gateway_news("GB", "NA"),
            r#"Received information about gateway "GB" from NA, but gateway is not configured"#
        );
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
