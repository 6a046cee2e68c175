//! What is left of what a server and an account may store.

/// What is left for messages.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Room {
    pub(crate) is_server_full: bool,
    pub(crate) account_bytes_left: Option<u64>,
}
