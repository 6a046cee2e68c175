//! `tls`: files and policies of TLS for clients.

use std::path::PathBuf;
use std::str::FromStr;

use nats_conf::{Data, Entry, Map, Value};
use nats_proto::{GoDuration, quote};
use tls_session::{HandshakeFirst, NameError, Policy};

use crate::config::report::Report;
use crate::config::row::Effect::{Any, NotYet};
use crate::config::row::Idle::{EmptyList, Never, Off};
use crate::config::row::{Row, Unknown, read_block, row};
use crate::config::time::seconds_or_text;
use crate::draft::Draft;
use crate::tls::{CertificateFiles, Tls};

#[derive(Default)]
pub(crate) struct Block {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    certificates: Vec<CertificateFiles>,
    map: bool,
    policy: Policy,
}

const UNKNOWN: Unknown = |key| Some(format!("error parsing tls config, unknown field {}", quote(key)));

const WINDOWS: &str = "certificates come from files";

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<Block>] = &[
    row(&["cert_file"], Any(|block, entry, report| block.certificate = file(entry, report))),
    row(&["key_file"], Any(|block, entry, report| block.key = file(entry, report))),
    row(&["ca_file"], Any(|block, entry, report| block.ca_file = file(entry, report))),
    row(&["certs", "certificates"], Any(|block, entry, report| block.certificates = certificates(entry, report))),
    row(&["verify"], Any(|block, entry, report| block.policy.verify = switch(entry, report))),
    row(&["verify_and_map"], Any(verify_and_map)),
    row(&["verify_cert_and_check_known_urls"], Any(check_known_urls)),
    row(&["timeout"], Any(timeout)),
    row(&["min_version"], Any(min_version)),
    row(&["cipher_suites"], Any(|block, entry, report| block.policy.cipher_suites = names(entry, report))),
    row(&["curve_preferences"], Any(|block, entry, report| block.policy.curves = names(entry, report))),
    row(&["handshake_first", "first", "immediate"], Any(handshake_first)),
    row(&["pinned_certs"], Any(pinned_certs)),
    row(&["connection_rate_limit"], Any(connection_rate_limit)),
    row(&["insecure"], Any(|block, entry, report| block.policy.insecure = switch(entry, report))),
    // Suites that are broken are refused by name.
    row(&["allow_insecure_cipher_suites"], Any(|_, entry, report| { switch(entry, report); })),
    row(&["ocsp_peer"], NotYet(Off, "there is no OCSP")),
    row(&["cert_store"], NotYet(Never, WINDOWS)),
    row(&["cert_match_by"], NotYet(Never, WINDOWS)),
    row(&["cert_match"], NotYet(Never, WINDOWS)),
    row(&["ca_certs_match"], NotYet(EmptyList, WINDOWS)),
    row(&["cert_match_skip_invalid"], NotYet(Off, WINDOWS)),
];

pub(crate) fn read_tls(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    if let Some((tls, maps)) = read_tls_block(entry, report) {
        draft.options.auth.verify_and_map = maps;
        draft.options.tls = Some(tls);
    }
}

/// Reads a block, and whether certificates name users.
pub(super) fn read_tls_block(entry: &Entry, report: &mut Report) -> Option<(Tls, bool)> {
    let map = report.ok(entry.value.as_map())?;
    let mut block = Block::default();
    read_block(map, TABLE, UNKNOWN, &mut block, report);
    match block.certificates() {
        Ok(certificates) => {
            Some((Tls { certificates, ca_file: block.ca_file, policy: block.policy }, block.map))
        }
        Err(reason) => {
            report.refuse(&entry.value, reason);
            None
        }
    }
}

impl Block {
    fn certificates(&mut self) -> Result<Vec<CertificateFiles>, &'static str> {
        let several = std::mem::take(&mut self.certificates);
        match (self.certificate.take(), self.key.take()) {
            (Some(_), _) if !several.is_empty() => {
                Err("error parsing tls config, cannot combine 'cert_file' option with 'certs' option")
            }
            (Some(certificate), Some(key)) => Ok(vec![CertificateFiles { certificate, key }]),
            (Some(_), None) => Err("missing 'key_file' in TLS configuration"),
            (None, Some(_)) => Err("missing 'cert_file' in TLS configuration"),
            (None, None) => Ok(several),
        }
    }
}

fn file(entry: &Entry, report: &mut Report) -> Option<PathBuf> {
    let Ok(name) = entry.value.as_str() else {
        let key = entry.key.to_lowercase();
        let reason = format!("error parsing tls config, expected '{key}' to be filename");
        report.refuse(&entry.value, reason);
        return None;
    };
    Some(PathBuf::from(name)).filter(|name| !name.as_os_str().is_empty())
}

fn switch(entry: &Entry, report: &mut Report) -> bool {
    entry.value.as_bool().unwrap_or_else(|_| {
        let key = entry.key.to_lowercase();
        let reason = format!("error parsing tls config, expected '{key}' to be a boolean");
        report.refuse(&entry.value, reason);
        false
    })
}

fn verify_and_map(block: &mut Block, entry: &Entry, report: &mut Report) {
    block.map = switch(entry, report);
    block.policy.verify |= block.map;
}

fn check_known_urls(_: &mut Block, entry: &Entry, report: &mut Report) {
    if switch(entry, report) {
        report.refuse(&entry.value, "verify_cert_and_check_known_urls not supported in this context");
    }
}

