//! The bodies of CONNECT between servers.

use std::fmt;
use std::ops::Not;

use serde::Serialize;

use crate::go_json::{BodyError, Field, Fields, read_into};

/// What a server says that dials a route. Who accepts one answers with an INFO, never with a CONNECT.
///
/// Fields, their order and which of them are left out when empty are those of nats-server 2.14, and two that it
/// knows wrong connections by.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouteConnect {
    /// Always written, and without a meaning on routes.
    pub echo: bool,
    /// Likewise.
    pub verbose: bool,
    /// Likewise.
    pub pedantic: bool,
    /// User name, if the route needs one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Password.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pass: String,
    /// The route is inside TLS.
    pub tls_required: bool,
    /// The server takes HMSG.
    pub headers: bool,
    /// The server's id.
    pub name: String,
    /// The cluster's name.
    pub cluster: String,
    /// The cluster's name was made up by the servers.
    #[serde(skip_serializing_if = "Not::not")]
    pub cluster_dynamic: bool,
    /// The server understands `LS+`, `LS-` and `LMSG`.
    #[serde(skip_serializing_if = "Not::not")]
    pub lnoc: bool,
    /// The server wants the origin in `LS-` as well.
    #[serde(skip_serializing_if = "Not::not")]
    pub lnocu: bool,
    /// The cluster of a gateway, which has the wrong port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// The language of a client, which has the wrong port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lang: String,
}

/// What a leaf node says to its hub.
///
/// Fields, their order and which of them are left out when empty are those of nats-server 2.14, and three more:
/// what servers of 2.9 say of TLS, and what it knows wrong connections by.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct LeafConnect {
    /// The server's version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Public nkey of the user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nkey: String,
    /// User JWT.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub jwt: String,
    /// The nonce of INFO, signed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sig: String,
    /// User name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Password.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pass: String,
    /// Token, for hubs that know only one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub auth_token: String,
    /// The connection is inside TLS; from servers of 2.9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_required: Option<bool>,
    /// The server's id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server_id: String,
    /// The JetStream domain.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub domain: String,
    /// The server's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Who dials is the hub, and who accepts the leaf node.
    #[serde(skip_serializing_if = "Not::not")]
    pub is_hub: bool,
    /// The cluster's name, or else the server's: the origin of what comes from here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// The server takes HMSG.
    #[serde(skip_serializing_if = "Not::not")]
    pub headers: bool,
    /// JetStream is on.
    #[serde(skip_serializing_if = "Not::not")]
    pub jetstream: bool,
    /// Subjects that the hub shall not send here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny_pub: Vec<String>,
    /// The hub shall not tell of other leaf nodes' interest here.
    #[serde(skip_serializing_if = "Not::not")]
    pub isolate: bool,
    /// The compression in use, or what the leaf node would take: see [`Compression`](crate::Compression).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub compress_mode: String,
    /// The cluster of a gateway, which has the wrong port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// The account of the leaf node's side.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remote_account: String,
    /// As `proto` in INFO.
    #[serde(skip_serializing_if = "is_zero")]
    pub protocol: i64,
    /// The language of a client, which has the wrong port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lang: String,
}

impl RouteConnect {
    /// Reads the JSON text of a CONNECT.
    ///
    /// # Errors
    ///
    /// See [`BodyError`].
    pub fn parse(text: &[u8]) -> Result<Self, BodyError> {
        let mut connect = Self::default();
        read_into(text, &mut connect)?;
        Ok(connect)
    }
}

impl LeafConnect {
    /// Reads the JSON text of a CONNECT.
    ///
    /// # Errors
    ///
    /// See [`BodyError`].
    pub fn parse(text: &[u8]) -> Result<Self, BodyError> {
        let mut connect = Self::default();
        read_into(text, &mut connect)?;
        Ok(connect)
    }
}

impl Fields for RouteConnect {
    fn go_type(&self) -> &'static str {
        "server.connectInfo"
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "echo" => &mut self.echo,
            "verbose" => &mut self.verbose,
            "pedantic" => &mut self.pedantic,
            "user" => &mut self.user,
            "pass" => &mut self.pass,
            "tls_required" => &mut self.tls_required,
            "headers" => &mut self.headers,
            "name" => &mut self.name,
            "cluster" => &mut self.cluster,
            "cluster_dynamic" => &mut self.cluster_dynamic,
            "lnoc" => &mut self.lnoc,
            "lnocu" => &mut self.lnocu,
            "gateway" => &mut self.gateway,
            "lang" => &mut self.lang,
            _ => return None,
        })
    }
}

