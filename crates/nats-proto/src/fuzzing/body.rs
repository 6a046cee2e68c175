//! What must hold for any bytes where CONNECT or INFO have their JSON.

use crate::go_json::compact;
use crate::{
    BodyError, Compression, ConnectOptions, LeafConnect, PeerInfo, RouteConnect, ServerInfo, check_info,
    without_secrets,
};

/// Reads `data` as the body of a CONNECT and of an INFO, of clients and of servers.
pub fn body(data: &[u8]) {
    check_connect(data);
    check_server_info(data);
    check_peer_connect(data);
    check_peer_info(data);
    check_shown(data);
}

pub(super) fn check_connect(text: &[u8]) {
    let read = ConnectOptions::parse(text);
    assert!(read.is_err() || is_json(text), "what is no JSON was read");
    if let Ok(options) = read {
        let written = serde_json::to_vec(&options).expect("options become JSON");
        assert_eq!(ConnectOptions::parse(&written), Ok(options.clone()));
        let mut again = options.clone();
        again.merge(b"{}").expect("an object");
        assert_eq!(again, options, "what is not mentioned stays as it is");
    }
}

pub(super) fn check_server_info(text: &[u8]) {
    if let Ok(info) = ServerInfo::parse(text) {
        let written = serde_json::to_vec(&info).expect("info becomes JSON");
        assert_eq!(ServerInfo::parse(&written).ok(), Some(info));
    }
}

pub(super) fn check_peer_connect(text: &[u8]) {
    if let Ok(connect) = RouteConnect::parse(text) {
        assert_eq!(RouteConnect::parse(&compact(&connect)), Ok(connect));
    }
    if let Ok(connect) = LeafConnect::parse(text) {
        assert_eq!(LeafConnect::parse(&compact(&connect)), Ok(connect));
    }
}

pub(super) fn check_peer_info(text: &[u8]) {
    let Ok(info) = PeerInfo::parse(text) else { return };
    assert!(is_json(text), "what is no JSON was read");
    if let Ok(theirs) = Compression::of_peer(&info.compression) {
        assert!(theirs.word() == info.compression || info.compression.is_empty());
    }
    assert_eq!(PeerInfo::parse(&compact(&info)), Ok(info));
}

/// What is shown of a body in a log is JSON, and has nothing in it that a server takes for a secret.
pub(super) fn check_shown(data: &[u8]) {
    let Some(shown) = without_secrets(data) else { return };
    let is_text = str::from_utf8(data).is_ok();
    assert!(is_json(data) && (is_json(shown.as_bytes()) || !is_text), "{shown}");
    if let Ok(options) = ConnectOptions::parse(shown.as_bytes()) {
        let ConnectOptions { nkey, jwt, sig, auth_token, pass, proxy_sig, .. } = options;
        for secret in [nkey, jwt, sig, auth_token, pass, proxy_sig] {
            assert!(secret.is_empty() || secret == "[REDACTED]", "{secret} in {shown}");
        }
    }
}

fn is_json(text: &[u8]) -> bool {
    !matches!(check_info(text), Err(BodyError::Syntax(_)))
}