fn timeout(block: &mut Block, entry: &Entry, report: &mut Report) {
    if let Some(length) = seconds_or_text(entry, "tls", report).filter(|length| !length.is_zero()) {
        block.policy.timeout = length;
    }
}

fn min_version(block: &mut Block, entry: &Entry, report: &mut Report) {
    let version = match entry.value.as_str() {
        Ok(name) => name.parse().map_err(|error: NameError| error.to_string()),
        Err(_) => Err("'min_version' wrong type".to_owned()),
    };
    match version {
        Ok(version) => block.policy.min_version = version,
        Err(reason) => report.refuse(&entry.value, format!("error parsing tls config: {reason}")),
    }
}

/// An array of names that is not empty.
fn names<T: FromStr<Err = NameError>>(entry: &Entry, report: &mut Report) -> Option<Vec<T>> {
    let elements = report.ok(entry.value.as_array())?;
    if elements.is_empty() {
        let reason = format!("error parsing tls config, '{}' cannot be empty", entry.key.to_lowercase());
        report.refuse(&entry.value, reason);
        return None;
    }
    elements
        .iter()
        .map(|element| {
            let name = report.ok(element.as_str())?;
            name.parse().map_err(|error: NameError| report.refuse(element, error.to_string())).ok()
        })
        .collect()
}

fn handshake_first(block: &mut Block, entry: &Entry, report: &mut Report) {
    let word = match &entry.value.data {
        Data::Bool(on) => on.to_string(),
        Data::String(word) => word.to_lowercase(),
        other => {
            let (key, found) = (&entry.key, other.type_name());
            let reason = format!("field {} should be a boolean or a string, got {found}", quote(key));
            return report.refuse(&entry.value, reason);
        }
    };
    block.policy.handshake_first = match (word.as_str(), GoDuration::parse(&word)) {
        ("true" | "on", _) => HandshakeFirst::Always,
        ("false" | "off", _) => HandshakeFirst::Never,
        ("auto" | "auto_fallback", _) => HandshakeFirst::AUTO,
        // Without a time to wait there is no falling back.
        (_, Ok(time)) if time <= GoDuration(0) => HandshakeFirst::Always,
        (_, Ok(time)) => HandshakeFirst::Wait(time.length()),
        (_, Err(_)) => {
            let key = &entry.key;
            return report
                .refuse(&entry.value, format!("field {}'s value {} is invalid", quote(key), quote(word)));
        }
    };
}

fn pinned_certs(block: &mut Block, entry: &Entry, report: &mut Report) {
    let Ok(elements) = entry.value.as_array() else {
        let reason = "error parsing tls config, expected 'pinned_certs' to be a list of hex-encoded sha256 \
                      of DER encoded SubjectPublicKeyInfo";
        return report.refuse(&entry.value, reason);
    };
    for element in elements {
        let Some(text) = report.ok(element.as_str()) else { continue };
        match text.parse() {
            Ok(pin) => block.policy.pinned_certs.push(pin),
            Err(error) => report.refuse(element, format!("error parsing tls config, {error}")),
        }
    }
}

fn connection_rate_limit(block: &mut Block, entry: &Entry, report: &mut Report) {
    match entry.value.as_integer() {
        Ok(rate) => block.policy.rate_limit = u64::try_from(rate).ok().filter(|rate| *rate > 0),
        Err(_) => {
            let reason = "error parsing tls config, 'connection_rate_limit' wrong type";
            report.refuse(&entry.value, reason);
        }
    }
}

fn certificates(entry: &Entry, report: &mut Report) -> Vec<CertificateFiles> {
    let Ok(elements) = entry.value.as_array() else {
        unsupported(&entry.value, report);
        return Vec::new();
    };
    elements.iter().filter_map(|element| certificate(element, report)).collect()
}

fn certificate(element: &Value, report: &mut Report) -> Option<CertificateFiles> {
    let Ok(map) = element.as_map() else {
        unsupported(element, report);
        return None;
    };
    let before = report.errors.len();
    let mut file = |name| pair_file(map, name, report);
    let (certificate, key) = (file("cert_file"), file("key_file"));
    for other in map.iter().filter(|entry| !matches!(entry.key.as_str(), "cert_file" | "key_file")) {
        let reason = format!("error parsing tls certs config, unknown field {}", quote(&other.key));
        report.refuse(&other.value, reason);
    }
    if report.errors.len() > before {
        return None;
    }
    let (Some(certificate), Some(key)) = (certificate, key) else {
        let last = map.iter().last().map_or(element, |entry| &entry.value);
        let reason =
            "error parsing certificates config: both 'cert_file' and 'cert_key' options are required";
        report.refuse(last, reason);
        return None;
    };
    Some(CertificateFiles { certificate, key })
}

fn pair_file(map: &Map, name: &str, report: &mut Report) -> Option<PathBuf> {
    let value = &map.iter().find(|entry| entry.key == name)?.value;
    match value.as_str() {
        Ok(file) => Some(PathBuf::from(file)).filter(|file| !file.as_os_str().is_empty()),
        Err(_) => {
            unsupported(value, report);
            None
        }
    }
}

fn unsupported(value: &Value, report: &mut Report) {
    let found = value.data.type_name();
    report.refuse(value, format!("error parsing certificates config: unsupported type {found}"));
}
