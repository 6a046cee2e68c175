//! What waits until the configuration file and all flags have been seen: options that depend on several
//! of them, and what does not go together.

use std::path::PathBuf;

use monitor_http::Scheme;
use nats_auth::{ListenerAuth, SYSTEM_ACCOUNT};
use nats_proto::{GoDuration, quote};
use tls_session::{HandshakeFirst, Policy};
use ws_frame::Origin;

use crate::advertised::Advertised;
use crate::draft::{Draft, MonitorDraft, TlsFlags, WebSocketDraft};
use crate::error::OptionsError;
use crate::options::{Options, Port};
use crate::settle_cluster::{Settled, jetstream_elsewhere};
use crate::tls::{AUTH_TIMEOUT_AFTER_TLS, CertificateFiles, Tls};
use crate::websocket::WebSocket;

impl Draft {
    /// Settles what depends on several options, and checks what they mean together, in nats-server's
    /// order.
    pub(crate) fn finish(mut self) -> Result<Options, OptionsError> {
        self.cluster.take_flags()?;
        self.settle_tls()?;
        self.settle_log();
        self.settle_users();
        let mut options = self.options;
        options.cluster_name = self.cluster.name.take();
        check(&options)?;
        let leaf_nodes = self.leaf_nodes.settle(&options)?;
        let cluster = self.cluster.settle(&options)?;
        if let Some(port) = port(self.port, &options.host)? {
            options.port = port;
        }
        options.monitor = self.monitor.settle(&options)?;
        if self.has_console && options.console.enabled && options.monitor.is_none() {
            return Err(OptionsError::ConsoleWithoutMonitoring);
        }
        options.client_advertise = self.client_advertise.map(advertised).transpose()?;
        options.leaf_nodes = leaf_nodes.listening()?;
        let listener = options.leaf_nodes.listener.as_ref();
        options.auth.leaf_nodes = listener.map(|listener| listener.authorization.clone()).unwrap_or_default();
        options.cluster = cluster.map(Settled::listening).transpose()?;
        options.auth.jetstream_elsewhere = jetstream_elsewhere(&options);
        if let Some((socket, auth)) = self.websocket.settle(&options)? {
            (options.websocket, options.auth.websocket) = (Some(socket), Some(auth));
        }
        options.one_port = self.one_port.settle(&options)?;
        options.http_api = self.http_api.settle(options.one_port.is_some())?;
        Ok(options)
    }

    fn settle_tls(&mut self) -> Result<(), OptionsError> {
        if self.tls_flags.on == Some(false) {
            self.options.tls = None;
        } else if self.tls_flags.any() {
            let before = self.options.tls.take().map(|tls| tls.policy);
            self.options.tls = Some(std::mem::take(&mut self.tls_flags).tls(before.unwrap_or_default())?);
        }
        if let Some(tls) = &mut self.options.tls {
            tls.policy.allow_non_tls = self.allow_non_tls;
            tls.policy.hand_over = self.options.runtime.ktls;
            let patience = tls.policy.timeout + AUTH_TIMEOUT_AFTER_TLS;
            self.options.auth.timeout.get_or_insert(patience);
        } else {
            self.options.auth.verify_and_map = false;
        }
        Ok(())
    }

    /// A verbose trace also has the messages of the system account. There are none.
    fn settle_log(&mut self) {
        let (flags, log) = (&self.log_flags, &mut self.options.log);
        for on in [flags.debug_and_trace, flags.debug_and_verbose_trace].into_iter().flatten() {
            (log.debug, log.trace) = (on, on);
        }
        log.trace = flags.verbose_trace.unwrap_or(log.trace);
    }

    fn settle_users(&mut self) {
        let credentials = std::mem::take(&mut self.credentials);
        let has_password = !credentials.password.is_empty() && !credentials.password.is_hash();
        self.options.idle_password = credentials.user.is_empty() && has_password;
        let auth = &mut self.options.auth;
        auth.single_user =
            Some((credentials.user, credentials.password)).filter(|(user, _)| !user.is_empty());
        auth.token = Some(credentials.token).filter(|token| !token.is_empty());
    }
}

