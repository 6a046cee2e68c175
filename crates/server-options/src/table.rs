//! Every option, one row each. How to add one stands at the top of the crate.
//!
//! Names come from nats-server 2.14. A reload speaks of changes in the order of the rows, which is nats-server's;
//! ours stand behind.

use monitor_http::Scheme;
use nats_proto::GoDuration;

use crate::config::jetstream;
use crate::config::row::Effect::{Any, Integer, OsText, Switch, Text, Time};
use crate::config::row::Idle::{EmptyBlock, EmptyList, EmptyText, Never, Off, Zero};
use crate::config::row::Missing;
use crate::config::top;
use crate::config::{
    one_port_place, one_port_wait, read_accounts, read_authorization, read_cluster, read_console,
    read_http_api, read_leaf_nodes, read_mappings, read_one_port, read_tls, read_websocket,
};
use crate::options::DialReports;
use crate::places::FallibleOption::{
    ClientAdvertise, Cluster, Console, HttpApi, LameDuck, LeafNodes, Listen, LogFile, Monitoring, NoAuthUser,
    Payload, PidFile, Port, Syslog, SystemAccount, Tls, Users, WebSocket,
};
use crate::reading::{
    backend, busy_poll, given, length, limit, max_connections, max_sub_tokens, path, ping_max, placement,
    put, reports, shards, size, write_timeout,
};
use crate::reload::cluster;
use crate::reload::compare::{self, max, path_shown, policy, text_shown};
use crate::reload::jetstream as reload;
use crate::row::{Row, option, refused_flag, refused_key};

/// What is missing for routes. With `None` here they are supported, but for the keys that say so of themselves in
/// `config/cluster.rs`.
const ROUTES: Option<Missing> = None;

// What is missing for what is refused.
const CLUSTER: &str = "there are no clusters";
const OPERATOR: &str = "there are no operators and no JWTs";
const OCSP: &str = "there is no OCSP";
const PROXY: &str = "there is no PROXY protocol and no proxy is trusted";
const PROFILE: &str = "there is no profile to ask for over HTTP";

/// Flags and keys of ours that were called otherwise, and what they are called now. `route` would be taken for
/// nats-server's `routes`.
pub(crate) const RENAMED: [(&str, &str); 1] = [("route", "colocate")];

