//! The body of INFO between servers.

use std::ops::Not;

use serde::Serialize;

use crate::ServerPermission;
use crate::go_json::{BodyError, Field, Fields, read_into};

/// What a server says of itself, or of a third one, to another server: on routes and on leaf nodes.
///
/// Fields, their order and which of them are left out when empty are those of nats-server 2.14, but for what only
/// gateways say. Keys match in any case and unknown ones are skipped, as the peer does it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PeerInfo {
    /// The server's public nkey, 56 characters beginning with `N`. One that begins with `GW` is no server's: such
    /// an INFO on a route tells of gateways.
    pub server_id: String,
    /// The configured name, or the id again.
    pub server_name: String,
    /// Its version.
    pub version: String,
    /// 3 since 2.11: the server understands traces of messages. Less before, and 0 is taken as well.
    pub proto: i64,
    /// The commit the server was built from; on leaf nodes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub git_commit: String,
    /// The version of the Go runtime; always written.
    pub go: String,
    /// Where it listens for such connections.
    pub host: String,
    /// The port of that.
    pub port: u16,
    /// Whether it takes HMSG.
    pub headers: bool,
    /// CONNECT must carry credentials.
    #[serde(skip_serializing_if = "Not::not")]
    pub auth_required: bool,
    /// TLS follows at once on leaf nodes; on routes this INFO is inside it.
    #[serde(skip_serializing_if = "Not::not")]
    pub tls_required: bool,
    /// The other side must show a certificate.
    #[serde(skip_serializing_if = "Not::not")]
    pub tls_verify: bool,
    /// TLS may follow.
    #[serde(skip_serializing_if = "Not::not")]
    pub tls_available: bool,
    /// Largest message in bytes, headers included.
    pub max_payload: i32,
    /// JetStream is on.
    #[serde(skip_serializing_if = "Not::not")]
    pub jetstream: bool,
    /// On routes a URL to dial: as advertised, or filled in by who passes this INFO on. On leaf nodes `host:port`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ip: String,
    /// The hub's number for the connection; a leaf node repeats it.
    #[serde(skip_serializing_if = "is_zero")]
    pub client_id: u64,
    /// The other side's address, as the server sees it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_ip: String,
    /// What a leaf node signs to prove that it holds an nkey. Never signed on routes.
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
    /// `host:port` of the server's own listener for clients, for their INFO.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connect_urls: Vec<String>,
    /// The same for WebSocket clients.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ws_connect_urls: Vec<String>,
    /// Lame duck: the server is about to close its clients' connections.
    #[serde(skip_serializing_if = "Not::not")]
    pub ldm: bool,
    /// What the server thinks of compression, or the result of both sides' thoughts: see
    /// [`Compression`](crate::Compression). Empty for servers before 2.10.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub compression: String,
    /// This INFO answers the CONNECT.
    #[serde(skip_serializing_if = "Not::not")]
    pub connect_info: bool,
    /// The hub's account that the leaf node is bound to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remote_account: String,
    /// That account is the system account.
    #[serde(skip_serializing_if = "Not::not")]
    pub acc_is_sys: bool,
    /// The level of the JetStream API.
    #[serde(skip_serializing_if = "is_zero_int")]
    pub api_lvl: i64,
    /// What the other side may be asked for: on leaf nodes what it may subscribe to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<ServerPermission>,
    /// What the other side may ask for: on leaf nodes what it may publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<ServerPermission>,
    /// The server understands `LS+`, `LS-` and `LMSG` on routes.
    #[serde(skip_serializing_if = "Not::not")]
    pub lnoc: bool,
    /// The server wants the origin in `LS-` as well.
    #[serde(skip_serializing_if = "Not::not")]
    pub lnocu: bool,
    /// An INFO will answer the CONNECT; on leaf nodes.
    #[serde(skip_serializing_if = "Not::not")]
    pub info_on_connect: bool,
    /// Connections of the route's pool; 0 without pools.
    #[serde(skip_serializing_if = "is_zero_int")]
    pub route_pool_size: i64,
    /// Which of them this is; 0 is not written.
    #[serde(skip_serializing_if = "is_zero_int")]
    pub route_pool_idx: i64,
    /// The account that has this connection for itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub route_account: String,
    /// This INFO tells of an account that gets a connection for itself, and an answer repeats this text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub route_acc_add_reqid: String,
    /// Whether who learns of a server by this INFO tells others: 0 as it likes, 1 not, 2 it does in any case.
    #[serde(skip_serializing_if = "is_zero_byte")]
    pub gossip_mode: u8,
    /// The cluster, if a gateway speaks: it has the wrong port, or tells what others may leave.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// `host:port` of listeners for leaf nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leafnode_urls: Vec<String>,
    /// The server's public curve key, beginning with `X`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub xkey: String,
}

