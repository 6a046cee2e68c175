//! The body of INFO, as far as clients see it.

use std::ops::Not;

use serde::{Deserialize, Serialize};

/// What a server says of itself to its clients.
///
/// Fields, their order and which of them are left out when empty are those of nats-server 2.14.
/// Reading ignores unknown fields and takes missing ones as empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerInfo {
    /// The server's public nkey, 56 characters beginning with `N`.
    pub server_id: String,
    /// The configured name, or the id again.
    pub server_name: String,
    /// The nats-server version this server is compatible with; clients switch features on it.
    pub version: String,
    /// Protocol level; 1 for servers that send INFO at any time.
    pub proto: i64,
    /// The commit the server was built from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub git_commit: String,
    /// The version of the Go runtime; always written.
    pub go: String,
    /// The listen address.
    pub host: String,
    /// The listen port.
    pub port: u16,
    /// Whether HPUB and HMSG are understood.
    pub headers: bool,
    /// CONNECT must carry credentials.
    #[serde(skip_serializing_if = "Not::not")]
    pub auth_required: bool,
    /// The client must start TLS after this INFO.
    #[serde(skip_serializing_if = "Not::not")]
    pub tls_required: bool,
    /// The client must show a certificate.
    #[serde(skip_serializing_if = "Not::not")]
    pub tls_verify: bool,
    /// The client may start TLS after this INFO.
    #[serde(skip_serializing_if = "Not::not")]
    pub tls_available: bool,
    /// Largest message in bytes, headers included.
    pub max_payload: i64,
    /// JetStream is on.
    #[serde(skip_serializing_if = "Not::not")]
    pub jetstream: bool,
    /// The address to advertise, in cluster INFO.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ip: String,
    /// The server's number for this connection.
    #[serde(skip_serializing_if = "is_zero_u64")]
    pub client_id: u64,
    /// The client's address as the server sees it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_ip: String,
    /// What the client signs to prove that it holds an nkey.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nonce: String,
    /// The cluster's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// The cluster's name was made up by the servers.
    #[serde(skip_serializing_if = "Not::not")]
    pub cluster_dynamic: bool,
    /// The JetStream domain.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub domain: String,
    /// `host:port` of every server of the cluster a client may connect to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connect_urls: Vec<String>,
    /// The same for WebSocket clients.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ws_connect_urls: Vec<String>,
    /// Lame duck: the server is about to close its connections.
    #[serde(skip_serializing_if = "Not::not")]
    pub ldm: bool,
    /// This INFO answers the CONNECT.
    #[serde(skip_serializing_if = "Not::not")]
    pub connect_info: bool,
    /// The account the client is bound to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remote_account: String,
    /// That account is the system account.
    #[serde(skip_serializing_if = "Not::not")]
    pub acc_is_sys: bool,
    /// The level of the JetStream API.
    #[serde(skip_serializing_if = "is_zero_i64")]
    pub api_lvl: i64,
    /// The server's public curve key, beginning with `X`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub xkey: String,
    /// BusterMQ's own version; nats-server has no such field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buster_version: Option<String>,
}

impl ServerInfo {
    /// Reads the JSON text of an INFO.
    ///
    /// # Errors
    ///
    /// [`InfoError`] when it is no JSON object, or a field has the wrong type.
    pub fn parse(text: &[u8]) -> Result<Self, InfoError> {
        // By way of a map, since a derived struct would take a JSON array for its fields.
        let fields: serde_json::Map<_, _> = serde_json::from_slice(text).map_err(InfoError)?;
        serde_json::from_value(fields.into()).map_err(InfoError)
    }
}

/// The body of an INFO could not be read.
#[derive(Debug, thiserror::Error)]
#[error("malformed INFO")]
pub struct InfoError(#[source] serde_json::Error);

fn is_zero_u64(value: &u64) -> bool {
    *value == 0
}

fn is_zero_i64(value: &i64) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;

    /// An INFO nats-server 2.14.5 sent, its keys shortened.
    const CAPTURED: &str = concat!(
        r#"{"server_id":"NDEN","server_name":"s1","version":"2.14.5","proto":1,"#,
        r#""git_commit":"d3bc045","go":"go1.27.3","host":"127.0.0.1","port":32951,"headers":true,"#,
        r#""max_payload":100,"client_id":7,"client_ip":"127.0.0.1","api_lvl":4,"xkey":"XDR4"}"#
    );

    #[test]
    fn a_captured_info_is_written_back_byte_for_byte() {
        let info = ServerInfo::parse(CAPTURED.as_bytes()).unwrap();
        let mut out = Vec::new();
        encode::info(&mut out, &info);
        assert_eq!(String::from_utf8(out).unwrap(), format!("INFO {CAPTURED} \r\n"));
    }

    #[test]
    fn an_empty_info_still_has_the_fields_clients_count_on() {
        let text = serde_json::to_string(&ServerInfo::default()).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"server_id":"","server_name":"","version":"","proto":0,"go":"","host":"","#,
                r#""port":0,"headers":false,"max_payload":0}"#
            )
        );
    }

    #[test]
    fn a_full_info_keeps_the_order_of_nats_server() {
        let info = ServerInfo {
            git_commit: "c".into(),
            auth_required: true,
            tls_required: true,
            tls_verify: true,
            tls_available: true,
            jetstream: true,
            ip: "i".into(),
            client_id: 1,
            client_ip: "i".into(),
            nonce: "n".into(),
            cluster: "c".into(),
            cluster_dynamic: true,
            domain: "d".into(),
            connect_urls: vec!["u".into()],
            ws_connect_urls: vec!["w".into()],
            ldm: true,
            connect_info: true,
            remote_account: "A".into(),
            acc_is_sys: true,
            api_lvl: 4,
            xkey: "X".into(),
            buster_version: Some("0.1.0".into()),
            ..ServerInfo::default()
        };
        let text = serde_json::to_string(&info).unwrap();
        let mut last = 0;
        for key in [
            "server_id",
            "server_name",
            "version",
            "proto",
            "git_commit",
            "go",
            "host",
            "port",
            "headers",
            "auth_required",
            "tls_required",
            "tls_verify",
            "tls_available",
            "max_payload",
            "jetstream",
            "ip",
            "client_id",
            "client_ip",
            "nonce",
            "cluster",
            "cluster_dynamic",
            "domain",
            "connect_urls",
            "ws_connect_urls",
            "ldm",
            "connect_info",
            "remote_account",
            "acc_is_sys",
            "api_lvl",
            "xkey",
            "buster_version",
        ] {
            let at = text.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} missing"));
            assert!(at > last, "{key} out of order");
            last = at;
        }
        assert_eq!(ServerInfo::parse(text.as_bytes()).unwrap(), info);
    }

    #[test]
    fn junk_is_refused() {
        for text in [&b""[..], b"[]", b"{", br#"{"port":"x"}"#, br#"{"port":70000}"#, b"\xff"] {
            assert!(ServerInfo::parse(text).is_err(), "{}", text.escape_ascii());
        }
        assert!(ServerInfo::parse(br#"{"new":{"x":[1]}}"#).is_ok());
    }
}
