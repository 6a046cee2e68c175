//! The options while the configuration file and the flags are still being read: a setter per option.
//! What waits until all has been seen is in `settle.rs`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use balance::PlacementRule;
use broker::Policy;
use fabric::SHARDS_MAX;
use nats_proto::Limits;
use shard_runtime::{BUSY_POLL_MAX, BackendChoice};

use crate::config::Credentials;
use crate::error::OptionsError;
use crate::go_duration::{Shown, span};
use crate::go_value::duration;
use crate::options::{LameDuck, Options};

/// Shortest time over which nats-server closes connections in lame duck mode.
const LAME_DUCK_DURATION_MIN: Duration = Duration::from_secs(30);

/// What is wrong with a number of shards outside of [`SHARDS_MAX`].
const SHARDS_RANGE: &str = "must be between 1 and 64";

/// A setter's outcome; the error is the reason shown behind the value.
pub(crate) type Set = Result<(), &'static str>;

#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) options: Options,
    /// As given; 0 means the default and -1 a random port.
    pub(crate) port: i64,
    pub(crate) client_advertise: Option<String>,
    pub(crate) monitor: MonitorDraft,
    pub(crate) credentials: Credentials,
    /// `allow_non_tls`, which means nothing without `tls`.
    pub(crate) allow_non_tls: bool,
    pub(crate) tls_flags: TlsFlags,
    pub(crate) log_flags: LogFlags,
    /// What the program is asked to do instead of serving.
    pub(crate) asked: Asked,
}

/// Where to listen for monitoring, as given. Ports are as for clients, with 0 for nowhere.
#[derive(Debug, Default)]
pub(crate) struct MonitorDraft {
    pub(crate) host: String,
    pub(crate) http_port: i64,
    pub(crate) https_port: i64,
    pub(crate) base_path: String,
}

/// The flags for TLS. Any of them but `-tls=false` replaces the file's certificates.
#[derive(Debug, Default)]
pub(crate) struct TlsFlags {
    pub(crate) on: Option<bool>,
    pub(crate) verify: Option<bool>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) ca_file: Option<PathBuf>,
}

/// Flags that outrank `-D` and `-V` wherever they stand, the later ones here those before.
#[derive(Debug, Default)]
pub(crate) struct LogFlags {
    pub(crate) debug_and_trace: Option<bool>,
    pub(crate) debug_and_verbose_trace: Option<bool>,
    pub(crate) verbose_trace: Option<bool>,
}

/// What the program is asked to do instead of serving. Only flags ask.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) version: bool,
    pub(crate) help: bool,
    pub(crate) tls_help: bool,
    pub(crate) check: bool,
    pub(crate) config: Option<PathBuf>,
    pub(crate) signal: Option<OsString>,
}

impl Draft {
    pub(crate) fn set_host(&mut self, value: OsString) -> Set {
        self.options.host = text(value)?.unwrap_or_else(|| Options::default().host);
        Ok(())
    }

    pub(crate) fn set_port(&mut self, value: i64) -> Set {
        self.port = value;
        Ok(())
    }

    pub(crate) fn set_client_advertise(&mut self, value: OsString) -> Set {
        self.client_advertise = text(value)?;
        Ok(())
    }

    pub(crate) fn set_server_name(&mut self, value: OsString) -> Set {
        self.options.server_name = text(value)?;
        Ok(())
    }

    pub(crate) fn set_pid_file(&mut self, value: OsString) -> Set {
        self.options.pid_file = path(value);
        Ok(())
    }

    pub(crate) fn set_ports_file_dir(&mut self, value: OsString) -> Set {
        self.options.ports_file_dir = path(value);
        Ok(())
    }

    pub(crate) fn set_log_file(&mut self, value: OsString) -> Set {
        self.options.log.file = path(value);
        Ok(())
    }

    pub(crate) fn set_log_time(&mut self, on: bool) {
        self.options.log.time = on;
    }

    pub(crate) fn set_debug(&mut self, on: bool) {
        self.options.log.debug = on;
    }

    pub(crate) fn set_trace(&mut self, on: bool) {
        self.options.log.trace = on;
    }

    pub(crate) fn set_debug_and_trace(&mut self, on: bool) {
        self.log_flags.debug_and_trace = Some(on);
    }

    pub(crate) fn set_verbose_trace(&mut self, on: bool) {
        self.log_flags.verbose_trace = Some(on);
    }

    pub(crate) fn set_debug_and_verbose_trace(&mut self, on: bool) {
        self.log_flags.debug_and_verbose_trace = Some(on);
    }

    pub(crate) fn set_trace_headers(&mut self, on: bool) {
        self.options.log.trace = on;
        self.options.broker.trace_headers = on;
    }

    pub(crate) fn set_max_traced_msg_len(&mut self, bytes: i64) -> Set {
        self.options.broker.max_traced_msg_len = usize::try_from(bytes).unwrap_or(0);
        Ok(())
    }

