//! What the options say of the page.

use std::time::Duration;

/// Whether there is a page, and what it shows beside the figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// It is served at `/ui/` where monitoring is.
    pub enabled: bool,
    /// How much of the past is kept for who opens the page; without any nothing is counted while nobody looks.
    pub history: Duration,
    /// What stands on top of it, beside the server's name.
    pub title: String,
    /// It offers nothing that changes anything, whatever the reader may do.
    pub read_only: bool,
    /// It shows messages, and what is kept of them, to who may read them.
    pub messages: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            history: Duration::from_secs(600),
            title: String::new(),
            read_only: false,
            messages: true,
        }
    }
}
