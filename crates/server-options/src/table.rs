//! Every flag, one row each: its names, what value it takes, what it does, and its line in the usage
//! text.
//!
//! Names come from nats-server 2.14.

use std::ffi::OsString;

use crate::draft::{Draft, Set};
use Effect::{Integer, Switch, Text};
use Section::{Common, Logging, NotYet, Server, Storage, Tls, Users};

/// Where a flag stands in the usage text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Server,
    Logging,
    Storage,
    Users,
    Tls,
    Common,
    /// Known to nats-server, refused by us.
    NotYet,
}

/// The kind of value a flag takes, and what the value does.
#[derive(Clone, Copy)]
pub(crate) enum Effect {
    /// `-x` or `-x=false`; never takes the next argument.
    Switch(fn(&mut Draft, bool)),
    Integer(fn(&mut Draft, i64) -> Set),
    Text(fn(&mut Draft, OsString) -> Set),
}

pub(crate) struct Row {
    /// Without dashes, in the order the usage text shows them.
    pub(crate) names: &'static [&'static str],
    pub(crate) section: Section,
    /// What stands for the value in the usage text; empty for switches and refused flags.
    pub(crate) operand: &'static str,
    /// For refused flags what is missing.
    pub(crate) help: &'static str,
    pub(crate) effect: Effect,
}

/// Finds a flag by any of its names; gives the name back as the table spells it.
pub(crate) fn find(name: &[u8]) -> Option<(&'static Row, &'static str)> {
    TABLE.iter().find_map(|row| {
        let known = row.names.iter().find(|known| known.as_bytes() == name)?;
        Some((row, *known))
    })
}

const fn row(
    section: Section,
    names: &'static [&'static str],
    operand: &'static str,
    effect: Effect,
    help: &'static str,
) -> Row {
    Row { names, section, operand, help, effect }
}

/// A refused flag still reads its value, so that a bad value is told apart and `-v` still works
/// behind it.
const fn not_yet(names: &'static [&'static str], effect: Effect, missing: &'static str) -> Row {
    row(NotYet, names, "", effect, missing)
}

const SWITCH: Effect = Switch(|_, _| ());
const INTEGER: Effect = Integer(|_, _| Ok(()));
const TEXT: Effect = Text(|_, _| Ok(()));

// What is missing for the flags that are refused.
const CLUSTER: &str = "there are no clusters";

