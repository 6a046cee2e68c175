//! nats-server's answers to the same changes in a file were recorded; it also lists accounts and users
//! that did not change.

use std::time::Duration;

use broker::WriteTimeout;
use monitor_http::Scheme;
use nats_auth::{AccountConfig, IdentityConfig, Permissions, SubjectPermission, User};
use tls_session::{HandshakeFirst, Pin};

use super::*;
use crate::cluster::ClusterOptions;
use crate::leaf_nodes::{LeafListener, LeafRemote};
use crate::options::Port;
use crate::peer_url::PeerUrl;
use crate::tls::Tls;
use crate::websocket::WebSocket;

/// Makes one side of a comparison out of the default options.
type Make = fn(&mut Options);

const NOTHING: Make = |_| {};
const USER: Make = |options| options.auth.users = vec![user("a")];
const ACCOUNT: Make = |options| options.auth.accounts = vec![account("A", "a")];
const SINGLE: Make = |options| options.auth.single_user = Some(("a".into(), "b".into()));
const TOKEN: Make = |options| options.auth.token = Some("x".into());
const MONITOR: Make = |options| options.monitor = Some(monitor(8222));
const TLS: Make = |options| with_tls(options, |_| {});

fn user(name: &str) -> User {
    let identity = IdentityConfig::Password { user: name.into(), password: "b".into() };
    User { identity, permissions: None, allowed_connection_types: None }
}

fn account(name: &str, user_name: &str) -> AccountConfig {
    AccountConfig { name: name.into(), users: vec![user(user_name)], ..AccountConfig::default() }
}

fn monitor(port: u16) -> monitor_http::Config {
    let (host, base_path) = (Options::default().host, String::new());
    monitor_http::Config { scheme: Scheme::Http, host, port, base_path }
}

fn with_tls(options: &mut Options, change: fn(&mut tls_session::Policy)) {
    let mut tls = Tls::default();
    change(&mut tls.policy);
    options.tls = Some(tls);
}

fn changes(old: Make, new: Make) -> Result<Vec<String>, String> {
    let [old, new] = [old, new].map(|make| {
        let mut options = Options::default();
        make(&mut options);
        options
    });
    reload_changes(&old, &new).map_err(|refusal| refusal.to_string())
}

#[track_caller]
fn check_lines(table: &[(Make, Make, &[&str])]) {
    for (old, new, lines) in table {
        // The line on `client_advertise` begins otherwise, as in nats-server.
        let whole = |line: &&str| {
            if line.starts_with("Reload: ") { (*line).to_owned() } else { format!("Reloaded: {line}") }
        };
        let lines: Vec<String> = lines.iter().map(whole).collect();
        assert_eq!(changes(*old, *new), Ok(lines));
    }
}

#[test]
fn what_may_change_is_listed_as_nats_server_lists_it() {
    check_lines(&[
        (NOTHING, NOTHING, &[]),
        (NOTHING, |o| o.broker.limits.payload_bytes_max = 1000, &["max_payload = 1000"]),
        (NOTHING, |o| o.broker.limits.control_line_bytes_max = 2048, &["max_control_line = 2048"]),
        (NOTHING, |o| o.broker.max_connections = 10, &["max_connections = 10"]),
        (NOTHING, |o| o.broker.max_connections = -1, &["max_connections = -1"]),
        (NOTHING, |o| (o.log.debug, o.log.trace) = (true, true), &["trace = true", "debug = true"]),
        (NOTHING, |o| o.log.time = false, &["logtime = false"]),
        (NOTHING, |o| o.log.utc = true, &["logtime_utc = true"]),
        (NOTHING, |o| o.log.file = Some("x.log".into()), &["log_file = x.log"]),
        (NOTHING, |o| o.log.syslog = true, &["syslog = true"]),
        (NOTHING, |o| o.log.remote_syslog = Some("udp://h:1".into()), &["remote_syslog = udp://h:1"]),
        (NOTHING, |o| o.broker.ping_interval = Duration::from_secs(5), &["ping_interval = 5s"]),
        (NOTHING, |o| o.broker.ping_max = 7, &["ping_max = 7"]),
        (NOTHING, |o| o.broker.write_deadline = Duration::from_secs(3), &["write_deadline = 3s"]),
        (NOTHING, |o| o.broker.stall_publishers = false, &["fast producers will not be stalled"]),
        (|o| o.broker.stall_publishers = false, NOTHING, &["fast producers will be stalled"]),
        (NOTHING, |o| o.pid_file = Some("x.pid".into()), &["pid_file = x.pid"]),
        (NOTHING, |o| o.ports_file_dir = Some(".".into()), &["ports_file_dir = ."]),
        (NOTHING, |o| o.server_tags = vec!["a".into()], &["tags"]),
        (NOTHING, |o| drop(o.server_metadata.insert("a".into(), "b".into())), &["metadata"]),
    ]);
}

