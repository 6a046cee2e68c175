//! What a new configuration changes in a running server: the pure half of a reload.
//!
//! One table has a row per option, in nats-server's order: how to compare it, and either the line to log
//! when it changed, or nats-server's name for it when it may not change. Which options may change is
//! what nats-server 2.14.5 answered when it was asked.

use std::fmt::Display;
use std::time::Duration;

use monitor_http::Scheme;
use nats_auth::{AUTH_TIMEOUT, IdentityConfig, User};
use tls_session::HandshakeFirst;

use crate::go_duration::Shown;
use crate::options::{Options, Port};
use crate::tls::Tls;

/// A change that needs a new server. The text is nats-server's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("config reload not supported for {option}: old={old}, new={new}")]
pub struct NotReloadable {
    /// nats-server's name for the option.
    pub option: &'static str,
    /// The value in force.
    pub old: String,
    /// The value that was asked for.
    pub new: String,
}

/// Compares options with those in force: a line for the log per change. Certificates are always read anew, so with TLS there always is one.
///
/// The ports in force are to be the ones that were found: asking for a random one changes nothing.
///
/// # Errors
/// The first option that changed and may not.
pub fn reload_changes(old: &Options, new: &Options) -> Result<Vec<String>, NotReloadable> {
    let mut lines = Vec::new();
    for row in TABLE {
        match row(old, new) {
            Outcome::Same => {}
            Outcome::Changed(line) => lines.push(format!("Reloaded: {line}")),
            Outcome::Advertised(line) => lines.push(format!("Reload: {line}")),
            Outcome::Refused(refusal) => return Err(refusal),
        }
    }
    Ok(lines)
}

/// What became of an option.
enum Outcome {
    Same,
    /// With the line to log.
    Changed(String),
    /// The same for the one line that nats-server begins otherwise.
    Advertised(String),
    Refused(NotReloadable),
}

