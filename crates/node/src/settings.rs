//! The options as the shards have them.

use std::sync::Arc;

use broker::Settings;
use nats_auth::Directory;
use server_options::Options;

use crate::identity::server_info;
use crate::websocket;

/// What of the options shards are told, now and whenever it changes. `port` is where clients connect;
/// `directory` is made of the options' users and accounts.
pub(crate) fn settings(options: &Options, server_id: &str, port: u16, directory: Arc<Directory>) -> Settings {
    Settings {
        options: options.broker.clone(),
        websocket: websocket::settings(options),
        trace: options.log.trace,
        directory,
        ..Settings::new(server_info(options, server_id, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_alike_everywhere() {
        let ours = settings(&Options::default(), "NX", 4222, Directory::open());
        let directory = Arc::clone(&ours.directory);
        let theirs = Settings { directory, ..Settings::new(ours.info.clone()) };
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }

    #[test]
    fn no_limit_on_messages_is_shown_as_minus_one() {
        let mut options = Options::default();
        options.broker.limits.payload_bytes_max = usize::MAX;
        let settings = settings(&options, "NX", 4222, Directory::open());
        assert_eq!((settings.info.max_payload, settings.options.limits.payload_bytes_max), (-1, usize::MAX));
    }
}
