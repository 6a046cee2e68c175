//! What a reload compares of options, and how it shows what it compares.

use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use monitor_http::Scheme;
use nats_auth::{AUTH_TIMEOUT, IdentityConfig, User};
use nats_proto::{GoDuration, quote};
use tls_session::HandshakeFirst;

use crate::config::leaf_remotes::shown;
use crate::http_api::OnePort;
use crate::leaf_nodes::{LeafNodeOptions, LeafRemote};
use crate::options::{Options, Port};
use crate::reload::rule::{NotReloadable, Outcome, Rule, fixed, live};
use crate::tls::Tls;
use crate::websocket::WebSocket;

/// Of `accounts`, and of the users of `authorization`.
pub(crate) const ACCOUNTS: Rule = Rule::All(&[
    Rule::By(|old, new| live(&users(old, true), &users(new, true), |_| "authorization nkey users".into())),
    Rule::By(|old, new| live(&users(old, false), &users(new, false), |_| "authorization users".into())),
    Rule::By(accounts),
]);

/// Of the keys in the block `tls`.
pub(crate) const TLS: Rule = Rule::All(&[
    Rule::Live("tls timeout", |options| seconds(policy(options).timeout)),
    Rule::Fixed("TLSMap", |options| options.auth.verify_and_map.to_string()),
    Rule::By(tls),
    Rule::By(|old, new| {
        live(&policy(old).pinned_certs, &policy(new).pinned_certs, |pins| {
            format!("{} pinned_certs", pins.len())
        })
    }),
    Rule::Fixed("TLSRateLimit", |options| max(policy(options).rate_limit)),
    Rule::By(|old, new| {
        let first = |options: &Options| policy(options).handshake_first != HandshakeFirst::Never;
        live(&first(old), &first(new), |on| format!("Client TLS handshake first: {on}"))
    }),
    Rule::By(|old, new| {
        let delay = |options: &Options| match policy(options).handshake_first {
            HandshakeFirst::Wait(delay) => delay,
            HandshakeFirst::Never | HandshakeFirst::Always => Duration::ZERO,
        };
        let line = |delay: &Duration| {
            format!("Client TLS handshake first fallback delay: {}", GoDuration::of(*delay))
        };
        live(&delay(old), &delay(new), line)
    }),
]);

pub(crate) fn port(old: &Options, new: &Options) -> Outcome {
    let shown = |port| match port {
        Port::Fixed(port) => port.to_string(),
        Port::Random => "-1".into(),
    };
    if new.port == Port::Random { Outcome::Same } else { fixed("Port", shown(old.port), shown(new.port)) }
}

pub(crate) fn client_advertise(old: &Options, new: &Options) -> Outcome {
    if old.client_advertise == new.client_advertise {
        return Outcome::Same;
    }
    let shown = new.client_advertise.as_ref().map(|address| match address.port {
        Some(port) => format!("{}:{port}", address.host),
        None => address.host.clone(),
    });
    Outcome::Advertised(format!("client_advertise = {}", shown.unwrap_or_default()))
}

/// What else there is of accounts, their users aside.
fn accounts(old: &Options, new: &Options) -> Outcome {
    let others = |options: &Options| {
        let mut accounts = options.auth.accounts.clone();
        accounts.iter_mut().for_each(|account| account.users.clear());
        (accounts, options.auth.mappings.clone())
    };
    live(&others(old), &others(new), |_| "accounts".into())
}

/// Users with or without an nkey, with their accounts, and what else decides what they may do.
fn users(options: &Options, with_nkey: bool) -> impl PartialEq {
    let auth = &options.auth;
    let accounts =
        auth.accounts.iter().flat_map(|account| account.users.iter().map(|user| (&*account.name, user)));
    let users = auth.users.iter().map(|user| ("", user)).chain(accounts);
    let of_kind = users.filter(|(_, user)| matches!(user.identity, IdentityConfig::Nkey(_)) == with_nkey);
    let of_kind: Vec<(String, User)> =
        of_kind.map(|(account, user)| (account.to_owned(), user.clone())).collect();
    let common =
        (!with_nkey).then(|| (auth.default_permissions.clone(), auth.has_authorization, auth.always_nonce));
    (of_kind, common)
}

