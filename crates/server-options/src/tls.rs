//! TLS for clients, as it is asked for.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use tls_session::{CipherSuite, Curve, Policy};

/// What somebody is given to say who it is beyond the time for its TLS handshake.
pub(crate) const AUTH_TIMEOUT_AFTER_TLS: Duration = Duration::from_secs(1);

/// TLS for clients: the names of files, and policies. Nothing is opened here. Whether a certificate also
/// names the user is in [`nats_auth::Config::verify_and_map`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// `cert_file` and `key_file`, or `certs`. Which one is used depends on the name the client asks
    /// for; the first is for all others.
    pub certificates: Vec<CertificateFiles>,
    /// `ca_file`: who must have signed certificates of clients; `None` is whom the system knows.
    pub ca_file: Option<PathBuf>,
    /// All else.
    pub policy: Policy,
}

/// A certificate and its key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// `cert_file`: the certificate, and those that lead to a known one.
    pub certificate: PathBuf,
    /// `key_file`.
    pub key: PathBuf,
}

/// What `--help_tls` prints, meant for `print!`: how a `tls` block looks, and what it can name.
pub fn tls_help() -> String {
    let mut text = String::from(BLOCK);
    text.push_str("\nCipher suites there are:\n");
    for suite in CipherSuite::all() {
        let _ = writeln!(text, "    {}", suite.as_str());
    }
    text.push_str("\nCurve preferences there are:\n");
    for curve in Curve::all() {
        let _ = writeln!(text, "    {}", curve.as_str());
    }
    text
}

const BLOCK: &str = r#"
TLS for clients is configured in the tls section of a configuration file:

    tls {
        cert_file:      "./certs/server-cert.pem"
        key_file:       "./certs/server-key.pem"

        # Who signs certificates of clients, if they have to show one.
        ca_file:        "./certs/ca.pem"
        verify:         true
        # A client is the user that its certificate names.
        verify_and_map: true

        min_version:       "1.2"
        cipher_suites:     ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]
        curve_preferences: ["X25519", "CurveP256"]
        # For a handshake, and before it INFO or not: true, false, auto or a time to wait.
        timeout:           "2s"
        handshake_first:   auto
    }
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_suites_curves_and_a_block_that_can_be_read() {
        let text = tls_help();
        for name in ["TLS_AES_128_GCM_SHA256", "X25519MLKEM768"] {
            assert!(text.contains(&format!("\n    {name}\n")), "{text}");
        }
        let (_, block) = BLOCK.split_once("file:\n").expect("a block follows");
        assert!(nats_conf::parse(block).expect("it is a block").get("tls").is_some());
    }
}
