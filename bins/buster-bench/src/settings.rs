//! What the command line says about how a load runs.

use crate::shape::Overrides;

/// The same for all loads.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Multiplies how much is published.
    pub(crate) scale: f64,
    /// Check every message.
    pub(crate) verify: bool,
    /// Messages per second at most; for round trips, requests per second in an open loop.
    pub(crate) rate: Option<f64>,
    pub(crate) overrides: Overrides,
    /// The port for WebSockets, if they are what connects.
    pub(crate) websockets: Option<u16>,
    /// They compress their messages.
    pub(crate) compresses: bool,
}

/// `count` times `scale`, at least 1.
pub(crate) fn scaled(count: u64, scale: f64) -> u64 {
    ((count as f64 * scale).round() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_rounds_and_never_reaches_zero() {
        assert_eq!(scaled(2_000_000, 0.5), 1_000_000);
        assert_eq!(scaled(10, 0.0001), 1);
        assert_eq!(scaled(3, 1.5), 5);
    }
}
