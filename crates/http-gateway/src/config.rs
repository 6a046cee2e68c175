//! What the options say of the API.

use http_api::{BoundRoute, Guard, Limits};

/// What the API is subject to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Who may ask at all.
    pub guard: Guard,
    /// What a request may take.
    pub limits: Limits,
    /// Credentials may stand in the query, where proxies and histories keep them.
    pub query_credentials: bool,
    /// Paths that lead to subjects.
    pub routes: Vec<BoundRoute>,
    /// Streams of messages at a time.
    pub max_streams: usize,
    /// The same of one identity.
    pub max_streams_per_user: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            guard: Guard::default(),
            limits: Limits::default(),
            query_credentials: false,
            routes: Vec::new(),
            max_streams: 1024,
            max_streams_per_user: 64,
        }
    }
}
