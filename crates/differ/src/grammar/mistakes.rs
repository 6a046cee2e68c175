//! Configuration files with something wrong, as `-t` sees them.
//!
//! One mistake a file: of several, nats-server tells some in any order.

use crate::script::{Script, Step};
use seeded::Random;

use super::talk;

/// Files that are asked about in one script.
const FILES: usize = 4;

pub(crate) fn script(random: &mut Random) -> Script {
    let steps = (0..FILES).map(|_| Step::Check { config: file(random) }).collect();
    Script { shards: 1, steps, ..Script::default() }
}

fn file(random: &mut Random) -> String {
    let (before, after) = (good(random), good(random));
    let middle = match random.size(0, 9) {
        0..=3 => {
            let (key, _) = random.pick(&KEYS);
            format!("{key}: {}\n", random.pick(&VALUES))
        }
        4 | 5 => format!("{}\n", random.pick(&LINES)),
        6 | 7 => {
            let block = random.pick(&BLOCKS);
            block.replacen('#', random.pick(&VALUES), 1) + "\n"
        }
        _ => {
            let (key, value) = random.pick(&KEYS);
            let line = damaged(random, &format!("{key}: {value}"));
            format!("{line}\n")
        }
    };
    before + &middle + &after
}

fn good(random: &mut Random) -> String {
    if random.chance(60) {
        return String::new();
    }
    random
        .pick(&["# a comment\n", "debug: false\n", "trace = off\n", "logtime: true\n", "\n", "// more\n"])
        .to_owned()
}

/// Stays text.
fn damaged(random: &mut Random, line: &str) -> String {
    String::from_utf8_lossy(&talk::damage(random, line.as_bytes().to_vec())).replace('\0', "")
}

/// Keys, each with a value that is taken.
const KEYS: [(&str, &str); 43] = [
    ("listen", "\"127.0.0.1:4222\""),
    ("host", "localhost"),
    ("port", "4222"),
    ("server_name", "name"),
    ("client_advertise", "\"host:4222\""),
    ("debug", "true"),
    ("trace", "true"),
    ("logtime", "true"),
    ("logtime_utc", "true"),
    ("mappings", "{ a: b }"),
    ("disable_sublist_cache", "true"),
    ("accounts", "{ A { users: [{user: a, password: b}] } }"),
    ("default_permissions", "{}"),
    ("authorization", "{ user: a, password: b }"),
    ("http", "8222"),
    ("monitor_port", "8222"),
    ("http_base_path", "\"/x\""),
    ("log_file", "\"x.log\""),
    ("log_size_limit", "10mb"),
    ("syslog", "false"),
    ("remote_syslog", "\"udp://localhost:1\""),
    ("pid_file", "\"x.pid\""),
    ("ports_file_dir", "\"/nowhere\""),
    ("max_control_line", "4kb"),
    ("max_payload", "1mb"),
    ("max_pending", "10mb"),
    ("max_connections", "100"),
    ("max_traced_msg_len", "10"),
    ("max_subscriptions", "10"),
    ("max_sub_tokens", "8"),
    ("ping_interval", "\"2m\""),
    ("ping_max", "2"),
    ("tls", "{}"),
    ("write_deadline", "\"10s\""),
    ("lame_duck_duration", "\"60s\""),
    ("lame_duck_grace_period", "\"10s\""),
    ("connect_error_reports", "10"),
    ("system_account", "SYS"),
    ("no_system_account", "true"),
    ("no_header_support", "true"),
    ("server_tags", "[a, b]"),
    ("max_closed_clients", "10"),
    ("no_fast_producer_stall", "true"),
];