const TABLE: &[fn(&Options, &Options) -> Outcome] = &[
    |old, new| fixed("ServerName", text(&old.server_name), text(&new.server_name)),
    |old, new| fixed("Host", &old.host, &new.host),
    port,
    client_advertise,
    |old, new| live(&old.log.trace, &new.log.trace, |on| format!("trace = {on}")),
    |old, new| {
        live(&old.broker.trace_headers, &new.broker.trace_headers, |on| format!("trace_headers = {on}"))
    },
    |old, new| live(&old.log.debug, &new.log.debug, |on| format!("debug = {on}")),
    |old, new| live(&old.log.time, &new.log.time, |on| format!("logtime = {on}")),
    |old, new| live(&old.log.utc, &new.log.utc, |on| format!("logtime_utc = {on}")),
    |old, new| fixed("NoSublistCache", !old.broker.match_cache, !new.broker.match_cache),
    |old, new| fixed("NoHeaderSupport", !old.headers, !new.headers),
    |old, new| {
        live(&old.broker.max_connections, &new.broker.max_connections, |max| {
            format!("max_connections = {max}")
        })
    },
    |old, new| fixed("MaxSubs", old.broker.max_subscriptions, new.broker.max_subscriptions),
    |old, new| fixed("MaxSubTokens", max(old.broker.max_sub_tokens), max(new.broker.max_sub_tokens)),
    |old, new| live(&users(old, true), &users(new, true), |_| "authorization nkey users".into()),
    |old, new| live(&users(old, false), &users(new, false), |_| "authorization users".into()),
    accounts,
    no_auth_user,
    |old, new| fixed("SystemAccount", text(&old.auth.system_account), text(&new.auth.system_account)),
    |old, new| fixed("NoSystemAccount", old.auth.no_system_account, new.auth.no_system_account),
    |old, new| {
        let name = |options: &Options| options.auth.single_user.as_ref().map(|(user, _)| user.clone());
        live(&name(old), &name(new), |_| "authorization username".into())
    },
    |old, new| {
        let password =
            |options: &Options| options.auth.single_user.as_ref().map(|(_, password)| password.clone());
        live(&password(old), &password(new), |_| "authorization password".into())
    },
    |old, new| live(&old.auth.token, &new.auth.token, |_| "authorization token".into()),
    |old, new| {
        live(&old.broker.ping_interval, &new.broker.ping_interval, |time| {
            format!("ping_interval = {}", Shown(*time))
        })
    },
    |old, new| live(&old.broker.ping_max, &new.broker.ping_max, |max| format!("ping_max = {max}")),
    |old, new| fixed("HTTPHost", monitor_host(old), monitor_host(new)),
    |old, new| fixed("HTTPPort", monitor_port(old, Scheme::Http), monitor_port(new, Scheme::Http)),
    |old, new| fixed("HTTPBasePath", monitor_path(old), monitor_path(new)),
    |old, new| fixed("HTTPSPort", monitor_port(old, Scheme::Https), monitor_port(new, Scheme::Https)),
    |old, new| {
        let timeout = |options: &Options| seconds(options.auth.timeout.unwrap_or(AUTH_TIMEOUT));
        live(&timeout(old), &timeout(new), |time| format!("authorization timeout = {time}"))
    },
    |old, new| {
        let bytes = |options: &Options| options.broker.limits.control_line_bytes_max;
        live(&bytes(old), &bytes(new), |bytes| format!("max_control_line = {bytes}"))
    },
    |old, new| {
        let shown = |max: &Option<usize>| max.map_or("-1".into(), |bytes| bytes.to_string());
        live(&old.broker.payload_max(), &new.broker.payload_max(), |max| {
            format!("max_payload = {}", shown(max))
        })
    },
    |old, new| fixed("MaxPending", old.broker.max_pending, new.broker.max_pending),
    |old, new| {
        live(&old.broker.stall_publishers, &new.broker.stall_publishers, |on| {
            format!("fast producers will {}be stalled", if *on { "" } else { "not " })
        })
    },
    |old, new| live(&path(&old.pid_file), &path(&new.pid_file), |file| format!("pid_file = {file}")),
    |old, new| {
        let directory = |options: &Options| path(&options.ports_file_dir);
        live(&directory(old), &directory(new), |directory| format!("ports_file_dir = {directory}"))
    },
    |old, new| live(&path(&old.log.file), &path(&new.log.file), |file| format!("log_file = {file}")),
    |old, new| fixed("LogSizeLimit", max(old.log.size_limit), max(new.log.size_limit)),
    |old, new| fixed("LogMaxFiles", max(old.log.max_num), max(new.log.max_num)),
    |old, new| live(&old.log.syslog, &new.log.syslog, |on| format!("syslog = {on}")),
    |old, new| {
        let address = |options: &Options| text(&options.log.remote_syslog).to_owned();
        live(&address(old), &address(new), |address| format!("remote_syslog = {address}"))
    },
    |old, new| {
        live(&policy(old).timeout, &policy(new).timeout, |time| format!("tls timeout = {}", seconds(*time)))
    },
    |old, new| fixed("TLSMap", old.auth.verify_and_map, new.auth.verify_and_map),
    tls,
    |old, new| {
        live(&policy(old).pinned_certs, &policy(new).pinned_certs, |pins| {
            format!("{} pinned_certs", pins.len())
        })
    },
    |old, new| fixed("TLSRateLimit", max(policy(old).rate_limit), max(policy(new).rate_limit)),
    |old, new| {
        let first = |options: &Options| policy(options).handshake_first != HandshakeFirst::Never;
        live(&first(old), &first(new), |on| format!("Client TLS handshake first: {on}"))
    },
    |old, new| {
        let delay = |options: &Options| match policy(options).handshake_first {
            HandshakeFirst::Wait(delay) => delay,
            HandshakeFirst::Never | HandshakeFirst::Always => Duration::ZERO,
        };
        let line = |delay: &Duration| format!("Client TLS handshake first fallback delay: {}", Shown(*delay));
        live(&delay(old), &delay(new), line)
    },
    |old, new| fixed("AllowNonTLS", policy(old).allow_non_tls, policy(new).allow_non_tls),
    |old, new| {
        let deadline = |options: &Options| options.broker.write_deadline;
        live(&deadline(old), &deadline(new), |time| format!("write_deadline = {}", Shown(*time)))
    },
    |old, new| {
        let policy = |options: &Options| options.broker.write_timeout.as_str();
        fixed("WriteTimeout", policy(old), policy(new))
    },
    |old, new| fixed("MaxClosedClients", old.broker.max_closed_clients, new.broker.max_closed_clients),
    |old, new| {
        let duration = |options: &Options| Shown(options.lame_duck.duration);
        fixed("LameDuckDuration", duration(old), duration(new))
    },
    |old, new| {
        let period = |options: &Options| Shown(options.lame_duck.grace_period);
        fixed("LameDuckGracePeriod", period(old), period(new))
    },
    |old, new| {
        let line = |max: &usize| format!("max_traced_msg_len = {max}");
        live(&old.broker.max_traced_msg_len, &new.broker.max_traced_msg_len, line)
    },
    |old, new| live(&old.server_tags, &new.server_tags, |_| "tags".into()),
    |old, new| live(&old.server_metadata, &new.server_metadata, |_| "metadata".into()),
    // Ours: shards are what they are when they start.
    |old, new| fixed("shards", max(old.shards), max(new.shards)),
    |old, new| fixed("placement", debug(&old.broker.placement), debug(&new.broker.placement)),
    |old, new| fixed("route", old.broker.route, new.broker.route),
    |old, new| fixed("ktls", old.runtime.ktls, new.runtime.ktls),
    |old, new| fixed("io", debug(&old.runtime.io), debug(&new.runtime.io)),
    |old, new| {
        let time = |options: &Options| {
            options.runtime.busy_poll.map_or("auto".into(), |time| Shown(time).to_string())
        };
        fixed("busy_poll", time(old), time(new))
    },
];