/// It may only go, together with its user.
pub(crate) fn no_auth_user(old: &Options, new: &Options) -> Outcome {
    let (was, is) = (text_shown(&old.auth.no_auth_user), text_shown(&new.auth.no_auth_user));
    let is_user =
        |user: &User| matches!(&user.identity, IdentityConfig::Password { user, .. } if *user == was);
    let mut users = new.auth.users.iter().chain(new.auth.accounts.iter().flat_map(|account| &account.users));
    if is.is_empty() && !users.any(is_user) { Outcome::Same } else { fixed("NoAuthUser", was, is) }
}

/// The files are read again whenever there are some, for they may have changed.
fn tls(old: &Options, new: &Options) -> Outcome {
    match (&old.tls, &new.tls) {
        (None, None) => Outcome::Same,
        (_, Some(_)) => Outcome::Changed("tls = enabled".into()),
        (Some(_), None) => Outcome::Changed("tls = disabled".into()),
    }
}

/// The policy for TLS; the default one where there is no TLS.
pub(crate) fn policy(options: &Options) -> tls_session::Policy {
    options.tls.as_ref().map_or_else(|| Tls::default().policy, |tls| tls.policy.clone())
}

/// The files are read again; nothing else may change.
pub(crate) fn websocket(old: &Options, new: &Options) -> Outcome {
    let fixed_part = |options: &Options| {
        let without_files = |socket: &WebSocket| WebSocket { tls: None, ..socket.clone() };
        (options.websocket.as_ref().map(without_files), options.auth.websocket.clone())
    };
    if fixed_part(old) == fixed_part(new) {
        return Outcome::Same;
    }
    let shown = |options: &Options| match &options.websocket {
        None => "none".to_owned(),
        Some(WebSocket { host, port: Port::Fixed(port), .. }) => format!("{host}:{port}"),
        Some(WebSocket { host, port: Port::Random, .. }) => format!("{host}:-1"),
    };
    Outcome::Refused(NotReloadable::changed("Websocket", &shown(old), &shown(new)))
}

/// Nothing of it may change; a port that was picked stays what it became.
pub(crate) fn http_api(old: &Options, new: &Options) -> Outcome {
    if old.http_api == new.http_api {
        return Outcome::Same;
    }
    let shown = |options: &Options| match &options.http_api {
        None => "none".to_owned(),
        Some(api) => format!("{}:{}", api.host, api.port.map_or(0, Port::number)),
    };
    Outcome::Refused(NotReloadable::changed("http_api", &shown(old), &shown(new)))
}

/// What is shown of a port that takes all.
pub(crate) fn one_port(options: &Options) -> String {
    match &options.one_port {
        None => "none".to_owned(),
        Some(OnePort { place: None, wait }) => format!("that of clients, after {}", GoDuration::of(*wait)),
        Some(OnePort { place: Some((host, port)), wait }) => {
            format!("{host}:{}, after {}", port.number(), GoDuration::of(*wait))
        }
    }
}

/// Of `leafnodes` hubs may come and go, where there was anything at the start.
pub(crate) fn leaf_nodes(old: &Options, new: &Options) -> Outcome {
    let (old, new) = (&old.leaf_nodes, &new.leaf_nodes);
    let beside = |options: &LeafNodeOptions| LeafNodeOptions { remotes: Vec::new(), ..options.clone() };
    if old == new {
        return Outcome::Same;
    }
    if beside(old) != beside(new) || !old.has_any() {
        return Outcome::Refused(NotReloadable::to("LeafNode"));
    }
    let line = |what: &str, remote: &LeafRemote| format!("LeafNode Remote {} {what}", shown(remote));
    let without = |some: &LeafNodeOptions, others: &LeafNodeOptions| -> Vec<LeafRemote> {
        some.remotes.iter().filter(|remote| !others.remotes.contains(remote)).cloned().collect()
    };
    let removed = without(old, new).into_iter().map(|remote| line("removed", &remote));
    Outcome::AllChanged(removed.chain(without(new, old).iter().map(|remote| line("added", remote))).collect())
}