// A line each for how it is read and where it lives, for its flags, for its keys, and for what a reload does.
#[rustfmt::skip]
pub(crate) static OPTIONS: &[Row] = &[
    option(Text(|draft, name| put(&mut draft.options.server_name, given(name))))
        .flag(&["n", "name", "server_name"], "<name>", "Name of this server (default: its id)")
        .key_by(&["server_name"], Text(top::server_name))
        .fixed("ServerName", |options| text_shown(&options.server_name)),
    option(Any(top::listen)).key(&["listen"]).told_for(&[Listen, Port]),
    option(Text(top::host))
        .flag(&["a", "addr", "net"], "<host>", "Address to bind (default: 0.0.0.0)")
        .key(&["host", "net"]).told_for(&[Listen])
        .fixed("Host", |options| options.host.clone()),
    option(Integer(|draft, port| put(&mut draft.port, port)))
        .flag(&["p", "port"], "<port>", "Port for clients, -1 for a free one (default: 4222)")
        .key(&["port"]).told_for(&[Listen, Port])
        .compared(compare::port),
    option(Text(|draft, address| put(&mut draft.client_advertise, given(address))))
        .flag(&["client_advertise"], "<address>", "What clients are told instead of host and port")
        .key(&["client_advertise"]).told_for(&[ClientAdvertise])
        .compared(compare::client_advertise),
    option(Switch(|draft, on| draft.options.log.trace = on))
        .flag(&["V", "trace"], "", "Log the protocol as it is spoken")
        .key(&["trace", "trace_verbose"])
        .live("trace", |options| options.log.trace.to_string()),
    option(Switch(|draft, on| draft.log_flags.verbose_trace = Some(on)))
        .flag(&["VV"], "", "The same, the system account included"),
    option(Switch(|draft, on| (draft.options.log.trace, draft.options.broker.trace_headers) = (on, on)))
        .key(&["trace_headers"])
        .live("trace_headers", |options| options.broker.trace_headers.to_string()),
    option(Switch(|draft, on| draft.options.log.debug = on))
        .flag(&["D", "debug"], "", "Log debug lines")
        .key(&["debug"])
        .live("debug", |options| options.log.debug.to_string()),
    option(Switch(|draft, on| draft.log_flags.debug_and_trace = Some(on)))
        .flag(&["DV"], "", "Debug and trace"),
    option(Switch(|draft, on| draft.log_flags.debug_and_verbose_trace = Some(on)))
        .flag(&["DVV"], "", "Debug and trace, the system account included"),
    option(Switch(|draft, on| draft.options.log.time = on))
        .flag(&["T", "logtime"], "", "Put the time on log lines (default: true)")
        .key(&["logtime"])
        .live("logtime", |options| options.log.time.to_string()),
    option(Switch(|draft, on| draft.options.log.utc = on))
        .flag(&["logtime_utc"], "", "In UTC instead of local time")
        .key(&["logtime_utc"])
        .live("logtime_utc", |options| options.log.utc.to_string()),
    option(Switch(|draft, on| draft.options.broker.match_cache = !on))
        .key(&["disable_sublist_cache", "no_sublist_cache"])
        .fixed("NoSublistCache", |options| (!options.broker.match_cache).to_string()),
    option(Switch(|draft, on| draft.options.headers = !on))
        .key(&["no_header_support"])
        .fixed("NoHeaderSupport", |options| (!options.headers).to_string()),
    option(Integer(|draft, number| put(&mut draft.options.broker.max_connections, max_connections(number))))
        .key(&["max_connections", "max_conn"])
        .live("max_connections", |options| options.broker.max_connections.to_string()),
    option(Integer(|draft, number| put(&mut draft.options.broker.max_subscriptions, number)))
        .key(&["max_subscriptions", "max_subs"])
        .fixed("MaxSubs", |options| options.broker.max_subscriptions.to_string()),
    option(Integer(|draft, number| put(&mut draft.options.broker.max_sub_tokens, max_sub_tokens(number)?)))
        .key(&["max_sub_tokens", "max_subscription_tokens"])
        .fixed("MaxSubTokens", |options| max(options.broker.max_sub_tokens)),
    option(Any(read_accounts)).key(&["accounts"]).told_for(&[Users]).rule(compare::ACCOUNTS),
    option(Text(|draft, user| put(&mut draft.options.auth.no_auth_user, given(user))))
        .key(&["no_auth_user"]).told_for(&[NoAuthUser])
        .compared(compare::no_auth_user),
    option(Any(top::system_account))
        .key(&["system_account", "system"]).told_for(&[SystemAccount])
        .fixed("SystemAccount", |options| text_shown(&options.auth.system_account)),
    option(Switch(|draft, on| draft.options.auth.no_system_account = on))
        .key(&["no_system_account", "no_system", "no_sys_acc"])
        .fixed("NoSystemAccount", |options| options.auth.no_system_account.to_string()),
    option(Text(|draft, user| put(&mut draft.credentials.user, user.to_owned())))
        .flag(&["user"], "<user>", "User that clients have to be")
        .compared(compare::single_user),
    option(Text(|draft, password| put(&mut draft.credentials.password, password.into())))
        .flag(&["pass"], "<password>", "Password of that user")
        .compared(compare::single_password),
    option(Text(|draft, token| put(&mut draft.credentials.token, token.into())))
        .flag(&["auth"], "<token>", "Token that clients have to know")
        .compared(compare::token),
    option(Any(|draft, entry, report| draft.options.auth.mappings = read_mappings(entry, report)))
        .key(&["mappings", "maps"]),
    option(Time(|draft, time| length(draft, time, |options| &mut options.broker.ping_interval)))
        .key(&["ping_interval"])
        .live("ping_interval", |options| GoDuration::of(options.broker.ping_interval).to_string()),
    option(Integer(|draft, number| put(&mut draft.options.broker.ping_max, ping_max(number)?)))
        .key(&["ping_max"])
        .live("ping_max", |options| options.broker.ping_max.to_string()),
    option(Any(top::http)).key(&["http"]).told_for(&[Monitoring]).fixed("HTTPHost", compare::monitor_host),
    option(Integer(|draft, port| put(&mut draft.monitor.http_port, port)))
        .flag(&["m", "http_port"], "<port>", "Port for HTTP monitoring, -1 for a free one")
        .key(&["http_port", "monitor_port"]).told_for(&[Monitoring])
        .fixed("HTTPPort", |options| compare::monitor_port(options, Scheme::Http)),
    option(Text(|draft, path| put(&mut draft.monitor.base_path, path.to_owned())))
        .key(&["http_base_path"])
        .fixed("HTTPBasePath", compare::monitor_path),
    option(Any(top::https)).key(&["https"]).told_for(&[Monitoring]),
    option(Integer(|draft, port| put(&mut draft.monitor.https_port, port)))
        .flag(&["ms", "https_port"], "<port>", "Port for HTTPS monitoring")
        .key(&["https_port"]).told_for(&[Monitoring])
        .fixed("HTTPSPort", |options| compare::monitor_port(options, Scheme::Https)),
    option(Any(read_authorization))
        .key(&["authorization"]).told_for(&[Users])
        .live("authorization timeout", compare::auth_timeout),
    option(Any(top::max_control_line))
        .key(&["max_control_line"])
        .live("max_control_line", |options| options.broker.limits.control_line_bytes_max.to_string()),
    option(Any(top::max_payload))
        .key(&["max_payload"]).told_for(&[Payload])
        .live("max_payload", compare::max_payload),
    option(Integer(|draft, bytes| size(draft, bytes, |options| &mut options.broker.max_pending)))
        .key(&["max_pending"]).told_for(&[Payload])
        .fixed("MaxPending", |options| options.broker.max_pending.to_string()),
    option(Switch(|draft, on| draft.options.broker.stall_publishers = !on))
        .key(&["no_fast_producer_stall"])
        .compared(compare::stall_publishers),
    option(Text(|draft, url| put(&mut draft.cluster.listen_flag, Some(url.to_owned()))))
        .flag(&["cluster"], "<url>", "Where other servers connect, and as whom")
        .key_by(&["cluster"], Any(read_cluster)).told_for(&[Cluster])
        .rule(cluster::CLUSTER).until(ROUTES),
    option(Text(|draft, url| put(&mut draft.cluster.listen_flag, Some(url.to_owned()))))
        .flag(&["cluster_listen"], "<url>", "Another name for --cluster")
        .until(ROUTES),
    option(Any(read_leaf_nodes))
        .key(&["leaf", "leafnodes"]).told_for(&[LeafNodes])
        .compared(compare::leaf_nodes),
    option(Text(|draft, urls| put(&mut draft.cluster.routes_flag, Some(urls.to_owned()))))
        .flag(&["routes"], "<urls>", "Other servers to connect to, with commas between")
        .until(ROUTES),
    option(Text(|draft, name| put(&mut draft.cluster.name, given(name))))
        .flag(&["cluster_name"], "<name>", "Name of the cluster (default: made up)")
        .until(ROUTES),
    option(Text(|draft, address| put(&mut draft.cluster.advertise, given(address))))
        .flag(&["cluster_advertise"], "<address>", "What other servers are told instead")
        .until(ROUTES),
    option(Switch(|draft, on| draft.cluster.options.no_advertise = on))
        .flag(&["no_advertise"], "", "Tell clients of no other servers (default: false)")
        .until(ROUTES),
    option(Integer(|draft, number| put(&mut draft.cluster.options.connect_retries, number)))
        .flag(&["connect_retries"], "<number>", "Further attempts for servers that others told of")
        .until(ROUTES),
    option(OsText(|draft, file| put(&mut draft.options.pid_file, path(file))))
        .flag(&["P", "pid"], "<file>", "Write the process id to a file")
        .key(&["pidfile", "pid_file"]).told_for(&[PidFile])
        .live("pid_file", |options| path_shown(&options.pid_file)),
    option(OsText(|draft, dir| put(&mut draft.options.ports_file_dir, path(dir))))
        .flag(&["ports_file_dir"], "<dir>", "Write <program>_<pid>.ports to a directory")
        .key(&["ports_file_dir"])
        .live("ports_file_dir", |options| path_shown(&options.ports_file_dir)),
    option(OsText(|draft, file| put(&mut draft.options.log.file, path(file))))
        .flag(&["l", "log"], "<file>", "Log to a file instead of standard error")
        .key(&["logfile", "log_file"]).told_for(&[LogFile])
        .live("log_file", |options| path_shown(&options.log.file)),
    option(Integer(|draft, bytes| put(&mut draft.options.log.size_limit, limit(bytes))))
        .flag(&["log_size_limit"], "<bytes>", "Put a log file aside at this size")
        .key(&["logfile_size_limit", "log_size_limit"])
        .fixed("LogSizeLimit", |options| max(options.log.size_limit)),
    option(Integer(|draft, number| put(&mut draft.options.log.max_num, limit(number))))
        .key(&["logfile_max_num", "log_max_num"])
        .fixed("LogMaxFiles", |options| max(options.log.max_num)),
    option(Switch(|draft, on| draft.options.log.syslog = on))
        .flag(&["s", "syslog"], "", "Log to the syslog")
        .key(&["syslog"]).told_for(&[Syslog])
        .live("syslog", |options| options.log.syslog.to_string()),
    option(Text(|draft, address| put(&mut draft.options.log.remote_syslog, given(address))))
        .flag(&["r", "remote_syslog"], "<addr>", "Log to a syslog, as udp://localhost:514")
        .key(&["remote_syslog"]).told_for(&[Syslog])
        .live("remote_syslog", |options| text_shown(&options.log.remote_syslog)),
    option(Any(read_tls)).key(&["tls"]).told_for(&[Tls]).rule(compare::TLS),
    option(Switch(|draft, on| draft.allow_non_tls = on))
        .key(&["allow_non_tls"])
        .fixed("AllowNonTLS", |options| policy(options).allow_non_tls.to_string()),
    option(Switch(|draft, on| draft.tls_flags.on = Some(on)))
        .flag(&["tls"], "", "TLS for clients, whoever they are (default: false)"),
    option(OsText(|draft, file| put(&mut draft.tls_flags.certificate, Some(file.into()))))
        .flag(&["tlscert"], "<file>", "Certificate of the server"),
    option(OsText(|draft, file| put(&mut draft.tls_flags.key, Some(file.into()))))
        .flag(&["tlskey"], "<file>", "Private key for that certificate"),
    option(Switch(|draft, on| draft.tls_flags.verify = Some(on)))
        .flag(&["tlsverify"], "", "TLS for clients that show a certificate"),
    option(OsText(|draft, file| put(&mut draft.tls_flags.ca_file, Some(file.into()))))
        .flag(&["tlscacert"], "<file>", "Who signs certificates of clients"),
    option(Time(|draft, time| length(draft, time, |options| &mut options.broker.write_deadline)))
        .key(&["write_deadline"])
        .live("write_deadline", |options| GoDuration::of(options.broker.write_deadline).to_string()),
    option(Text(|draft, policy| put(&mut draft.options.broker.write_timeout, write_timeout(policy)?)))
        .key(&["write_timeout"])
        .fixed("WriteTimeout", |options| options.broker.write_timeout.as_str().to_owned()),
    option(Integer(|draft, number| size(draft, number, |options| &mut options.broker.max_closed_clients)))
        .key(&["max_closed_clients"])
        .fixed("MaxClosedClients", |options| options.broker.max_closed_clients.to_string()),
    option(Any(read_websocket))
        .key(&["websocket", "ws"]).told_for(&[WebSocket])
        .compared(compare::websocket),
    option(Text(top::lame_duck_duration))
        .key(&["lame_duck_duration"]).told_for(&[LameDuck])
        .fixed("LameDuckDuration", |options| GoDuration::of(options.lame_duck.duration).to_string()),
    option(Text(top::lame_duck_grace_period))
        .key(&["lame_duck_grace_period"]).told_for(&[LameDuck])
        .fixed("LameDuckGracePeriod", |options| GoDuration::of(options.lame_duck.grace_period).to_string()),
    option(Integer(|draft, bytes| put(&mut draft.options.broker.max_traced_msg_len, limit(bytes).unwrap_or(0))))
        .flag(&["max_traced_msg_len"], "<bytes>", "Bytes of a message that a trace shows")
        .key(&["max_traced_msg_len"])
        .live("max_traced_msg_len", |options| options.broker.max_traced_msg_len.to_string()),
    option(Any(top::server_tags)).key(&["server_tags"]).compared(compare::server_tags),
    option(Any(top::server_metadata)).key(&["server_metadata"]).compared(compare::server_metadata),
    option(Any(top::feature_flags))
        .key(&["feature_flags"])
        .fixed("FeatureFlags", compare::feature_flags),
    option(Integer(|draft, every| put(&mut draft.options.dial_reports.first, reports(every, DialReports::default().first))))
        .key(&["connect_error_reports"])
        .live("connect_error_reports", |options| options.dial_reports.first.to_string()),
    option(Integer(|draft, every| put(&mut draft.options.dial_reports.again, reports(every, DialReports::default().again))))
        .key(&["reconnect_error_reports"])
        .live("reconnect_error_reports", |options| options.dial_reports.again.to_string()),
    option(OsText(|draft, dir| put(&mut draft.options.store_dir, path(dir))))
        .flag(&["sd", "store_dir"], "<dir>", "Where streams are kept")
        .key(&["store_dir", "storedir"]),
    option(Switch(|draft, on| draft.options.jetstream.is_on = on))
        .flag(&["js", "jetstream"], "", "Have streams and consumers (JetStream)")
        .key_by(&["jetstream"], Any(jetstream::jetstream))
        .compared(reload::jetstream),
    // Ours: shards are what they are when they start.
    option(Integer(|draft, number| put(&mut draft.options.shards, Some(shards(number)?))))
        .flag(&["shards"], "<number>", "Shards, 1 to 64 (default: one per available core)")
        .own_key(&["shards"])
        .fixed("shards", |options| max(options.shards)),
    option(OsText(|draft, rule| put(&mut draft.options.broker.placement, placement(rule)?)))
        .flag(&["placement"], "<rule>", "Place connections by load or spread (default: load)")
        .own_key(&["placement"])
        .fixed("placement", |options| compare::word(options.broker.placement)),
    option(Switch(|draft, on| draft.options.broker.colocate = on))
        .flag(&["colocate"], "", "Move connections to the shard they talk to most")
        .own_key(&["colocate"])
        .fixed("colocate", |options| options.broker.colocate.to_string()),
    option(Switch(|draft, on| draft.options.runtime.ktls = on))
        .flag(&["ktls"], "", "Have the kernel encrypt, where it offers TLS")
        .own_key(&["ktls"])
        .fixed("ktls", |options| options.runtime.ktls.to_string()),
    option(OsText(|draft, name| put(&mut draft.options.runtime.io, backend(name)?)))
        .flag(&["io"], "<backend>", "I/O by auto, uring or epoll (default: auto)")
        .own_key(&["io"])
        .fixed("io", |options| compare::word(options.runtime.io)),
    option(Text(one_port_place))
        .flag(&["one-port"], "<host:port>", "A port for NATS, HTTP and WebSocket clients")
        .key_by(&["one_port"], Any(read_one_port)).told_for(&[HttpApi])
        .fixed("one_port", compare::one_port),
    option(Text(|draft, time| put(&mut draft.one_port.wait, Some(one_port_wait(time)?))))
        .flag(&["one-port-wait"], "<time>", "Silence there that is NATS (default: 100ms)"),
    option(Any(read_http_api))
        .key(&["http_api"]).told_for(&[HttpApi])
        .compared(compare::http_api),
    option(OsText(|draft, time| put(&mut draft.options.runtime.busy_poll, Some(busy_poll(time)?))))
        .flag(&["busy-poll", "busy_poll"], "<time>", "Spin before sleeping, as 50us (default: if it pays)")
        .own_key_by(&["busy_poll"], OsText(top::busy_poll))
        .fixed("busy_poll", compare::busy_poll),
    option(Any(read_console)).key(&["console"]).told_for(&[Console]).fixed("console", compare::console),
    // What the program is to do instead of serving.
    option(OsText(|draft, file| put(&mut draft.asked.config, path(file))))
        .flag(&["c", "config"], "<file>", "Configuration file"),
    option(Switch(|draft, on| draft.asked.check = on)).flag(&["t"], "", "Check the configuration and exit"),
    option(OsText(|draft, call| put(&mut draft.asked.signal, path(call).map(Into::into))))
        .flag(&["sl", "signal"], "<sig[=pid]>", "Tell a server: ldm stop quit term reopen reload"),
    option(Switch(|draft, on| draft.asked.help = on)).flag(&["h", "help"], "", "Show this text"),
    option(Switch(|draft, on| draft.asked.version = on)).flag(&["v", "version"], "", "Show the version"),
    option(Switch(|draft, on| draft.asked.tls_help = on))
        .flag(&["help_tls"], "", "Show what TLS can be told"),
    // What nats-server has beyond that.
    refused_flag(&["profile"], Zero, PROFILE),
    refused_key(&["gateway"], EmptyBlock, "there are no gateways"),
    refused_key(&["mqtt"], EmptyBlock, "there is no MQTT"),
    refused_key(
        &["operator", "operators", "roots", "root", "root_operators", "root_operator"], EmptyList, OPERATOR,
    ),
    refused_key(&["resolver", "account_resolver", "accounts_resolver"], Never, OPERATOR),
    refused_key(&["resolver_tls"], EmptyBlock, OPERATOR),
    refused_key(&["resolver_preload"], EmptyBlock, OPERATOR),
    refused_key(&["resolver_pinned_accounts"], EmptyList, OPERATOR),
    refused_key(&["trusted", "trusted_keys"], EmptyList, OPERATOR),
    refused_key(&["default_sentinel"], EmptyText, OPERATOR),
    refused_key(&["default_js_domain"], EmptyBlock, CLUSTER),
    refused_key(&["ocsp"], Off, OCSP),
    refused_key(&["ocsp_cache"], Off, OCSP),
    refused_key(&["proxies"], EmptyBlock, PROXY),
    refused_key(&["proxy_protocol"], Off, PROXY),
    refused_key(&["prof_port"], Zero, PROFILE),
    refused_key(&["prof_block_rate"], Zero, PROFILE),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::config::row::Form;

    /// Every flag nats-server 2.14 defines.
    const PEER_FLAGS: &str = "h help port p n name server_name addr a net client_advertise D debug V VV \
        trace DV DVV T logtime logtime_utc user pass auth m http_port ms https_port c config t sl signal \
        P pid ports_file_dir l log log_size_limit s syslog r remote_syslog version v profile routes \
        cluster cluster_listen cluster_advertise no_advertise connect_retries cluster_name help_tls tls \
        tlsverify tlscert tlskey tlscacert max_traced_msg_len js jetstream sd store_dir";

    #[test]
    fn the_table_has_every_flag_of_the_peer_and_our_own() {
        let ours: HashSet<&str> = OPTIONS.iter().flat_map(|row| row.flags).copied().collect();
        let mut wanted: HashSet<&str> = PEER_FLAGS.split_whitespace().collect();
        wanted.extend(["shards", "placement", "colocate", "io", "busy_poll", "busy-poll", "ktls"]);
        wanted.extend(["one-port", "one-port-wait"]);
        assert_eq!(ours, wanted);
    }

    #[test]
    fn no_name_stands_twice() {
        let mut seen = HashSet::new();
        for name in OPTIONS.iter().flat_map(|row| row.flags) {
            assert!(seen.insert(name), "-{name} stands twice");
        }
    }

    #[test]
    fn rows_have_a_help_text_and_an_operand_if_they_are_supported_and_take_a_value() {
        let flags = || OPTIONS.iter().filter(|row| !row.flags.is_empty());
        assert!(flags().all(|row| !row.help.is_empty()));
        for row in flags().filter(|row| !row.is_refused_flag()) {
            assert_eq!(row.operand.is_empty(), row.by_flag.form() == Form::Switch, "{:?}", row.flags);
        }
    }
}
