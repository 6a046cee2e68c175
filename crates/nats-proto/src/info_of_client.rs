//! INFO from a client, which says nothing to a server. nats-server reads it all the same, and refuses what it
//! cannot read.

use crate::connect_options::ServerPermission;
use crate::go_json::{BodyError, Field, Fields, read_into};

/// Checks the JSON text of an INFO that a client sent.
///
/// # Errors
///
/// See [`BodyError`].
pub fn check_info(text: &[u8]) -> Result<(), BodyError> {
    read_into(text, &mut Unread::default())
}

/// The fields of nats-server's INFO by their types, with one place for all values of a type.
#[derive(Default)]
struct Unread {
    flag: bool,
    text: String,
    list: Vec<String>,
    int: i64,
    int32: i32,
    uint64: u64,
    byte: u8,
    permission: Option<ServerPermission>,
}

impl Fields for Unread {
    fn go_type(&self) -> &'static str {
        "server.Info"
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "headers" | "auth_required" | "tls_required" | "tls_verify" | "tls_available" | "jetstream"
            | "cluster_dynamic" | "ldm" | "connect_info" | "acc_is_sys" | "lnoc" | "lnocu"
            | "info_on_connect" | "gateway_nrp" | "gateway_iom" => &mut self.flag,
            "server_id"
            | "server_name"
            | "version"
            | "git_commit"
            | "go"
            | "host"
            | "ip"
            | "client_ip"
            | "nonce"
            | "cluster"
            | "domain"
            | "compression"
            | "remote_account"
            | "route_account"
            | "route_acc_add_reqid"
            | "gateway"
            | "gateway_url"
            | "xkey" => &mut self.text,
            "connect_urls" | "ws_connect_urls" | "gateway_urls" | "leafnode_urls" => &mut self.list,
            "proto" | "port" | "api_lvl" | "route_pool_size" | "route_pool_idx" => &mut self.int,
            "max_payload" => &mut self.int32,
            "client_id" => &mut self.uint64,
            "gossip_mode" | "gateway_cmd" => &mut self.byte,
            "import" | "export" => &mut self.permission,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nats-server 2.14.5 logged of these.
    #[test]
    fn what_cannot_be_read_is_refused_in_the_peers_words() {
        for (text, words) in [
            ("foo", "invalid character 'o' in literal false (expecting 'a')"),
            ("", "unexpected end of JSON input"),
            ("[]", "json: cannot unmarshal array into Go value of type server.Info"),
            (r#"{"port":"x"}"#, "json: cannot unmarshal string into Go struct field Info.port of type int"),
            (
                r#"{"max_payload":1.5}"#,
                "json: cannot unmarshal number 1.5 into Go struct field Info.max_payload of type int32",
            ),
            (
                r#"{"max_payload":2147483648}"#,
                "json: cannot unmarshal number 2147483648 into Go struct field Info.max_payload of type int32",
            ),
            (
                r#"{"gossip_mode":256}"#,
                "json: cannot unmarshal number 256 into Go struct field Info.gossip_mode of type uint8",
            ),
            (
                r#"{"client_id":-1}"#,
                "json: cannot unmarshal number -1 into Go struct field Info.client_id of type uint64",
            ),
            (
                r#"{"connect_urls":[7]}"#,
                "json: cannot unmarshal number into Info.connect_urls.0 of type string",
            ),
        ] {
            assert_eq!(check_info(text.as_bytes()).unwrap_err().to_string(), words, "{text}");
        }
        let fine = r#"{"port":1,"max_payload":-1,"import":{"allow":["a"]},"ldm":null,"unknown":[]}"#;
        assert_eq!(check_info(fine.as_bytes()), Ok(()));
    }
}