pub(crate) fn single_user(old: &Options, new: &Options) -> Outcome {
    let name = |options: &Options| options.auth.single_user.as_ref().map(|(user, _)| user.clone());
    live(&name(old), &name(new), |_| "authorization username".into())
}

pub(crate) fn single_password(old: &Options, new: &Options) -> Outcome {
    let password =
        |options: &Options| options.auth.single_user.as_ref().map(|(_, password)| password.clone());
    live(&password(old), &password(new), |_| "authorization password".into())
}

pub(crate) fn token(old: &Options, new: &Options) -> Outcome {
    live(&old.auth.token, &new.auth.token, |_| "authorization token".into())
}

pub(crate) fn auth_timeout(options: &Options) -> String {
    seconds(options.auth.timeout.unwrap_or(AUTH_TIMEOUT))
}

pub(crate) fn stall_publishers(old: &Options, new: &Options) -> Outcome {
    live(&old.broker.stall_publishers, &new.broker.stall_publishers, |on| {
        format!("fast producers will {}be stalled", if *on { "" } else { "not " })
    })
}

pub(crate) fn server_tags(old: &Options, new: &Options) -> Outcome {
    live(&old.server_tags, &new.server_tags, |_| "tags".into())
}

pub(crate) fn server_metadata(old: &Options, new: &Options) -> Outcome {
    live(&old.server_metadata, &new.server_metadata, |_| "metadata".into())
}

/// As Go shows a map.
pub(crate) fn feature_flags(options: &Options) -> String {
    let flags: Vec<_> = options.feature_flags.iter().map(|(flag, on)| format!("{flag}:{on}")).collect();
    format!("map[{}]", flags.join(" "))
}

pub(crate) fn monitor_host(options: &Options) -> String {
    options.monitor.as_ref().map_or(&options.host, |monitor| &monitor.host).clone()
}

pub(crate) fn monitor_path(options: &Options) -> String {
    options.monitor.as_ref().map_or_else(String::new, |monitor| monitor.base_path.clone())
}

/// The port as nats-server shows it: 0 is none, -1 a random one.
pub(crate) fn monitor_port(options: &Options, scheme: Scheme) -> String {
    match options.monitor.as_ref().filter(|monitor| monitor.scheme == scheme).map(|monitor| monitor.port) {
        None => "0".into(),
        Some(0) => "-1".into(),
        Some(port) => port.to_string(),
    }
}

pub(crate) fn max_payload(options: &Options) -> String {
    options.broker.payload_max().map_or("-1".into(), |bytes| bytes.to_string())
}

pub(crate) fn console(options: &Options) -> String {
    let console::Config { enabled, history, title, read_only, messages } = &options.console;
    let (history, title) = (GoDuration::of(*history), quote(title));
    format!("enabled {enabled}, history {history}, title {title}, read_only {read_only}, messages {messages}")
}

pub(crate) fn busy_poll(options: &Options) -> String {
    options.runtime.busy_poll.map_or("auto".into(), |time| GoDuration::of(time).to_string())
}

/// A word of an enum as it is written.
pub(crate) fn word(value: impl Debug) -> String {
    format!("{value:?}").to_lowercase()
}

pub(crate) fn text_shown(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

pub(crate) fn path_shown(value: &Option<PathBuf>) -> String {
    value.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
}

/// A limit as nats-server shows it: 0 is none.
pub(crate) fn max(value: Option<impl TryInto<u64>>) -> String {
    value.and_then(|max| max.try_into().ok()).unwrap_or(0).to_string()
}

/// A time as nats-server shows it where it counts in seconds.
fn seconds(time: Duration) -> String {
    time.as_secs_f64().to_string()
}
