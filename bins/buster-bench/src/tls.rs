//! TLS as a client, cheap enough not to be what is measured: records are decrypted where they were
//! received, and encrypted into the buffer that is sent.
//!
//! Whatever certificate the server shows is taken: this is a load generator.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};

use rustls::client::UnbufferedClientConnection;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::outgoing::send_rest;

/// One read's worth.
const READ_BYTES: usize = 256 << 10;

/// Plain bytes that are encrypted at a time.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// What encryption adds to these at most, record by record.
const OVERHEAD_BYTES_MAX: usize = 1 << 10;

pub(crate) struct Session {
    connection: UnbufferedClientConnection,
    received: Vec<u8>,
    /// How much of `received` is there.
    filled: usize,
    /// Decrypted and not read yet.
    plain: Vec<u8>,
    outgoing: Vec<u8>,
    sent: usize,
}

impl Session {
    pub(crate) fn shake_hands(socket: &mut TcpStream) -> io::Result<Self> {
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = UnbufferedClientConnection::new(config(), name).map_err(io::Error::other)?;
        let (received, plain, outgoing) = (vec![0; READ_BYTES], Vec::new(), Vec::new());
        let mut session = Self { connection, received, filled: 0, plain, outgoing, sent: 0 };
        loop {
            let mut plain = Vec::new();
            session.process(|bytes| plain.extend_from_slice(bytes))?;
            session.plain.append(&mut plain);
            session.flush(socket)?;
            if !session.connection.is_handshaking() {
                return Ok(session);
            }
            session.receive(socket)?;
        }
    }

    /// Reads what there is and hands it out: how many bytes; 0 is the end.
    pub(crate) fn read(
        &mut self,
        socket: &mut TcpStream,
        mut hand_out: impl FnMut(&[u8]),
    ) -> io::Result<usize> {
        let mut count = self.plain.len();
        if count > 0 {
            hand_out(&std::mem::take(&mut self.plain));
            return Ok(count);
        }
        while count == 0 {
            if self.receive(socket)? == 0 {
                return Ok(0);
            }
            self.process(|bytes| {
                count += bytes.len();
                hand_out(bytes);
            })?;
        }
        Ok(count)
    }

    pub(crate) fn read_into(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        if self.plain.is_empty() {
            let mut plain = Vec::new();
            if self.read(socket, |bytes| plain.extend_from_slice(bytes))? == 0 {
                return Ok(0);
            }
            self.plain = plain;
        }
        let count = buffer.len().min(self.plain.len());
        buffer[..count].copy_from_slice(&self.plain[..count]);
        self.plain.drain(..count);
        Ok(count)
    }

    fn receive(&mut self, socket: &mut TcpStream) -> io::Result<usize> {
        let count = socket.read(&mut self.received[self.filled..])?;
        self.filled += count;
        Ok(count)
    }

    /// Encrypts and sends: how many bytes were taken. What the socket does not take of them goes first the
    /// next time.
    pub(crate) fn write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
        self.flush(socket)?;
        let plain = &bytes[..bytes.len().min(WRITE_BYTES_MAX)];
        self.outgoing.resize(plain.len() + OVERHEAD_BYTES_MAX, 0);
        let status = self.connection.process_tls_records(&mut self.received[..self.filled]);
        let ConnectionState::WriteTraffic(mut traffic) = status.state.map_err(io::Error::other)? else {
            return Err(io::Error::other("the server ended TLS"));
        };
        let count = traffic.encrypt(plain, &mut self.outgoing).map_err(io::Error::other)?;
        self.outgoing.truncate(count);
        match self.flush(socket) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(plain.len()),
        }
    }

    pub(crate) fn flush(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        send_rest(socket, &mut self.outgoing, &mut self.sent)
    }

    /// Goes through the records that are there.
    fn process(&mut self, mut hand_out: impl FnMut(&[u8])) -> io::Result<()> {
        let mut used = 0;
        loop {
            let input = &mut self.received[used..self.filled];
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(input);
            match state.map_err(io::Error::other)? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        hand_out(record.map_err(io::Error::other)?.payload);
                    }
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    let start = self.outgoing.len();
                    if let Err(EncodeError::InsufficientSize(needed)) = data.encode(&mut []) {
                        self.outgoing.resize(start + needed.required_size, 0);
                        data.encode(&mut self.outgoing[start..]).map_err(io::Error::other)?;
                    }
                }
                ConnectionState::TransmitTlsData(data) => data.done(),
                _ => {
                    used += discard;
                    break;
                }
            }
            used += discard;
        }
        self.received.copy_within(used..self.filled, 0);
        self.filled -= used;
        Ok(())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

fn config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let make = || {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the library's own choice")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        Arc::new(config)
    };
    Arc::clone(CONFIG.get_or_init(make))
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