impl TlsFlags {
    fn any(&self) -> bool {
        let files = [&self.certificate, &self.key, &self.ca_file];
        self.on.is_some() || self.verify.is_some() || files.iter().any(|file| file.is_some())
    }

    /// TLS as the flags want it; `before` is what the file says.
    fn tls(self, before: Policy) -> Result<Tls, OptionsError> {
        let named = |file: Option<PathBuf>| file.filter(|file| !file.as_os_str().is_empty());
        let certificate = named(self.certificate).ok_or(OptionsError::NoTlsCertificate)?;
        let key = named(self.key).ok_or(OptionsError::NoTlsKey)?;
        let plain = Policy::default();
        let policy = Policy {
            verify: self.verify.unwrap_or(false),
            min_version: plain.min_version,
            cipher_suites: plain.cipher_suites,
            curves: plain.curves,
            ..before
        };
        Ok(Tls {
            certificates: vec![CertificateFiles { certificate, key }],
            ca_file: named(self.ca_file),
            policy,
        })
    }
}

impl MonitorDraft {
    fn settle(self, options: &Options) -> Result<Option<monitor_http::Config>, OptionsError> {
        let (scheme, port) = match (self.http_port, self.https_port) {
            (0, 0) => return Ok(None),
            (http, 0) => (Scheme::Http, http),
            (0, _) if options.tls.is_none() => return Err(OptionsError::HttpsWithoutTls),
            (0, https) => (Scheme::Https, https),
            (http, https) => return Err(OptionsError::HttpAndHttps { http, https }),
        };
        let port = match port {
            -1 => 0,
            port => u16::try_from(port).map_err(|_| OptionsError::MonitorPortOutOfRange(port))?,
        };
        let host = if self.host.is_empty() { options.host.clone() } else { self.host };
        Ok(Some(monitor_http::Config { scheme, host, port, base_path: self.base_path }))
    }
}