/// An option that may change.
fn live<T: PartialEq>(old: &T, new: &T, line: impl FnOnce(&T) -> String) -> Outcome {
    if old == new { Outcome::Same } else { Outcome::Changed(line(new)) }
}

/// An option that may not change.
fn fixed(option: &'static str, old: impl Display, new: impl Display) -> Outcome {
    let (old, new) = (old.to_string(), new.to_string());
    if old == new { Outcome::Same } else { Outcome::Refused(NotReloadable { option, old, new }) }
}

fn port(old: &Options, new: &Options) -> Outcome {
    let shown = |port| match port {
        Port::Fixed(port) => i32::from(port),
        Port::Random => -1,
    };
    if new.port == Port::Random { Outcome::Same } else { fixed("Port", shown(old.port), shown(new.port)) }
}

fn client_advertise(old: &Options, new: &Options) -> Outcome {
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
fn no_auth_user(old: &Options, new: &Options) -> Outcome {
    let (was, is) = (text(&old.auth.no_auth_user), text(&new.auth.no_auth_user));
    let is_user =
        |user: &User| matches!(&user.identity, IdentityConfig::Password { user, .. } if user == was);
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
fn policy(options: &Options) -> tls_session::Policy {
    options.tls.as_ref().map_or_else(|| Tls::default().policy, |tls| tls.policy.clone())
}

fn monitor_host(options: &Options) -> &str {
    options.monitor.as_ref().map_or(&options.host, |monitor| &monitor.host)
}

fn monitor_path(options: &Options) -> &str {
    options.monitor.as_ref().map_or("", |monitor| &monitor.base_path)
}

/// The port as nats-server shows it: 0 is none, -1 a random one.
fn monitor_port(options: &Options, scheme: Scheme) -> i32 {
    match options.monitor.as_ref().filter(|monitor| monitor.scheme == scheme).map(|monitor| monitor.port) {
        None => 0,
        Some(0) => -1,
        Some(port) => i32::from(port),
    }
}

fn debug(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or_default()
}

fn path(value: &Option<std::path::PathBuf>) -> String {
    value.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
}

/// A limit as nats-server shows it: 0 is none.
fn max(value: Option<impl TryInto<u64>>) -> u64 {
    value.and_then(|max| max.try_into().ok()).unwrap_or(0)
}

/// A time as nats-server shows it where it counts in seconds.
fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

#[cfg(test)]
mod tests;
