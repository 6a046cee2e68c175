//! `users`: an array of users, each with a password or an nkey.

use nats_auth::{IdentityConfig, Permissions, Secret, User};
use nats_conf::{Entry, Map, Value};
use nats_proto::quote;
use nkeys::{KeyPair, KeyPairType};

use crate::config::permissions::read_permissions;
use crate::config::report::Report;
use crate::config::row::Effect::{Any, NotYet, Text};
use crate::config::row::Idle::Off;
use crate::config::row::{Row, read_users_block, row, texts};

/// The kinds of connections that nats-server knows.
const CONNECTION_TYPES: [&str; 7] =
    ["STANDARD", "WEBSOCKET", "LEAFNODE", "LEAFNODE_WS", "MQTT", "MQTT_WS", "IN_PROCESS"];

#[derive(Default)]
pub(crate) struct Block {
    user: Option<String>,
    password: Secret,
    nkey: Option<String>,
    permissions: Option<Permissions>,
    allowed_connection_types: Option<Vec<String>>,
}

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<Block>] = &[
    row(&["nkey"], Text(|block, key| { block.nkey = given(key); Ok(()) })),
    row(&["user", "username"], Text(|block, user| { block.user = given(user); Ok(()) })),
    row(&["pass", "password"], Text(|block, password| { block.password = password.into(); Ok(()) })),
    row(&["permission", "permissions", "authorization"], Any(|block, entry, report| block.permissions = read_permissions(&entry.value, report))),
    row(&["allowed_connection_types", "connection_types", "clients"], Any(connection_types)),
    row(&["proxy_required"], NotYet(Off, "no proxy is trusted")),
];

/// Empty text counts as not given.
fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Reads all that are right, and reports the others. `None` if there is no array, or if it was not read to its
/// end.
pub(crate) fn read_users(value: &Value, report: &mut Report) -> Option<Vec<User>> {
    let Ok(elements) = value.as_array() else {
        let found = value.data.type_name();
        report.refuse(value, format!("Expected users field to be an array, got {found}"));
        return None;
    };
    let mut users = Vec::new();
    for element in elements {
        let Ok(map) = element.as_map() else {
            let found = element.data.type_name();
            report.refuse(element, format!("Expected user entry to be a map/struct, got {found}"));
            continue;
        };
        let mut block = Block::default();
        if !read_users_block(map, TABLE, &mut block, report) {
            return None;
        }
        users.extend(block.into_user(map, element, report));
    }
    Some(users)
}

/// Where nats-server says the mistake is: at the last key.
fn last_value(map: &Map) -> Option<&Value> {
    map.iter().last().map(|entry| &entry.value)
}

impl Block {
    fn into_user(mut self, map: &Map, element: &Value, report: &mut Report) -> Option<User> {
        match self.identity() {
            Ok(identity) => Some(User {
                identity,
                permissions: self.permissions,
                allowed_connection_types: self.allowed_connection_types,
            }),
            Err(reason) => {
                report.refuse(last_value(map).unwrap_or(element), reason);
                None
            }
        }
    }

    fn identity(&mut self) -> Result<IdentityConfig, &'static str> {
        match (self.nkey.take(), self.user.take()) {
            (None, None) => Err("User entry requires a user"),
            (Some(key), _) if !is_public_key(&key, KeyPairType::User) => {
                Err("Not a valid public nkey for a user")
            }
            (Some(key), None) if self.password.is_empty() => Ok(IdentityConfig::Nkey(key)),
            (Some(_), _) => Err("Nkey users do not take usernames or passwords"),
            (None, Some(user)) => {
                Ok(IdentityConfig::Password { user, password: std::mem::take(&mut self.password) })
            }
        }
    }
}

/// Whether a text is a public nkey of this type.
pub(crate) fn is_public_key(key: &str, wanted: KeyPairType) -> bool {
    KeyPair::from_public_key(key).is_ok_and(|pair| pair.key_pair_type() == wanted)
}

fn connection_types(block: &mut Block, entry: &Entry, report: &mut Report) {
    let what = "error parsing allowed connection types";
    let Some(types) = texts(&entry.value, what, "in array ", report) else { return };
    let types: Vec<String> = types.iter().map(|name| name.to_uppercase()).collect();
    let unknown: Vec<String> =
        types.iter().filter(|name| !CONNECTION_TYPES.contains(&name.as_str())).map(quote).collect();
    if !unknown.is_empty() {
        report.refuse(&entry.value, format!("invalid connection types [{}]", unknown.join(" ")));
    }
    block.allowed_connection_types = Some(types);
}