#[test]
fn changed_users_are_listed_as_nats_server_lists_them() {
    let permitted: Make = |o| {
        let publish = SubjectPermission { allow: vec!["x".into()], deny: Vec::new() };
        let permissions = Permissions { publish: Some(publish), ..Permissions::default() };
        o.auth.users = vec![User { permissions: Some(permissions), ..user("a") }];
    };
    let nkey: Make = |o| {
        o.auth.users = vec![User { identity: IdentityConfig::Nkey("U".into()), ..user("a") }];
    };
    let limited: Make = |o| {
        ACCOUNT(o);
        o.auth.accounts[0].limits.subscriptions = Some(3);
    };
    let both = &["authorization username", "authorization password"][..];
    check_lines(&[
        (NOTHING, SINGLE, both),
        (SINGLE, |o| o.auth.single_user = Some(("a".into(), "c".into())), &["authorization password"]),
        (TOKEN, |o| o.auth.token = Some("y".into()), &["authorization token"]),
        (NOTHING, |o| o.auth.timeout = Some(Duration::from_secs(3)), &["authorization timeout = 3"]),
        (USER, permitted, &["authorization users"]),
        (USER, nkey, &["authorization nkey users", "authorization users"]),
        (ACCOUNT, |o| o.auth.accounts = vec![account("A", "c")], &["authorization users"]),
        (NOTHING, ACCOUNT, &["authorization users", "accounts"]),
        (ACCOUNT, limited, &["accounts"]),
    ]);
}

#[test]
fn certificates_are_read_again_whenever_there_are_some() {
    check_lines(&[
        (NOTHING, TLS, &["tls = enabled"]),
        (TLS, TLS, &["tls = enabled"]),
        (TLS, NOTHING, &["tls = disabled"]),
        (
            TLS,
            |o| with_tls(o, |tls| tls.timeout = Duration::from_millis(500)),
            &["tls timeout = 0.5", "tls = enabled"],
        ),
        (TLS, |o| with_tls(o, |tls| tls.pinned_certs = vec![pin()]), &["tls = enabled", "1 pinned_certs"]),
        (
            TLS,
            |o| with_tls(o, |tls| tls.handshake_first = HandshakeFirst::Wait(Duration::from_millis(300))),
            &[
                "tls = enabled",
                "Client TLS handshake first: true",
                "Client TLS handshake first fallback delay: 300ms",
            ],
        ),
    ]);
}

fn pin() -> Pin {
    "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069".parse().expect("it is a pin")
}

#[test]
fn what_may_not_change_is_refused_as_nats_server_refuses_it() {
    let table: &[(Make, Make, &str)] = &[
        (NOTHING, |o| o.port = Port::Fixed(4555), "Port: old=4222, new=4555"),
        (NOTHING, |o| o.host = "::1".into(), "Host: old=0.0.0.0, new=::1"),
        (NOTHING, |o| o.server_name = Some("abc".into()), "ServerName: old=, new=abc"),
        (NOTHING, |o| o.broker.max_subscriptions = 5, "MaxSubs: old=0, new=5"),
        (NOTHING, |o| o.broker.max_sub_tokens = Some(5), "MaxSubTokens: old=0, new=5"),
        (NOTHING, |o| o.broker.max_pending = 10 << 20, "MaxPending: old=67108864, new=10485760"),
        (NOTHING, |o| o.broker.max_closed_clients = 4, "MaxClosedClients: old=10000, new=4"),
        (NOTHING, |o| o.log.size_limit = Some(1000), "LogSizeLimit: old=0, new=1000"),
        (NOTHING, |o| o.log.max_num = Some(3), "LogMaxFiles: old=0, new=3"),
        (NOTHING, MONITOR, "HTTPPort: old=0, new=8222"),
        (MONITOR, |o| o.monitor = Some(monitor(0)), "HTTPPort: old=8222, new=-1"),
        (
            MONITOR,
            |o| o.monitor = Some(monitor_http::Config { base_path: "/x".into(), ..monitor(8222) }),
            "HTTPBasePath: old=, new=/x",
        ),
        (NOTHING, |o| o.lame_duck.duration = Duration::from_secs(40), "LameDuckDuration: old=2m0s, new=40s"),
        (
            NOTHING,
            |o| o.lame_duck.grace_period = Duration::from_secs(5),
            "LameDuckGracePeriod: old=10s, new=5s",
        ),
        (TLS, |o| with_tls(o, |tls| tls.rate_limit = Some(5)), "TLSRateLimit: old=0, new=5"),
        (TLS, |o| with_tls(o, |tls| tls.allow_non_tls = true), "AllowNonTLS: old=false, new=true"),
        (NOTHING, |o| o.auth.verify_and_map = true, "TLSMap: old=false, new=true"),
        (NOTHING, |o| o.auth.system_account = Some("S".into()), "SystemAccount: old=, new=S"),
        (NOTHING, |o| o.auth.no_system_account = true, "NoSystemAccount: old=false, new=true"),
        (NOTHING, |o| o.broker.match_cache = false, "NoSublistCache: old=false, new=true"),
        (NOTHING, |o| o.broker.write_timeout = WriteTimeout::Retry, "WriteTimeout: old=, new=retry"),
    ];
    for (old, new, refusal) in table {
        assert_eq!(changes(*old, *new), Err(format!("config reload not supported for {refusal}")));
    }
}