impl Fields for LeafConnect {
    fn go_type(&self) -> &'static str {
        "server.leafConnectInfo"
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "version" => &mut self.version,
            "nkey" => &mut self.nkey,
            "jwt" => &mut self.jwt,
            "sig" => &mut self.sig,
            "user" => &mut self.user,
            "pass" => &mut self.pass,
            "auth_token" => &mut self.auth_token,
            "tls_required" => &mut self.tls_required,
            "server_id" => &mut self.server_id,
            "domain" => &mut self.domain,
            "name" => &mut self.name,
            "is_hub" => &mut self.is_hub,
            "cluster" => &mut self.cluster,
            "headers" => &mut self.headers,
            "jetstream" => &mut self.jetstream,
            "deny_pub" => &mut self.deny_pub,
            "isolate" => &mut self.isolate,
            "compress_mode" => &mut self.compress_mode,
            "gateway" => &mut self.gateway,
            "remote_account" => &mut self.remote_account,
            "protocol" => &mut self.protocol,
            "lang" => &mut self.lang,
            _ => return None,
        })
    }
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// Who it is; credentials are only told to be there.
impl fmt::Debug for RouteConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteConnect")
            .field("name", &self.name)
            .field("cluster", &self.cluster)
            .field("cluster_dynamic", &self.cluster_dynamic)
            .field("user", &self.user)
            .field("headers", &self.headers)
            .field("has_secrets", &!self.pass.is_empty())
            .finish_non_exhaustive()
    }
}

/// Who it is and what it asks for; credentials are only told to be there.
impl fmt::Debug for LeafConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets = [&self.nkey, &self.jwt, &self.sig, &self.auth_token, &self.pass];
        f.debug_struct("LeafConnect")
            .field("name", &self.name)
            .field("server_id", &self.server_id)
            .field("cluster", &self.cluster)
            .field("version", &self.version)
            .field("user", &self.user)
            .field("remote_account", &self.remote_account)
            .field("is_hub", &self.is_hub)
            .field("isolate", &self.isolate)
            .field("has_secrets", &secrets.iter().any(|secret| !secret.is_empty()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;

    #[test]
    fn the_connect_of_a_route_is_written_back_byte_for_byte() {
        let captured = concat!(
            r#"{"echo":true,"verbose":false,"pedantic":false,"user":"ruser","pass":"T0pS3cr3t","#,
            r#""tls_required":false,"headers":true,"name":"NA","cluster":"C","cluster_dynamic":true,"lnoc":true}"#
        );
        let connect = RouteConnect::parse(captured.as_bytes()).unwrap();
        let mut out = Vec::new();
        encode::route_connect(&mut out, &connect);
        assert_eq!(String::from_utf8(out).unwrap(), format!("CONNECT {captured}\r\n"));
        let shown = format!("{connect:?}");
        assert!(!shown.contains("T0pS3cr3t") && shown.contains("has_secrets: true"), "{shown}");
    }

    #[test]
    fn the_connect_of_a_leaf_node_is_written_back_byte_for_byte() {
        let captured = concat!(
            r#"{"version":"2.14.5","nkey":"UA","sig":"c2ln","server_id":"NB","domain":"d","name":"B","is_hub":true,"#,
            r#""cluster":"B","headers":true,"jetstream":true,"deny_pub":["im.1"],"isolate":true,"#,
            r#""compress_mode":"s2_uncompressed","remote_account":"A","protocol":3}"#
        );
        let connect = LeafConnect::parse(captured.as_bytes()).unwrap();
        let mut out = Vec::new();
        encode::leaf_connect(&mut out, &connect);
        assert_eq!(String::from_utf8(out).unwrap(), format!("CONNECT {captured}\r\n"));
        let shown = format!("{connect:?}");
        assert!(!shown.contains("c2ln") && shown.contains("has_secrets: true"), "{shown}");
    }

    #[test]
    fn clients_and_gateways_are_told_by_what_they_say() {
        let client = RouteConnect::parse(br#"{"lang":"go","verbose":false,"protocol":1}"#).unwrap();
        assert_eq!(client.lang, "go");
        assert_eq!(RouteConnect::parse(br#"{"gateway":"X"}"#).unwrap().gateway, "X");
        assert_eq!(LeafConnect::parse(br#"{"Gateway":"X","lang":null}"#).unwrap().gateway, "X");
        for text in [&b"{bad"[..], b"[]", br#"{"name":5}"#, br#"{"headers":"x"}"#] {
            assert!(RouteConnect::parse(text).is_err() && LeafConnect::parse(text).is_err());
        }
    }
}
