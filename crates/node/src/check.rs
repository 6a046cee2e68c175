//! What `-t` finds beyond the configuration file: what a start would find in the files that it names.

use nats_auth::Directory;
use server_options::Options;

use crate::error::NodeError;
use crate::tls_files;

/// Whether a server could start with these options, as far as that shows without starting it; then what
/// is odd all the same, a line each.
///
/// # Errors
/// What is wrong with the users or the certificates.
pub fn check(options: &Options) -> Result<Vec<String>, NodeError> {
    Directory::new(&options.auth)?;
    Ok(tls_files::check(options)?)
}

#[cfg(test)]
mod tests {
    use server_options::{CertificateFiles, Tls};

    use super::*;

    #[test]
    fn a_certificate_that_cannot_be_read_is_named() {
        let files = CertificateFiles { certificate: "/none/c.pem".into(), key: "/none/k.pem".into() };
        let tls = Some(Tls { certificates: vec![files], ..Tls::default() });
        let error = check(&Options { tls, ..Options::default() }).expect_err("there is none");
        assert!(error.to_string().contains("/none/c.pem"), "{error}");
        assert!(check(&Options::default()).is_ok());
    }
}