impl WebSocketDraft {
    /// What is asked for; nothing without a port, whatever else there is. What is wrong comes out in nats-server's
    /// order.
    fn settle(self, options: &Options) -> Result<Option<(WebSocket, ListenerAuth)>, OptionsError> {
        let port = match self.port {
            0 => return Ok(None),
            -1 => Port::Random,
            number => match u16::try_from(number) {
                Ok(port) => Port::Fixed(port),
                Err(_) => {
                    return refused(format!(
                        "Unable to listen for websocket connections: listen tcp: address {number}: invalid port"
                    ));
                }
            },
        };
        let mut socket = self.options;
        if socket.tls.is_none() && !socket.no_tls {
            return refused("websocket requires TLS configuration".into());
        }
        for text in &socket.origins {
            match Origin::allowed(text) {
                Ok(origin) => socket.allowed_origins.push(origin),
                Err(error) => return refused(error.to_string()),
            }
        }
        check_no_auth_user(&options.auth, self.auth.no_auth_user.as_ref())?;
        check_auth(&options.auth, &self.auth)?;
        if let Some(name) = &socket.cookies.jwt {
            return refused(format!(
                "trusted operators or trusted keys configuration is required for JWT authentication via cookie {}",
                quote(name)
            ));
        }
        for (name, value) in self.headers {
            check_header(&name)?;
            socket.headers.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.host.is_empty() {
            socket.host = self.host;
        }
        socket.port = port;
        socket.advertise = self.advertise.map(websocket_advertise).transpose()?;
        if let Some(tls) = &mut socket.tls {
            tls.policy.handshake_first = HandshakeFirst::Always;
            tls.policy.hand_over = options.runtime.ktls;
            tls.policy.timeout = socket.handshake_timeout.unwrap_or(tls.policy.timeout);
        }
        Ok(Some((socket, self.auth)))
    }
}

fn refused<T>(reason: String) -> Result<T, OptionsError> {
    Err(OptionsError::WebSocket(reason))
}

/// One user or token for all does not go with users.
fn check_auth(auth: &nats_auth::Config, own: &ListenerAuth) -> Result<(), OptionsError> {
    let has_users = !auth.users.is_empty() || auth.accounts.iter().any(|account| !account.users.is_empty());
    let what = match (&own.single_user, &own.token) {
        (Some(_), _) => "username",
        (None, Some(_)) => "token",
        (None, None) => return Ok(()),
    };
    if has_users {
        return refused(format!(
            "websocket authentication {what} not compatible with presence of users/nkeys"
        ));
    }
    Ok(())
}

/// What the answer says anyway nobody may say again.
fn check_header(name: &str) -> Result<(), OptionsError> {
    let lower = name.to_lowercase();
    if ["host", "content-length", "connection", "upgrade", "nats-no-masking"].contains(&lower.as_str()) {
        return refused(format!("websocket: invalid header {} not allowed", quote(name)));
    }
    if lower.starts_with("sec-websocket-") {
        return refused(format!(
            "websocket: invalid header {}, \"Sec-WebSocket-\" prefix not allowed",
            quote(name)
        ));
    }
    Ok(())
}

fn websocket_advertise(value: String) -> Result<Advertised, OptionsError> {
    Advertised::read(&value)
        .or_else(|reason| refused(format!("Unable to get websocket connect URLs: {reason}")))
}

/// What does not go together.
fn check(options: &Options) -> Result<(), OptionsError> {
    let (broker, lame_duck) = (&options.broker, &options.lame_duck);
    if lame_duck.grace_period >= lame_duck.duration {
        return Err(OptionsError::LameDuckGrace {
            grace: GoDuration::of(lame_duck.grace_period).to_string(),
            duration: GoDuration::of(lame_duck.duration).to_string(),
        });
    }
    if let Some(payload) = broker.payload_max()
        && payload > broker.max_pending
    {
        return Err(OptionsError::PayloadAbovePending { payload, pending: broker.max_pending });
    }
    if options.server_name.as_ref().is_some_and(|name| name.contains(' ')) {
        return Err(OptionsError::ServerNameHasSpaces);
    }
    check_no_auth_user(&options.auth, options.auth.no_auth_user.as_ref())?;
    check_system_account(&options.auth)
}

/// The system account is there by its usual name without being configured.
fn check_system_account(auth: &nats_auth::Config) -> Result<(), OptionsError> {
    let is_there =
        |name: &String| name == SYSTEM_ACCOUNT || auth.accounts.iter().any(|account| account.name == *name);
    if auth.system_account.as_ref().is_none_or(is_there) {
        Ok(())
    } else {
        Err(OptionsError::SystemAccountMissing)
    }
}

/// Whoever stands in for clients without credentials has to exist.
fn check_no_auth_user(auth: &nats_auth::Config, wanted: Option<&String>) -> Result<(), OptionsError> {
    let Some(wanted) = wanted else { return Ok(()) };
    let mut users = auth.users.iter().chain(auth.accounts.iter().flat_map(|account| &account.users));
    let mut none = true;
    let found = users.any(|user| {
        none = false;
        match &user.identity {
            nats_auth::IdentityConfig::Password { user, .. } => user == wanted,
            nats_auth::IdentityConfig::Nkey(key) => key == wanted,
        }
    });
    if found {
        Ok(())
    } else if none {
        Err(OptionsError::NoAuthUserWithoutUsers(wanted.clone()))
    } else {
        Err(OptionsError::NoAuthUserUnknown(wanted.clone()))
    }
}

/// The port that a number stands for: 0 is the default, and -1 a random one.
fn port(number: i64, host: &str) -> Result<Option<Port>, OptionsError> {
    match number {
        0 => Ok(None),
        -1 => Ok(Some(Port::Random)),
        port => match u16::try_from(port) {
            Ok(port) => Ok(Some(Port::Fixed(port))),
            Err(_) => Err(OptionsError::PortOutOfRange { host: host.to_owned(), port }),
        },
    }
}

fn advertised(value: String) -> Result<Advertised, OptionsError> {
    Advertised::read(&value).map_err(|reason| OptionsError::ClientAdvertise { value, reason })
}