#[test]
fn the_user_for_clients_without_credentials_may_only_go_with_its_name() {
    let stand_in: Make = |o| {
        ACCOUNT(o);
        o.auth.no_auth_user = Some("a".into());
    };
    let refused = |values| Err(format!("config reload not supported for NoAuthUser: {values}"));
    assert_eq!(changes(ACCOUNT, stand_in), refused("old=, new=a"));
    assert_eq!(changes(stand_in, ACCOUNT), refused("old=a, new="));
    check_lines(&[(stand_in, |o| o.auth.accounts = vec![account("A", "c")], &["authorization users"])]);
}

#[test]
fn a_random_port_stays_what_it_became() {
    check_lines(&[(|o| o.port = Port::Fixed(40_000), |o| o.port = Port::Random, &[])]);
}

#[test]
fn of_a_listener_for_websockets_only_the_certificates_may_change() {
    fn socket(change: impl FnOnce(&mut WebSocket)) -> Option<WebSocket> {
        let mut socket = WebSocket { port: Port::Fixed(8080), ..WebSocket::default() };
        change(&mut socket);
        Some(socket)
    }
    let refused = |values| Err(format!("config reload not supported for Websocket: {values}"));
    let there: Make = |o| o.websocket = socket(|_| ());
    let compressing: Make = |o| o.websocket = socket(|socket| socket.compression = true);
    let guarded: Make = |o| {
        o.websocket = socket(|_| ());
        let auth = nats_auth::ListenerAuth { token: Some("x".into()), ..Default::default() };
        o.auth.websocket = Some(auth);
    };
    let secured: Make = |o| o.websocket = socket(|socket| socket.tls = Some(Tls::default()));
    assert_eq!(changes(NOTHING, there), refused("old=none, new=0.0.0.0:8080"));
    assert_eq!(changes(there, compressing), refused("old=0.0.0.0:8080, new=0.0.0.0:8080"));
    assert_eq!(changes(there, guarded), refused("old=0.0.0.0:8080, new=0.0.0.0:8080"));
    check_lines(&[(there, there, &[]), (secured, secured, &[]), (secured, there, &[])]);
}

/// A new option needs a row, or a reason to have none.
#[test]
fn every_option_is_compared() {
    let Options {
        // Where the options come from.
        config: _,
        host: _,
        port: _,
        // No file and no flag says it.
        dont_listen: _,
        client_advertise: _,
        server_name: _,
        server_tags: _,
        server_metadata: _,
        feature_flags: _,
        headers: _,
        pid_file: _,
        ports_file_dir: _,
        log: _,
        broker: _,
        lame_duck: _,
        auth: _,
        // Only a start warns of it.
        idle_password: _,
        tls: _,
        monitor: _,
        console: _,
        websocket: _,
        http_api: _,
        one_port: _,
        cluster_name: _,
        cluster: _,
        leaf_nodes: _,
        dial_reports: _,
        store_dir: _,
        jetstream: _,
        shards: _,
        runtime: _,
    } = Options::default();
}

