//! Certificates for a server and its clients, made for one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;

/// A directory with an authority's certificate, and those that it signed.
pub(crate) struct Certificates {
    dir: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Certificates {
    /// With those of the authority, of a server `localhost` and of a client `client`.
    pub(crate) fn new() -> Self {
        let dir = TempDir::with_prefix("tls-").expect("a directory");
        let mut params = params("authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let own = params.self_signed(&key).expect("a certificate");
        fs::write(dir.path().join("ca.pem"), own.pem()).expect("a file");
        let certificates = Self { dir, issuer: Issuer::new(params, key) };
        certificates.sign("server", "localhost");
        certificates.sign("client", "client");
        certificates
    }

    /// Writes `<name>.pem` and `<name>-key.pem`.
    pub(crate) fn sign(&self, name: &str, host: &str) {
        self.sign_as(name, &params(host));
    }

    /// The same, long past its time.
    pub(crate) fn sign_expired(&self, name: &str, host: &str) {
        let mut params = params(host);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        self.sign_as(name, &params);
    }

    /// The same, with more to its subject than the name.
    pub(crate) fn sign_with_subject(&self, name: &str, subject: &[(DnType, &str)]) {
        let mut params = params(name);
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind.clone(), *value);
        }
        self.sign_as(name, &params);
    }

    /// The same, for who is described so.
    pub(crate) fn sign_as(&self, name: &str, params: &CertificateParams) {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        fs::write(self.path(&format!("{name}.pem")), certificate.pem()).expect("a file");
        fs::write(self.path(&format!("{name}-key.pem")), key.serialize_pem()).expect("a file");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A `tls` block with these files and further lines.
    pub(crate) fn block(&self, more: &str) -> String {
        self.block_of("server", more)
    }

    /// The same with the certificate of that name.
    pub(crate) fn block_of(&self, name: &str, more: &str) -> String {
        let dir = self.dir().display();
        format!(
            "tls {{\n cert_file: \"{dir}/{name}.pem\"\n key_file: \"{dir}/{name}-key.pem\"\n \
             ca_file: \"{dir}/ca.pem\"\n timeout: 30\n {more}\n}}\n"
        )
    }

    /// What a client of rustls' needs to trust the server, and to show its own certificate if it is to.
    pub(crate) fn client_config(&self, shows: bool) -> Arc<ClientConfig> {
        let builder = self.client_config_builder(rustls::ALL_VERSIONS);
        Arc::new(if shows {
            let certificate = CertificateDer::from_pem_file(self.path("client.pem")).expect("it was written");
            let key = PrivateKeyDer::from_pem_file(self.path("client-key.pem")).expect("it was written");
            builder.with_client_auth_cert(vec![certificate], key).expect("they fit")
        } else {
            builder.with_no_client_auth()
        })
    }

    /// The same for a client that knows these versions only.
    pub(crate) fn client_config_in(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        Arc::new(self.client_config_builder(versions).with_no_client_auth())
    }

    fn client_config_builder(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(self.path("ca.pem")).expect("it was written"))
            .expect("a root");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
    }
}

fn params(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new([host.to_owned(), "127.0.0.1".to_owned()]).expect("names");
    params.distinguished_name.push(DnType::CommonName, host);
    params
}