    pub(crate) fn set_log_utc(&mut self, on: bool) {
        self.options.log.utc = on;
    }

    pub(crate) fn set_log_size_limit(&mut self, bytes: i64) -> Set {
        self.options.log.size_limit = u64::try_from(bytes).ok().filter(|bytes| *bytes > 0);
        Ok(())
    }

    pub(crate) fn set_log_max_num(&mut self, number: i64) -> Set {
        self.options.log.max_num = usize::try_from(number).ok().filter(|number| *number > 0);
        Ok(())
    }

    pub(crate) fn set_syslog(&mut self, on: bool) {
        self.options.log.syslog = on;
    }

    pub(crate) fn set_remote_syslog(&mut self, value: OsString) -> Set {
        self.options.log.remote_syslog = text(value)?;
        Ok(())
    }

    pub(crate) fn set_store_dir(&mut self, value: OsString) -> Set {
        self.options.store_dir = path(value);
        Ok(())
    }

    pub(crate) fn set_shards(&mut self, value: i64) -> Set {
        let shards = usize::try_from(value).ok().filter(|shards| (1..=SHARDS_MAX).contains(shards));
        self.options.shards = Some(shards.ok_or(SHARDS_RANGE)?);
        Ok(())
    }

    pub(crate) fn set_placement(&mut self, value: OsString) -> Set {
        self.options.broker.placement = match value.to_str() {
            Some("" | "load") => PlacementRule::Load,
            Some("spread") => PlacementRule::Spread,
            _ => return Err("must be load or spread"),
        };
        Ok(())
    }

    pub(crate) fn set_io(&mut self, value: OsString) -> Set {
        self.options.runtime.io = match value.as_encoded_bytes() {
            b"auto" | b"" => BackendChoice::Auto,
            b"uring" => BackendChoice::Uring,
            b"epoll" => BackendChoice::Epoll,
            _ => return Err("must be auto, uring or epoll"),
        };
        Ok(())
    }

    pub(crate) fn set_busy_poll(&mut self, value: OsString) -> Set {
        let time = duration(&value)?;
        if time > BUSY_POLL_MAX {
            return Err("must be between 0 and 1s");
        }
        self.options.runtime.busy_poll = Some(time);
        Ok(())
    }

    pub(crate) fn set_ktls(&mut self, on: bool) {
        self.options.runtime.ktls = on;
    }

    pub(crate) fn set_route(&mut self, on: bool) {
        self.options.broker.route = on;
    }

    pub(crate) fn set_signal(&mut self, value: OsString) -> Set {
        self.asked.signal = Some(value).filter(|value| !value.is_empty());
        Ok(())
    }

    pub(crate) fn set_help(&mut self, on: bool) {
        self.asked.help = on;
    }

    pub(crate) fn set_version(&mut self, on: bool) {
        self.asked.version = on;
    }

    pub(crate) fn set_check(&mut self, on: bool) {
        self.asked.check = on;
    }

    pub(crate) fn set_config(&mut self, value: OsString) -> Set {
        self.asked.config = path(value);
        Ok(())
    }

    pub(crate) fn set_tls_help(&mut self, on: bool) {
        self.asked.tls_help = on;
    }

    pub(crate) fn set_server_name_in_file(&mut self, name: &str) -> Result<(), String> {
        if name.contains(' ') {
            return Err(OptionsError::ServerNameHasSpaces.to_string());
        }
        self.options.server_name = Some(name.to_owned()).filter(|name| !name.is_empty());
        Ok(())
    }

    pub(crate) fn add_server_tags(&mut self, tags: Vec<String>) {
        for tag in tags {
            let tag = tag.trim().to_lowercase();
            if !tag.is_empty() && !self.options.server_tags.contains(&tag) {
                self.options.server_tags.push(tag);
            }
        }
    }

    pub(crate) fn set_max_connections(&mut self, number: i64) -> Result<(), String> {
        self.options.broker.max_connections = if number == 0 { -1 } else { number };
        Ok(())
    }

    pub(crate) fn set_max_subscriptions(&mut self, number: i64) -> Result<(), String> {
        self.options.broker.max_subscriptions = number;
        Ok(())
    }

    pub(crate) fn set_max_sub_tokens(&mut self, number: i64) -> Result<(), String> {
        let tokens = u8::try_from(number).ok().filter(|tokens| *tokens > 0);
        self.options.broker.max_sub_tokens = tokens;
        match number {
            256.. => Err("max_sub_tokens value is too big".to_owned()),
            1.. => Ok(()),
            _ => Err("max_sub_tokens value can not be negative".to_owned()),
        }
    }

    pub(crate) fn set_max_control_line(&mut self, bytes: i64) -> Result<(), String> {
        let default = Limits::default().control_line_bytes_max;
        self.options.broker.limits.control_line_bytes_max =
            size(bytes, default).ok_or("max_control_line is negative")?;
        Ok(())
    }