/// Of every kind, most of the wrong one for most keys. A number and the `]` behind it have a blank between them,
/// which nats-server wants (docs/differences.md).
const VALUES: [&str; 32] = [
    "7",
    "-1",
    "0",
    "1.5",
    "x",
    "\"x\"",
    "true",
    "no",
    "[]",
    "{}",
    "[1 ]",
    "[1, 2 ]",
    "{ a: b }",
    "[{ a: b }]",
    "\"\"",
    "\"5x\"",
    "\"10s\"",
    "10kb",
    "3000000000",
    "99999999999",
    "2024-01-01T00:00:00Z",
    "$NOWHERE",
    "(block)",
    "\"a b\"",
    "\"host:1\"",
    "\"host:x\"",
    "'single'",
    "[\"a\", 1 ]",
    "{ a: 1, a: 2 }",
    "\"5\"",
    "\"a.>\"",
    "65",
];

/// Whole lines that are wrong, or look it.
const LINES: [&str; 37] = [
    "bogus: 1",
    "a b c",
    "port 4222",
    "port = 4222",
    "port:4222",
    "port",
    ": 4222",
    "= 1",
    "port: 4222 4223",
    "port: 4222; host: x",
    "{",
    "}",
    "[",
    "authorization {",
    "authorization { user: a",
    "authorization }",
    "server_name: \"abc",
    "server_name: 'abc",
    "server_name: abc\"",
    "server_name: \"a\\qb\"",
    "server_name: \"a\\x41\"",
    "server_name: \"\\x4\"",
    "include \"nothing.conf\"",
    "include nothing.conf",
    "include",
    "X = 4222\nport: $X",
    "port: $X",
    "port: $port",
    "max_payload: 1K",
    "ping_interval: 5",
    "tls { cert_file: \"x\" }",
    "tls { bogus: 1 }",
    "users: []",
    "1: 2",
    "\"port\": 4222",
    "'port': 4222",
    "server_name: (\nabc\n)",
];

/// Blocks in which something stands that may be wrong.
const BLOCKS: [&str; 41] = [
    "authorization { user: # }",
    "authorization { user: a, password: # }",
    "authorization { token: # }",
    "authorization { token: t, user: # }",
    "authorization { timeout: # }",
    "authorization { users: # }",
    "authorization { users: [# ] }",
    "authorization { users: [{user: #, password: b}] }",
    "authorization { users: [{user: a, password: #}] }",
    "authorization { users: [{user: a, password: b, permissions: #}] }",
    "authorization { users: [{user: a, password: b, permissions: {publish: #}}] }",
    "authorization { users: [{user: a, password: b, permissions: {subscribe: #}}] }",
    "authorization { users: [{user: a, password: b, permissions: {publish: {allow: #}}}] }",
    "authorization { users: [{user: a, password: b, permissions: {publish: {deny: [# ]}}}] }",
    "authorization { users: [{user: a, password: b, permissions: {bogus: #}}] }",
    "authorization { users: [{user: a, password: b, permissions: {allow_responses: #}}] }",
    "authorization { users: [{user: a, password: b, permissions: {allow_responses: {max: #}}}] }",
    "authorization { users: [{user: a, password: b, permissions: {allow_responses: {expires: #}}}] }",
    "authorization { users: [{user: a, password: b, bogus: #}] }",
    "authorization { users: [{user: a, password: b, allowed_connection_types: #}] }",
    "authorization { users: [{nkey: #}] }",
    "authorization { users: [{user: a, password: b}, {user: a, password: #}] }",
    "authorization { default_permissions: # }",
    "accounts: #",
    "accounts { A: # }",
    "accounts { A { users: # } }",
    "accounts { A { users: [{user: #, password: b}] } }",
    "accounts { A { limits: # } }",
    "accounts { A { limits: { max_conn: # } } }",
    "accounts { A { limits: { max_subs: # } } }",
    "accounts { A { limits: { bogus: # } } }",
    "accounts { A { mappings: # } }",
    "accounts { A { mappings: { a: # } } }",
    "accounts { A { bogus: # } }",
    "accounts { A { default_permissions: # } }",
    "mappings { a: # }",
    "mappings { \"a.*\": \"b.{{left(1,#)}}\" }",
    "mappings { \"a.*\": # }",
    "mappings { a: [# ] }",
    "mappings { a: [{destination: b, weight: #}] }",
    "mappings { a: [{weight: 100%, destination: b}, #] }",
];