#[test]
fn our_own_options_may_not_change() {
    let refusal = |new| changes(NOTHING, new).expect_err("it is refused");
    let shards: Make = |options| options.shards = Some(2);
    assert_eq!(refusal(shards), "config reload not supported for shards: old=0, new=2");
    let io: Make = |options| options.runtime.io = shard_runtime::BackendChoice::Epoll;
    assert_eq!(refusal(io), "config reload not supported for io: old=auto, new=epoll");
    let colocate: Make = |options| options.broker.colocate = true;
    assert_eq!(refusal(colocate), "config reload not supported for colocate: old=false, new=true");
    let ktls: Make = |options| options.runtime.ktls = true;
    assert_eq!(refusal(ktls), "config reload not supported for ktls: old=false, new=true");
    let console: Make = |options| options.console.title = "a".into();
    let shown =
        |title| format!("enabled true, history 10m0s, title \"{title}\", read_only false, messages true");
    let said = format!("config reload not supported for console: old={}, new={}", shown(""), shown("a"));
    assert_eq!(refusal(console), said);
    let busy_poll: Make = |options| options.runtime.busy_poll = Some(Duration::from_micros(50));
    assert_eq!(refusal(busy_poll), "config reload not supported for busy_poll: old=auto, new=50\u{b5}s");
}

#[test]
fn what_clients_are_told_to_connect_to_may_change() {
    let advertised: Make = |options| {
        let host = "a".to_owned();
        options.client_advertise = Some(crate::advertised::Advertised { host, port: Some(5) });
    };
    check_lines(&[(NOTHING, advertised, &["Reload: client_advertise = a:5"])]);
}

#[test]
fn a_cluster_may_not_change_where_it_listens_nor_what_is_not_followed_yet() {
    fn routes(change: fn(&mut ClusterOptions), options: &mut Options) {
        let mut cluster = ClusterOptions { port: Port::Fixed(6222), ..ClusterOptions::default() };
        change(&mut cluster);
        options.cluster = Some(cluster);
    }
    let plain: Make = |options| routes(|_| {}, options);
    let refused = |text: &str| Err(format!("config reload not supported for {text}"));
    assert_eq!(changes(plain, plain), Ok(vec![]));
    assert_eq!(changes(NOTHING, plain), refused("cluster host: old=, new=0.0.0.0"));
    let host: Make = |options| routes(|cluster| cluster.host = "a".into(), options);
    assert_eq!(changes(plain, host), refused("cluster host: old=0.0.0.0, new=a"));
    let port: Make = |options| routes(|cluster| cluster.port = Port::Fixed(6223), options);
    assert_eq!(changes(plain, port), refused("cluster port: old=6222, new=6223"));
    let random: Make = |options| routes(|cluster| cluster.port = Port::Random, options);
    assert_eq!(changes(plain, random), Ok(vec![]));
    let user: Make = |options| routes(|cluster| cluster.user = Some(("a".into(), "b".into())), options);
    assert_eq!(changes(plain, user), Ok(vec!["Reloaded: cluster".to_owned()]));
    let dialed: Make = |options| {
        routes(
            |cluster| cluster.routes = vec![PeerUrl::read("route", "nats://a:1").expect("it is one")],
            options,
        );
    };
    assert_eq!(changes(plain, dialed), Ok(vec!["Reloaded: cluster routes".to_owned()]));
    let advertised: Make = |options| routes(|cluster| cluster.no_advertise = true, options);
    assert_eq!(changes(plain, advertised), refused("cluster no_advertise"));
    let named: Make = |options| options.cluster_name = Some("C".into());
    assert_eq!(changes(NOTHING, named), refused("cluster name"));
}

#[test]
fn hubs_may_come_and_go_where_there_are_leaf_nodes() {
    fn remotes(urls: &[&str], options: &mut Options) {
        let remote = |url: &&str| LeafRemote {
            urls: vec![PeerUrl::read("leafnode", url).expect("it is one")],
            ..LeafRemote::default()
        };
        options.leaf_nodes.remotes = urls.iter().map(remote).collect();
    }
    let (one, other): (Make, Make) =
        (|options| remotes(&["nats://a:1"], options), |options| remotes(&["nats://b:1"], options));
    let lines = ["removed", "added"].iter().zip(["a", "b"]);
    let lines = lines.map(|(what, host)| {
        format!("Reloaded: LeafNode Remote urls=[\"nats://{host}:1\"], account=\"$G\" {what}")
    });
    assert_eq!(changes(one, other), Ok(lines.collect()));
    let refused = Err("config reload not supported for LeafNode".to_owned());
    assert_eq!(changes(NOTHING, one), refused.clone());
    let listening: Make = |options| options.leaf_nodes.listener = Some(LeafListener::default());
    assert_eq!(changes(one, listening), refused);
}
