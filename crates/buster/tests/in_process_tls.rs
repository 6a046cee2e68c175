//! TLS within the process is a choice of the client's, whatever the server asks of others.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use buster::Server;
use rcgen::generate_simple_self_signed;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use tempfile::TempDir;

const HOST: &str = "localhost";

/// A server whose clients need TLS, and what trusts it.
struct Rig {
    server: Server,
    trust: Arc<ClientConfig>,
    _files: TempDir,
}

/// On each backend, with this beside the certificate.
fn on_both_backends(config: &str, test: impl Fn(&Rig)) {
    for io in ["uring", "epoll"] {
        let files = tempfile::tempdir().unwrap();
        let path = |name: &str| -> PathBuf { files.path().join(name) };
        let certified = generate_simple_self_signed([HOST.to_owned()]).unwrap();
        fs::write(path("cert.pem"), certified.cert.pem()).unwrap();
        fs::write(path("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        let pair = format!("cert_file: {:?}, key_file: {:?}", path("cert.pem"), path("key.pem"));
        fs::write(path("server.conf"), format!("io: {io}\ntls {{ {pair}, {config} }}\n")).unwrap();
        let server = Server::builder().config_file(path("server.conf")).no_port().start().unwrap();
        test(&Rig { server, trust: trust(certified.cert.der().clone()), _files: files });
    }
}

fn trust(certificate: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

fn info(client: &mut BufReader<impl Read>) -> Value {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    serde_json::from_str(line.strip_prefix("INFO ").unwrap_or_else(|| panic!("{line}"))).unwrap()
}

fn secured(rig: &Rig, stream: UnixStream) -> BufReader<StreamOwned<ClientConnection, UnixStream>> {
    let name = ServerName::try_from(HOST).unwrap();
    let session = ClientConnection::new(Arc::clone(&rig.trust), name).unwrap();
    BufReader::new(StreamOwned::new(session, stream))
}

/// It is answered behind the news of the server that come first, which are returned.
fn ping(client: &mut BufReader<impl Read + Write>) -> Value {
    client.get_mut().write_all(b"CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n").unwrap();
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    assert_eq!(line, "PONG\r\n");
    info(client)
}

#[track_caller]
fn assert_tls(info: &Value, required: bool, available: bool) {
    let is = |name: &str| info.get(name).is_some_and(|value| value == true);
    assert_eq!((is("tls_required"), is("tls_available")), (required, available), "{info}");
}

#[test]
fn it_goes_without_tls() {
    on_both_backends("", |rig| {
        let mut client = BufReader::new(rig.server.connect().unwrap());
        assert_tls(&info(&mut client), false, true);
        assert_tls(&ping(&mut client), false, true);
    });
}

#[test]
fn it_has_tls_if_it_begins_with_it() {
    on_both_backends("", |rig| {
        let mut plain = BufReader::new(rig.server.connect().unwrap());
        assert_tls(&info(&mut plain), false, true);
        let mut client = secured(rig, plain.into_inner());
        assert_tls(&ping(&mut client), false, true);
    });
}

#[test]
fn with_tls_first_it_may_wait_for_info_or_not() {
    on_both_backends("handshake_first: true", |rig| {
        let mut waits = BufReader::new(rig.server.connect().unwrap());
        assert_tls(&info(&mut waits), false, true);
        assert_tls(&ping(&mut waits), false, true);
        let mut begins = secured(rig, rig.server.connect().unwrap());
        assert_tls(&info(&mut begins), true, true);
        assert_tls(&ping(&mut begins), true, false);
    });
}