    pub(crate) fn set_max_payload(&mut self, bytes: i64) -> Result<(), String> {
        self.options.broker.limits.payload_bytes_max = match bytes {
            0 => Limits::default().payload_bytes_max,
            -1 => usize::MAX,
            bytes => usize::try_from(bytes).map_err(|_| "max_payload is negative, no limit is -1")?,
        };
        Ok(())
    }

    pub(crate) fn set_max_pending(&mut self, bytes: i64) -> Result<(), String> {
        let default = Policy::default().max_pending;
        self.options.broker.max_pending = size(bytes, default).ok_or("max_pending is negative")?;
        Ok(())
    }

    pub(crate) fn set_max_closed_clients(&mut self, number: i64) -> Result<(), String> {
        let default = Policy::default().max_closed_clients;
        self.options.broker.max_closed_clients =
            size(number, default).ok_or("max_closed_clients is negative")?;
        Ok(())
    }

    pub(crate) fn set_ping_interval(&mut self, time: Duration) {
        self.options.broker.ping_interval = given(time, Policy::default().ping_interval);
    }

    pub(crate) fn set_ping_max(&mut self, number: i64) -> Result<(), String> {
        let default = Policy::default().ping_max;
        let number = u32::try_from(number).map_err(|_| "ping_max is out of range")?;
        self.options.broker.ping_max = if number == 0 { default } else { number };
        Ok(())
    }

    pub(crate) fn set_write_deadline(&mut self, time: Duration) {
        self.options.broker.write_deadline = given(time, Policy::default().write_deadline);
    }

    pub(crate) fn set_lame_duck_duration(&mut self, text: &str) -> Result<(), String> {
        let span = span(text).map_err(|reason| format!("error parsing lame_duck_duration: {reason}"))?;
        if span.negative || span.length < LAME_DUCK_DURATION_MIN {
            return Err(format!(
                "invalid lame_duck_duration of {}, minimum is 30 seconds",
                if span.negative { text.to_owned() } else { Shown(span.length).to_string() }
            ));
        }
        self.options.lame_duck.duration = span.length;
        Ok(())
    }

    pub(crate) fn set_lame_duck_grace_period(&mut self, text: &str) -> Result<(), String> {
        let span = span(text).map_err(|reason| format!("error parsing lame_duck_grace_period: {reason}"))?;
        if span.negative {
            return Err("invalid lame_duck_grace_period, needs to be positive".to_owned());
        }
        let default = LameDuck::default().grace_period;
        self.options.lame_duck.grace_period = given(span.length, default);
        Ok(())
    }

    pub(crate) fn set_user(&mut self, value: OsString) -> Set {
        self.credentials.user = text(value)?.unwrap_or_default();
        Ok(())
    }

    pub(crate) fn set_password(&mut self, value: OsString) -> Set {
        self.credentials.password = text(value)?.unwrap_or_default().as_str().into();
        Ok(())
    }

    pub(crate) fn set_token(&mut self, value: OsString) -> Set {
        self.credentials.token = text(value)?.unwrap_or_default().as_str().into();
        Ok(())
    }

    pub(crate) fn set_http_port(&mut self, port: i64) -> Set {
        self.monitor.http_port = port;
        Ok(())
    }

    pub(crate) fn set_https_port(&mut self, port: i64) -> Set {
        self.monitor.https_port = port;
        Ok(())
    }

    pub(crate) fn set_tls(&mut self, on: bool) {
        self.tls_flags.on = Some(on);
    }

    pub(crate) fn set_tls_verify(&mut self, on: bool) {
        self.tls_flags.verify = Some(on);
    }

    pub(crate) fn set_tls_cert(&mut self, value: OsString) -> Set {
        self.tls_flags.certificate = Some(value.into());
        Ok(())
    }

    pub(crate) fn set_tls_key(&mut self, value: OsString) -> Set {
        self.tls_flags.key = Some(value.into());
        Ok(())
    }

    pub(crate) fn set_tls_ca_cert(&mut self, value: OsString) -> Set {
        self.tls_flags.ca_file = Some(value.into());
        Ok(())
    }
}

/// A size or number of which 0 stands for the default; `None` for less than 0.
fn size(number: i64, default: usize) -> Option<usize> {
    let number = usize::try_from(number).ok()?;
    Some(if number == 0 { default } else { number })
}

/// A length of time of which 0 stands for the default.
fn given(time: Duration, default: Duration) -> Duration {
    if time.is_zero() { default } else { time }
}

/// Text for places that need UTF-8; empty counts as not given.
fn text(value: OsString) -> Result<Option<String>, &'static str> {
    let value = value.into_string().map_err(|_| "not valid UTF-8")?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

fn path(value: OsString) -> Option<PathBuf> {
    Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty())
}
