//! What `/varz` says of the listener for WebSockets.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::moment::Moment;

/// The listener for WebSockets. What is empty is not shown; the order is nats-server's.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WebSocketFacts {
    /// The host it listens on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The port it listens on.
    #[serde(skip_serializing_if = "is_default")]
    pub port: u16,
    /// `advertise`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advertise: String,
    /// `no_auth_user`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub no_auth_user: String,
    /// `handshake_timeout`.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "nanos")]
    pub handshake_timeout: Duration,
    /// `authorization`'s `timeout`.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "seconds")]
    pub auth_timeout: Duration,
    /// `no_tls`.
    #[serde(skip_serializing_if = "is_default")]
    pub no_tls: bool,
    /// Whether certificates say who clients are.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_map: bool,
    /// Keys that certificates of clients have to have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tls_pinned_certs: Vec<String>,
    /// `same_origin`.
    #[serde(skip_serializing_if = "is_default")]
    pub same_origin: bool,
    /// `allowed_origins`, as they are written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    /// `compression`.
    #[serde(skip_serializing_if = "is_default")]
    pub compression: bool,
    /// Until when its certificate holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert_not_after: Option<Moment>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn nanos<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_nanos() as u64)
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_configured_is_not_shown() {
        assert_eq!(serde_json::to_string(&WebSocketFacts::default()).unwrap(), "{}");
        let facts = WebSocketFacts {
            host: "h".into(),
            port: 80,
            handshake_timeout: Duration::from_secs(2),
            auth_timeout: Duration::from_millis(1500),
            no_tls: true,
            compression: true,
            ..WebSocketFacts::default()
        };
        let text = r#"{"host":"h","port":80,"handshake_timeout":2000000000,"auth_timeout":1.5,"no_tls":true,"compression":true}"#;
        assert_eq!(serde_json::to_string(&facts).unwrap(), text);
    }
}
