//! The files that TLS needs.

use nats_proto::error_words;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use monitor_http::Scheme;
use rustls::ServerConfig;
use server_options::{CertificateFiles, FallibleOption, Options, Tls};
use tls_session::{Acceptor, Config, ConfigError, Connector, Expiry, HandshakeFirst, KeyPair, Policy, Roots};

use crate::start_failure::place_in_file;

/// What is wrong with them.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("{what}: open {path}: {}", error_words(source))]
    Open {
        /// What it was wanted for.
        what: &'static str,
        /// Its name.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// What the files hold, or what is asked for, does not do.
    #[error("{error}{files}")]
    Config {
        /// What is wrong.
        error: ConfigError,
        /// With which files, in parentheses.
        files: String,
    },
}

/// Reads the files, and makes of them what secures connections, if anything is to. Says in the log what is
/// odd about them.
pub(crate) fn acceptor(options: &Options) -> Result<Option<Arc<Acceptor>>, TlsError> {
    options.tls.as_ref().map(|tls| made_of(tls, FallibleOption::Tls, options)).transpose()
}

/// The same for WebSockets.
pub(crate) fn for_websockets(options: &Options) -> Result<Option<Arc<Acceptor>>, TlsError> {
    let tls = options.websocket.as_ref().and_then(|websocket| websocket.tls.as_ref());
    tls.map(|tls| made_of(tls, FallibleOption::WebSocket, options)).transpose()
}

/// What secures routes, if anything is to: those that are accepted, and those that are dialed.
pub(crate) fn for_routes(options: &Options) -> Result<Option<BothWays>, TlsError> {
    let tls = options.cluster.as_ref().and_then(|cluster| cluster.tls.as_ref());
    let both = |tls| Ok((made_of(tls, FallibleOption::Cluster, options)?, connector(tls)?));
    tls.map(both).transpose()
}

/// What secures connections that are accepted, and those that are dialed.
pub(crate) type BothWays = (Arc<Acceptor>, Arc<Connector>);

fn connector(tls: &Tls) -> Result<Arc<Connector>, TlsError> {
    let made = Connector::new(&config(tls)?);
    made.map(Arc::new).map_err(|error| named(error, tls))
}

fn made_of(tls: &Tls, option: FallibleOption, options: &Options) -> Result<Arc<Acceptor>, TlsError> {
    let acceptor = read_files(tls)?;
    for line in expired(tls, &acceptor, now(), option, options) {
        tracing::warn!("{line}");
    }
    Ok(Arc::new(acceptor))
}

/// Whether the files would do, and what is odd about them.
pub(crate) fn check(options: &Options) -> Result<Vec<String>, TlsError> {
    let of_websockets = options.websocket.as_ref().and_then(|websocket| websocket.tls.as_ref());
    let of_routes = options.cluster.as_ref().and_then(|cluster| cluster.tls.as_ref());
    let all = [
        (options.tls.as_ref(), FallibleOption::Tls),
        (of_websockets, FallibleOption::WebSocket),
        (of_routes, FallibleOption::Cluster),
    ];
    let mut lines = Vec::new();
    for (tls, option) in all.into_iter().filter_map(|(tls, option)| Some((tls?, option))) {
        lines.extend(expired(tls, &read_files(tls)?, now(), option, options));
    }
    Ok(lines)
}

fn read_files(tls: &Tls) -> Result<Acceptor, TlsError> {
    Acceptor::new(&config(tls)?).map_err(|error| named(error, tls))
}

fn config(tls: &Tls) -> Result<Config, TlsError> {
    Ok(Config {
        key_pairs: tls.certificates.iter().map(key_pair).collect::<Result<_, _>>()?,
        roots: roots(tls)?,
        policy: tls.policy.clone(),
    })
}

fn named(error: ConfigError, tls: &Tls) -> TlsError {
    let files = culprit(&error, tls);
    TlsError::Config { error, files }
}