impl PeerInfo {
    /// Reads the JSON text of an INFO.
    ///
    /// # Errors
    ///
    /// See [`BodyError`].
    pub fn parse(text: &[u8]) -> Result<Self, BodyError> {
        let mut info = Self::default();
        read_into(text, &mut info)?;
        Ok(info)
    }
}

impl Fields for PeerInfo {
    fn go_type(&self) -> &'static str {
        "server.Info"
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "server_id" => &mut self.server_id,
            "server_name" => &mut self.server_name,
            "version" => &mut self.version,
            "proto" => &mut self.proto,
            "git_commit" => &mut self.git_commit,
            "go" => &mut self.go,
            "host" => &mut self.host,
            "port" => &mut self.port,
            "headers" => &mut self.headers,
            "auth_required" => &mut self.auth_required,
            "tls_required" => &mut self.tls_required,
            "tls_verify" => &mut self.tls_verify,
            "tls_available" => &mut self.tls_available,
            "max_payload" => &mut self.max_payload,
            "jetstream" => &mut self.jetstream,
            "ip" => &mut self.ip,
            "client_id" => &mut self.client_id,
            "client_ip" => &mut self.client_ip,
            "nonce" => &mut self.nonce,
            "cluster" => &mut self.cluster,
            "cluster_dynamic" => &mut self.cluster_dynamic,
            "domain" => &mut self.domain,
            "connect_urls" => &mut self.connect_urls,
            "ws_connect_urls" => &mut self.ws_connect_urls,
            "ldm" => &mut self.ldm,
            "compression" => &mut self.compression,
            "connect_info" => &mut self.connect_info,
            "remote_account" => &mut self.remote_account,
            "acc_is_sys" => &mut self.acc_is_sys,
            "api_lvl" => &mut self.api_lvl,
            "import" => &mut self.import,
            "export" => &mut self.export,
            "lnoc" => &mut self.lnoc,
            "lnocu" => &mut self.lnocu,
            "info_on_connect" => &mut self.info_on_connect,
            "route_pool_size" => &mut self.route_pool_size,
            "route_pool_idx" => &mut self.route_pool_idx,
            "route_account" => &mut self.route_account,
            "route_acc_add_reqid" => &mut self.route_acc_add_reqid,
            "gossip_mode" => &mut self.gossip_mode,
            "gateway" => &mut self.gateway,
            "leafnode_urls" => &mut self.leafnode_urls,
            "xkey" => &mut self.xkey,
            _ => return None,
        })
    }
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

fn is_zero_int(value: &i64) -> bool {
    *value == 0
}

fn is_zero_byte(value: &u8) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;

    #[test]
    fn a_captured_info_is_written_back_byte_for_byte() {
        let captured = concat!(
            r#"{"server_id":"NA","server_name":"A","version":"2.14.5","proto":3,"go":"go1.27.3","#,
            r#""host":"127.0.0.1","port":6222,"headers":true,"max_payload":1048576,"ip":"nats-route://10.0.0.1:6222/","#,
            r#""cluster":"C","connect_urls":["127.0.0.1:4222"],"compression":"s2_auto","import":{"allow":["foo"]},"#,
            r#""lnoc":true,"lnocu":true,"route_pool_size":3,"route_pool_idx":2,"route_account":"A\u0026B","#,
            r#""gossip_mode":1,"leafnode_urls":["127.0.0.1:7422"]}"#
        );
        let info = PeerInfo::parse(captured.as_bytes()).unwrap();
        assert_eq!((&*info.route_account, info.gossip_mode, info.route_pool_idx), ("A&B", 1, 2));
        let mut out = Vec::new();
        encode::peer_info(&mut out, &info);
        encode::peer_info_passed_on(&mut out, &info);
        assert_eq!(String::from_utf8(out).unwrap(), format!("INFO {captured} \r\nINFO {captured}\r\n"));
    }

    #[test]
    fn an_empty_info_still_has_the_fields_that_are_always_there() {
        let text = serde_json::to_string(&PeerInfo::default()).unwrap();
        let empty = concat!(
            r#"{"server_id":"","server_name":"","version":"","proto":0,"go":"","host":"","#,
            r#""port":0,"headers":false,"max_payload":0}"#
        );
        assert_eq!(text, empty);
        assert_eq!(PeerInfo::parse(empty.as_bytes()), Ok(PeerInfo::default()));
    }

    #[test]
    fn keys_match_in_any_case_and_types_have_to_fit() {
        let info = PeerInfo::parse(br#"{"LNOC":true,"nonce":null,"gateway_cmd":[1]}"#).unwrap();
        assert_eq!(info, PeerInfo { lnoc: true, ..PeerInfo::default() });
        for text in [&b""[..], b"[]", b"{bad", br#"{"port":"x"}"#, br#"{"gossip_mode":256}"#] {
            assert!(PeerInfo::parse(text).is_err(), "{}", text.escape_ascii());
        }
    }
}