// One line a row: read across, it is the whole story of a flag.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row] = &[
    row(Server, &["a", "addr", "net"], "<host>", Text(Draft::set_host), "Address to bind (default: 0.0.0.0)"),
    row(Server, &["p", "port"], "<port>", Integer(Draft::set_port), "Port for clients, -1 for a free one (default: 4222)"),
    row(Server, &["n", "name", "server_name"], "<name>", Text(Draft::set_server_name), "Name of this server (default: its id)"),
    row(Server, &["client_advertise"], "<address>", Text(Draft::set_client_advertise), "What clients are told instead of host and port"),
    row(Server, &["P", "pid"], "<file>", Text(Draft::set_pid_file), "Write the process id to a file"),
    row(Server, &["ports_file_dir"], "<dir>", Text(Draft::set_ports_file_dir), "Write <program>_<pid>.ports to a directory"),
    row(Server, &["c", "config"], "<file>", Text(Draft::set_config), "Configuration file"),
    row(Server, &["t"], "", Switch(Draft::set_check), "Check the configuration and exit"),
    row(Server, &["sl", "signal"], "<sig[=pid]>", Text(Draft::set_signal), "Tell a server: ldm stop quit term reopen reload"),
    row(Server, &["shards"], "<number>", Integer(Draft::set_shards), "Shards, 1 to 64 (default: one per available core)"),
    row(Server, &["placement"], "<rule>", Text(Draft::set_placement), "Place connections by load or spread (default: load)"),
    row(Server, &["busy-poll", "busy_poll"], "<time>", Text(Draft::set_busy_poll), "Spin before sleeping, as 50us (default: if it pays)"),
    row(Server, &["io"], "<backend>", Text(Draft::set_io), "I/O by auto, uring or epoll (default: auto)"),
    row(Server, &["route"], "", Switch(Draft::set_route), "Move connections to the shard they talk to most"),

    row(Logging, &["l", "log"], "<file>", Text(Draft::set_log_file), "Log to a file instead of standard error"),
    row(Logging, &["log_size_limit"], "<bytes>", Integer(Draft::set_log_size_limit), "Put a log file aside at this size"),
    row(Logging, &["s", "syslog"], "", Switch(Draft::set_syslog), "Log to the syslog"),
    row(Logging, &["r", "remote_syslog"], "<addr>", Text(Draft::set_remote_syslog), "Log to a syslog, as udp://localhost:514"),
    row(Logging, &["T", "logtime"], "", Switch(Draft::set_log_time), "Put the time on log lines (default: true)"),
    row(Logging, &["logtime_utc"], "", Switch(Draft::set_log_utc), "In UTC instead of local time"),
    row(Logging, &["D", "debug"], "", Switch(Draft::set_debug), "Log debug lines"),
    row(Logging, &["V", "trace"], "", Switch(Draft::set_trace), "Log the protocol as it is spoken"),
    row(Logging, &["max_traced_msg_len"], "<bytes>", Integer(Draft::set_max_traced_msg_len), "Bytes of a message that a trace shows"),
    row(Logging, &["VV"], "", Switch(Draft::set_verbose_trace), "The same, the system account included"),
    row(Logging, &["DV"], "", Switch(Draft::set_debug_and_trace), "Debug and trace"),
    row(Logging, &["DVV"], "", Switch(Draft::set_debug_and_verbose_trace), "Debug and trace, the system account included"),

    row(Storage, &["sd", "store_dir"], "<dir>", Text(Draft::set_store_dir), "Where streams will be kept (none are yet)"),

    row(Tls, &["tls"], "", Switch(Draft::set_tls), "TLS for clients, whoever they are (default: false)"),
    row(Tls, &["tlscert"], "<file>", Text(Draft::set_tls_cert), "Certificate of the server"),
    row(Tls, &["tlskey"], "<file>", Text(Draft::set_tls_key), "Private key for that certificate"),
    row(Tls, &["tlsverify"], "", Switch(Draft::set_tls_verify), "TLS for clients that show a certificate"),
    row(Tls, &["tlscacert"], "<file>", Text(Draft::set_tls_ca_cert), "Who signs certificates of clients"),
    row(Tls, &["ktls"], "", Switch(Draft::set_ktls), "Have the kernel encrypt, where it offers TLS"),

    row(Common, &["h", "help"], "", Switch(Draft::set_help), "Show this text"),
    row(Common, &["v", "version"], "", Switch(Draft::set_version), "Show the version"),
    row(Common, &["help_tls"], "", Switch(Draft::set_tls_help), "Show what TLS can be told"),

    row(Server, &["m", "http_port"], "<port>", Integer(Draft::set_http_port), "Port for HTTP monitoring, -1 for a free one"),
    row(Server, &["ms", "https_port"], "<port>", Integer(Draft::set_https_port), "Port for HTTPS monitoring"),
    row(Users, &["user"], "<user>", Text(Draft::set_user), "User that clients have to be"),
    row(Users, &["pass"], "<password>", Text(Draft::set_password), "Password of that user"),
    row(Users, &["auth"], "<token>", Text(Draft::set_token), "Token that clients have to know"),
    not_yet(&["profile"], INTEGER, "there is no profile to ask for over HTTP"),
    not_yet(&["js", "jetstream"], SWITCH, "there is no JetStream"),
    not_yet(&["routes"], TEXT, CLUSTER),
    not_yet(&["cluster"], TEXT, CLUSTER),
    not_yet(&["cluster_listen"], TEXT, CLUSTER),
    not_yet(&["cluster_name"], TEXT, CLUSTER),
    not_yet(&["cluster_advertise"], TEXT, CLUSTER),
    not_yet(&["no_advertise"], SWITCH, CLUSTER),
    not_yet(&["connect_retries"], INTEGER, CLUSTER),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Every flag nats-server 2.14 defines.
    const PEER_FLAGS: &str = "h help port p n name server_name addr a net client_advertise D debug V VV \
        trace DV DVV T logtime logtime_utc user pass auth m http_port ms https_port c config t sl signal \
        P pid ports_file_dir l log log_size_limit s syslog r remote_syslog version v profile routes \
        cluster cluster_listen cluster_advertise no_advertise connect_retries cluster_name help_tls tls \
        tlsverify tlscert tlskey tlscacert max_traced_msg_len js jetstream sd store_dir";

    #[test]
    fn the_table_has_every_flag_of_the_peer_and_our_own() {
        let ours: HashSet<&str> = TABLE.iter().flat_map(|row| row.names).copied().collect();
        let mut wanted: HashSet<&str> = PEER_FLAGS.split_whitespace().collect();
        wanted.extend(["shards", "placement", "route", "io", "busy_poll", "busy-poll", "ktls"]);
        assert_eq!(ours, wanted);
    }

    #[test]
    fn no_name_stands_twice() {
        let mut seen = HashSet::new();
        for name in TABLE.iter().flat_map(|row| row.names) {
            assert!(seen.insert(name), "-{name} stands twice");
        }
    }

    #[test]
    fn rows_have_a_help_text_and_an_operand_if_they_are_supported_and_take_a_value() {
        assert!(TABLE.iter().all(|row| !row.help.is_empty()));
        for row in TABLE.iter().filter(|row| row.section != NotYet) {
            assert_eq!(row.operand.is_empty(), matches!(row.effect, Switch(_)), "{:?}", row.names);
        }
    }
}
