//! TLS as clients meet it, with certificates made for the test.

use std::{fs, path::PathBuf};

use async_nats::{ConnectErrorKind, ConnectOptions};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use test_kit::{RawClient, Server, ServerOp, Setup, on_every_setup};

use crate::client::*;

on_every_setup!(
    a_connection_is_upgraded_after_info,
    clients_show_a_certificate_where_that_is_asked,
    a_certificate_is_a_user_where_it_is_mapped,
    the_handshake_may_come_first,
    who_does_not_start_the_handshake_gets_info,
    plain_clients_are_served_where_that_is_allowed,
);

/// An authority, the server's certificate and a client's, in a directory of their own.
struct Papers {
    dir: TempDir,
}

impl Papers {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut authority = params("authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        fs::write(dir.path().join("ca.pem"), authority.self_signed(&key).expect("it signs").pem())
            .expect("a file");
        let issuer = Issuer::new(authority, key);
        let papers = Self { dir };
        papers.issue("server", &issuer, ExtendedKeyUsagePurpose::ServerAuth);
        papers.issue("client", &issuer, ExtendedKeyUsagePurpose::ClientAuth);
        papers
    }

    fn issue(&self, name: &str, issuer: &Issuer<'_, KeyPair>, purpose: ExtendedKeyUsagePurpose) {
        let mut params = params(name);
        params.extended_key_usages.push(purpose);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, issuer).expect("it signs");
        fs::write(self.path(&format!("{name}.pem")), certificate.pem()).expect("a file");
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).expect("a file");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The `tls` block of a configuration, with `more` in it.
    fn config(&self, more: &str) -> String {
        let dir = self.dir.path().display();
        format!("tls {{ cert_file: '{dir}/server.pem', key_file: '{dir}/server.key', {more} }}\n")
    }

    fn verifying(&self, more: &str) -> String {
        self.config(&format!("ca_file: '{}', {more}", self.path("ca.pem").display()))
    }

    /// A client that trusts the authority.
    fn trusting(&self) -> ConnectOptions {
        ConnectOptions::new().add_root_certificates(self.path("ca.pem"))
    }

    /// A client that shows its certificate, too.
    fn showing(&self) -> ConnectOptions {
        self.trusting().add_client_certificate(self.path("client.pem"), self.path("client.key"))
    }
}

/// Valid for the address that test servers listen on.
fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// The client gets in and works.
async fn assert_in(options: ConnectOptions, server: &Server) {
    let client = options.connect(server.url()).await.expect("the server takes it");
    settle(&client).await;
}

/// The handshake fails, on whichever side, and the server serves on.
async fn assert_refused(options: ConnectOptions, server: &Server) {
    let error = options.connect(server.url()).await.expect_err("no connection");
    assert!(matches!(error.kind(), ConnectErrorKind::Tls | ConnectErrorKind::Io), "{error:?}");
}

fn a_connection_is_upgraded_after_info(setup: Setup) {
    let papers = Papers::new();
    run(async {
        let server = Server::configured(setup, &papers.config(""));
        assert_in(papers.trusting(), &server).await;
        assert_refused(ConnectOptions::new(), &server).await;
        assert_in(papers.trusting(), &server).await;
        // More than a TLS record and a read buffer hold, both ways.
        let (publisher, subscriber) =
            (papers.trusting().connect(server.url()).await, papers.trusting().connect(server.url()).await);
        let (publisher, subscriber) = (publisher.expect("it gets in"), subscriber.expect("it gets in"));
        let mut messages = subscribe(&subscriber, "large").await;
        settle(&subscriber).await;
        for round in 0..4_usize {
            let payload: Vec<u8> = (0..1024 * 1024).map(|at| (at * 5 + round) as u8).collect();
            publish(&publisher, "large", payload.clone()).await;
            assert!(next(&mut messages).await.payload == payload, "round {round} differs");
        }
    });
    let server = Server::configured(setup, &papers.config(""));
    let mut plain = RawClient::dial(server.addr());
    let ServerOp::Info(info) = plain.next_op() else { panic!("INFO comes first") };
    assert!(info.contains("\"tls_required\":true"), "{info}");
}

fn clients_show_a_certificate_where_that_is_asked(setup: Setup) {
    let (papers, strangers) = (Papers::new(), Papers::new());
    run(async {
        let server = Server::configured(setup, &papers.verifying("verify: true"));
        assert_in(papers.showing(), &server).await;
        assert_refused(papers.trusting(), &server).await;
        let stranger = papers
            .trusting()
            .add_client_certificate(strangers.path("client.pem"), strangers.path("client.key"));
        assert_refused(stranger, &server).await;
        assert_in(papers.showing(), &server).await;
    });
}

fn a_certificate_is_a_user_where_it_is_mapped(setup: Setup) {
    let papers = Papers::new();
    let config = papers.verifying("verify_and_map: true");
    let users = |name: &str| format!("{config}\nauthorization {{ users = [ {{ user: '{name}' }} ] }}");
    run(async {
        assert_in(papers.showing(), &Server::configured(setup, &users("CN=client"))).await;
        let server = Server::configured(setup, &users("CN=somebody"));
        let error = papers.showing().connect(server.url()).await.expect_err("not a user");
        assert_eq!(error.kind(), ConnectErrorKind::AuthorizationViolation);
    });
}

fn the_handshake_may_come_first(setup: Setup) {
    let papers = Papers::new();
    run(async {
        let server = Server::configured(setup, &papers.config("handshake_first: true"));
        assert_in(papers.trusting().tls_first(), &server).await;
    });
}

fn who_does_not_start_the_handshake_gets_info(setup: Setup) {
    let papers = Papers::new();
    run(async {
        let server = Server::configured(setup, &papers.config("handshake_first: 100ms"));
        assert_in(papers.trusting().tls_first(), &server).await;
        assert_in(papers.trusting(), &server).await;
    });
}

fn plain_clients_are_served_where_that_is_allowed(setup: Setup) {
    let papers = Papers::new();
    run(async {
        let server = Server::configured(setup, &(papers.config("") + "allow_non_tls: true"));
        assert_in(papers.trusting().require_tls(true), &server).await;
        server.connect().flush();
    });
}
