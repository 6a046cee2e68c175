//! The options as the shards have them.

use std::net::SocketAddr;
use std::sync::Arc;

use broker::Settings;
use nats_auth::Directory;
use nats_proto::Limits;
use server_options::{Options, WriteTimeout};

use crate::identity::server_info;

/// What of the options shards are told, now and whenever it changes. `address` is where clients connect;
/// `directory` is made of the options' users and accounts.
pub(crate) fn settings(
    options: &Options,
    server_id: &str,
    address: SocketAddr,
    directory: Arc<Directory>,
) -> Settings {
    let (limits, timers) = (&options.limits, &options.timers);
    let wire = Limits {
        control_line_bytes_max: limits.max_control_line,
        payload_bytes_max: limits.max_payload.unwrap_or(usize::MAX),
    };
    Settings {
        limits: wire,
        max_connections: limits.connections_max(),
        max_subscriptions: limits.subscriptions_max(),
        max_sub_tokens: limits.max_sub_tokens.map(usize::from),
        max_pending: limits.max_pending,
        ping_interval: timers.ping_interval,
        ping_max: timers.ping_max,
        write_deadline: timers.write_deadline,
        retry_writes: timers.write_timeout == WriteTimeout::Retry,
        stall_publishers: options.stall_publishers,
        trace: options.log.trace,
        max_traced_msg_len: options.max_traced_msg_len,
        trace_headers: options.trace_headers,
        directory,
        ..Settings::new(server_info(options, server_id, address, wire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_alike_everywhere() {
        let address = SocketAddr::from(([127, 0, 0, 1], 4222));
        let ours = settings(&Options::default(), "NX", address, Directory::open());
        let directory = Arc::clone(&ours.directory);
        let theirs = Settings { directory, ..Settings::new(ours.info.clone()) };
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }

    #[test]
    fn no_limit_on_messages_is_shown_as_minus_one() {
        let mut options = Options::default();
        options.limits.max_payload = None;
        let address = SocketAddr::from(([127, 0, 0, 1], 4222));
        let settings = settings(&options, "NX", address, Directory::open());
        assert_eq!((settings.info.max_payload, settings.limits.payload_bytes_max), (-1, usize::MAX));
    }
}