/// What is said of certificates that are not good any more.
fn expired(
    tls: &Tls,
    acceptor: &Acceptor,
    now: i64,
    option: FallibleOption,
    options: &Options,
) -> Vec<String> {
    let place = place_in_file(option, options);
    let line = |(index, expiry): (usize, &Expiry)| {
        let (subject, file) = (&expiry.subject, tls.certificates[index].certificate.display());
        format!("{place}The certificate of {subject} in {file} has expired, clients will refuse it: renew it")
    };
    acceptor.expired(now).map(line).collect()
}

/// The same for monitoring, if it is to be secured. It asks nobody for a certificate.
pub(crate) fn for_monitoring(options: &Options) -> Result<Option<Arc<ServerConfig>>, TlsError> {
    let is_https = options.monitor.as_ref().is_some_and(|monitor| monitor.scheme == Scheme::Https);
    let Some(tls) = options.tls.as_ref().filter(|_| is_https) else { return Ok(None) };
    let policy = Policy { verify: false, pinned_certs: Vec::new(), ..tls.policy.clone() };
    Ok(Some(read_files(&Tls { policy, ..tls.clone() })?.server_config()))
}

/// Says in the log what clients have to do.
pub(crate) fn announce(acceptor: &Acceptor) {
    if acceptor.is_required() {
        tracing::info!("TLS required for client connections");
    } else {
        tracing::info!("TLS available for client connections");
    }
    if acceptor.policy().handshake_first == HandshakeFirst::Always {
        tracing::warn!("Clients that are not using \"TLS Handshake First\" option will fail to connect");
    }
}

fn key_pair(files: &CertificateFiles) -> Result<KeyPair, TlsError> {
    let what = "error parsing X509 certificate/key pair";
    Ok(KeyPair { certificates: read(what, &files.certificate)?, key: read(what, &files.key)? })
}

fn roots(tls: &Tls) -> Result<Roots, TlsError> {
    match &tls.ca_file {
        Some(path) => read("error reading 'ca_file'", path).map(Roots::Pem),
        // Nobody asks for them otherwise.
        None if !tls.policy.verify => Ok(Roots::System(Vec::new())),
        None => {
            let found = rustls_native_certs::load_native_certs().certs;
            Ok(Roots::System(found.into_iter().map(|certificate| certificate.to_vec()).collect()))
        }
    }
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Open { what, path: path.display().to_string(), source })
}

fn culprit(error: &ConfigError, tls: &Tls) -> String {
    match error {
        ConfigError::KeyPair { index, .. } => {
            let CertificateFiles { certificate, key } = &tls.certificates[*index];
            format!(" ({}, {})", certificate.display(), key.display())
        }
        ConfigError::Roots => {
            tls.ca_file.as_ref().map_or_else(String::new, |path| format!(" ({})", path.display()))
        }
        _ => String::new(),
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn tls(certificate: PathBuf, key: PathBuf) -> Tls {
        Tls { certificates: vec![CertificateFiles { certificate, key }], ..Tls::default() }
    }

    #[test]
    fn files_make_an_acceptor() {
        let dir = tempfile::tempdir().unwrap();
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&certificate, signed.cert.pem()).unwrap();
        fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
        let tls = tls(certificate.clone(), key);
        let acceptor = read_files(&tls).unwrap();
        assert!(acceptor.is_required());
        assert!(expired(&tls, &acceptor, now(), FallibleOption::Tls, &Options::default()).is_empty());
        let [line] = &expired(&tls, &acceptor, i64::MAX, FallibleOption::Tls, &Options::default())[..] else {
            panic!("there is one certificate")
        };
        assert!(line.contains(&format!("in {} has expired", certificate.display())), "{line}");
    }

    #[test]
    fn errors_name_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
        let error = read_files(&tls(certificate.clone(), key.clone())).map(drop).unwrap_err().to_string();
        let file = certificate.display();
        let expected =
            format!("error parsing X509 certificate/key pair: open {file}: no such file or directory");
        assert_eq!(error, expected);
        fs::write(&certificate, "nothing").unwrap();
        fs::write(&key, "nothing").unwrap();
        let error = read_files(&tls(certificate.clone(), key)).map(drop).unwrap_err().to_string();
        assert!(error.contains("failed to find any PEM data in certificate input"), "{error}");
        assert!(error.contains(&certificate.display().to_string()), "{error}");
    }
}
