//! TLS on one connection.
//!
//! Records are decrypted where they were received, as far as rustls lets us: only what is left of an
//! unfinished record is kept, so an idle session owns no buffer. What is to be sent is encrypted into a
//! buffer that all sessions of a shard share ([`Sealed`]).
//!
//! Always true: before the handshake is over no byte of the peer's is handed out, and none is encrypted
//! for it; what waits in `outgoing` was made before anything that is sealed later, and leaves before it.

use std::fmt;

use rustls::ProtocolVersion;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus};

use crate::acceptor::Acceptor;
use crate::certificate::{Certificate, Secured};
use crate::config::Policy;
use crate::connection::{Connection, either};
use crate::connector::Connector;
use crate::error::SessionError;
use crate::handover::{Handover, Keys};
use crate::names::{CipherSuite, Pin, Version};
use crate::sealed::Sealed;

/// Bytes of a record's header, of which the last two are the length of the rest.
const HEADER_BYTES: usize = 5;

/// Ciphertext that may wait for the rest of a record or of a handshake message: rustls takes messages up to
/// 64 KiB. A peer that goes beyond is cut off.
const INCOMING_BYTES_MAX: usize = 192 << 10;

/// More than the alert that says goodbye takes in any version.
const GOODBYE_BYTES_MAX: usize = 64;

/// TLS on one connection. Can be moved to another thread between calls.
pub struct Session {
    connection: Connection,
    /// Received, and of no use without what comes next.
    incoming: Vec<u8>,
    /// Waits for the socket: messages of the handshake, then what a full socket left of [`Sealed`].
    outgoing: Vec<u8>,
    pins: Box<[Pin]>,
    secured: bool,
    closed: bool,
    /// There was an error: rustls is not to be called any more.
    failed: bool,
}

enum Step {
    Another,
    Last,
}

impl Session {
    /// A session whose peer is to begin.
    pub fn new(acceptor: &Acceptor) -> Self {
        Self::over(Connection::accepting(acceptor), acceptor.policy())
    }

    /// A session with who was dialed, which has to be known by that name. It begins with the first call of
    /// [`Self::receive`], for which nothing need have been received.
    /// `None` if nobody can have such a name.
    pub fn dialing(connector: &Connector, name: &str) -> Option<Self> {
        let name = ServerName::try_from(name).ok()?.to_owned();
        Some(Self::over(Connection::dialing(connector, name), connector.policy()))
    }

    fn over(connection: Connection, policy: &Policy) -> Self {
        let pins = policy.pinned_certs.clone().into();
        Self {
            connection,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            pins,
            secured: false,
            closed: false,
            failed: false,
        }
    }

    /// Takes bytes of the socket, which are garbage afterwards, and hands out what the peer said, in pieces.
    /// Afterwards there may be [`Self::outgoing`], and the session may be secured or closed.
    ///
    /// # Errors
    /// The peer does something else than TLS, or nothing can be agreed on, or it is not who it should be.
    /// What is still to be sent tells it; nothing more may be received.
    pub fn receive(
        &mut self,
        mut input: &mut [u8],
        mut hand_out: impl FnMut(&[u8]),
    ) -> Result<(), SessionError> {
        if self.failed {
            return Err(SessionError::NotOpen);
        }
        if self.closed {
            return Ok(());
        }
        if self.secured && !self.incoming.is_empty() {
            let missing = self.missing_bytes().min(input.len());
            let (rest, later) = input.split_at_mut(missing);
            self.take_in(rest, &mut hand_out)?;
            input = later;
        }
        if self.secured && self.incoming.is_empty() {
            let used = self.process(input, &mut hand_out)?;
            input = &mut input[used..];
            self.incoming.extend_from_slice(input);
            Ok(())
        } else {
            self.take_in(input, &mut hand_out)
        }
    }

    /// Whether the record that came last is not whole.
    pub fn has_part_of_record(&self) -> bool {
        let mut rest = &self.incoming[..];
        while let Some(length) = rest.get(HEADER_BYTES - 2..HEADER_BYTES) {
            let whole = HEADER_BYTES + usize::from(u16::from_be_bytes([length[0], length[1]]));
            let Some(behind) = rest.get(whole..) else { return true };
            rest = behind;
        }
        !rest.is_empty()
    }

    /// How much the record at the front of `incoming` lacks.
    fn missing_bytes(&self) -> usize {
        let whole = match self.incoming.get(HEADER_BYTES - 2..HEADER_BYTES) {
            Some(length) => HEADER_BYTES + usize::from(u16::from_be_bytes([length[0], length[1]])),
            None => HEADER_BYTES,
        };
        whole.saturating_sub(self.incoming.len())
    }

    /// Appends bytes to those that waited for them.
    fn take_in(&mut self, input: &[u8], hand_out: &mut impl FnMut(&[u8])) -> Result<(), SessionError> {
        self.incoming.extend_from_slice(input);
        let mut incoming = std::mem::take(&mut self.incoming);
        let used = self.process(&mut incoming, hand_out)?;
        incoming.drain(..used);
        if incoming.len() > INCOMING_BYTES_MAX {
            return Err(SessionError::TooLong);
        }
        // An empty one is let go.
        if !incoming.is_empty() {
            self.incoming = incoming;
        }
        Ok(())
    }

    /// Goes through records; returns how many bytes are of no use any more.
    fn process(&mut self, input: &mut [u8], hand_out: &mut impl FnMut(&[u8])) -> Result<usize, SessionError> {
        let mut used = 0;
        loop {
            let (discarded, outcome) = self.step(&mut input[used..], hand_out);
            used += discarded;
            let step = outcome.and_then(|step| self.let_in().map(|()| step));
            match step {
                Ok(Step::Another) => {}
                Ok(Step::Last) => return Ok(used),
                Err(error) => {
                    match error {
                        // They would not understand.
                        SessionError::NotTls => {}
                        SessionError::NotPinned { .. } => self.close(),
                        SessionError::NoCertificate => {
                            self.take_alert();
                            self.say_it_in_old_words();
                        }
                        _ => self.take_alert(),
                    }
                    self.failed = true;
                    return Err(error);
                }
            }
        }
    }

    /// Notes the end of the handshake.
    fn let_in(&mut self) -> Result<(), SessionError> {
        if !self.secured && !self.connection.state().is_handshaking() {
            self.check_pins()?;
            self.secured = true;
        }
        Ok(())
    }

    /// Takes one step; says how many bytes are of no use any more.
    fn step(
        &mut self,
        input: &mut [u8],
        hand_out: &mut impl FnMut(&[u8]),
    ) -> (usize, Result<Step, SessionError>) {
        let has_begun = self.connection.state().protocol_version().is_some();
        let length = input
            .get(HEADER_BYTES - 2..HEADER_BYTES)
            .map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
        either!(&mut self.connection, connection => {
            let UnbufferedStatus { discard, state } = connection.process_tls_records(input);
            match state {
                // Otherwise it is there again next time, when it is known who said it.
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while self.secured
                        && let Some(Ok(record)) = traffic.next_record()
                    {
                        hand_out(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => encode(&mut data, &mut self.outgoing),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.closed = true,
                Ok(_) => return (discard, Ok(Step::Last)),
                Err(error) => return (discard, Err(SessionError::of(error, has_begun, length))),
            }
            (discard, Ok(Step::Another))
        })
    }

    /// After an error: what the peer is to be told of it. As long as there is something to be told, rustls
    /// does not look at the input, which it could not make sense of again.
    fn take_alert(&mut self) {
        either!(&mut self.connection, connection => {
            while connection.wants_write()
                && let Ok(ConnectionState::EncodeTlsData(mut data)) =
                    connection.process_tls_records(&mut []).state
            {
                encode(&mut data, &mut self.outgoing);
            }
        });
    }

    /// TLS 1.2 has no alert for a certificate that is missing; rustls sends that of TLS 1.3 all the same, in
    /// the clear. Go says that the handshake failed.
    fn say_it_in_old_words(&mut self) {
        const CERTIFICATE_REQUIRED: [u8; 7] = [21, 3, 3, 0, 2, 2, 116];
        const HANDSHAKE_FAILURE: u8 = 40;
        if self.connection.state().protocol_version() == Some(ProtocolVersion::TLSv1_2)
            && self.outgoing.ends_with(&CERTIFICATE_REQUIRED)
            && let Some(alert) = self.outgoing.last_mut()
        {
            *alert = HANDSHAKE_FAILURE;
        }
    }

    fn check_pins(&self) -> Result<(), SessionError> {
        if self.pins.is_empty() {
            return Ok(());
        }
        let first = self.connection.state().peer_certificates().and_then(|certificates| certificates.first());
        let pin = first.and_then(|der| Certificate::read(der)).map(|certificate| certificate.spki_sha256);
        if pin.is_some_and(|pin| self.pins.contains(&pin)) {
            Ok(())
        } else {
            Err(SessionError::NotPinned { key: pin })
        }
    }

    /// Whether the peer said that nothing more comes.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// What the handshake came to; `None` before it is over.
    pub fn secured(&self) -> Option<Secured> {
        let state = self.connection.state();
        let version = state.protocol_version().and_then(Version::of)?;
        let cipher_suite = state.negotiated_cipher_suite().and_then(CipherSuite::of)?;
        let certificates = state.peer_certificates().unwrap_or_default();
        let certificates = certificates.iter().filter_map(|der| Certificate::read(der)).collect();
        self.secured.then_some(Secured { version, cipher_suite, certificates })
    }

    /// Encrypts pieces of what the peer is to get, as much as there is room for; returns how much that was.
    /// Whoever calls it has sent what was [`Self::outgoing`] before.
    ///
    /// # Errors
    /// The handshake is not over, or the session has come to its end.
    pub fn seal<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a [u8]>,
        into: &mut Sealed,
    ) -> Result<usize, SessionError> {
        if self.failed {
            return Err(SessionError::NotOpen);
        }
        either!(&mut self.connection, connection => loop {
            match connection.process_tls_records(&mut self.incoming).state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let encrypt = |plain: &[u8], room: &mut [u8]| traffic.encrypt(plain, room);
                    return into.fill(pieces, encrypt).map_err(|_| SessionError::NotOpen);
                }
                // rustls has something to say first, such as new keys.
                Ok(ConnectionState::EncodeTlsData(mut data)) => encode(&mut data, &mut self.outgoing),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                _ => return Err(SessionError::NotOpen),
            }
        })
    }

    /// What has to be sent before anything else.
    pub fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }

    /// The socket took so many bytes of [`Self::outgoing`].
    pub fn on_sent(&mut self, count: usize) {
        self.outgoing.drain(..count);
        if self.outgoing.is_empty() {
            self.outgoing = Vec::new();
        }
    }

    /// Keeps what the socket did not take of what was sealed.
    pub fn keep(&mut self, rest: &[u8]) {
        self.outgoing.extend_from_slice(rest);
    }

    /// Whether someone else could go on from here: no record is cut in two, and nothing waits to be sent.
    pub fn is_between_records(&self) -> bool {
        self.secured
            && !self.closed
            && !self.failed
            && self.incoming.is_empty()
            && self.outgoing.is_empty()
            && !self.connection.state().wants_write()
    }

    /// Gives the keys away, for someone else to go on from here. A peer that has just asked for new keys is
    /// not answered any more, and will notice.
    ///
    /// # Errors
    /// It is not [between records](Self::is_between_records), or the policy does not allow it.
    pub fn hand_over(self) -> Result<Handover, SessionError> {
        if !self.is_between_records() {
            return Err(SessionError::NotOpen);
        }
        let version =
            self.connection.state().protocol_version().and_then(Version::of).ok_or(SessionError::NotOpen)?;
        let secrets = either!(self.connection, connection => {
            connection.dangerous_into_kernel_connection().map(|(secrets, _)| secrets)
        });
        let secrets = secrets.map_err(SessionError::Protocol)?;
        let keys = |secrets| Keys::new(version, secrets).ok_or(SessionError::NotOpen);
        Ok(Handover { version, sending: keys(secrets.tx)?, receiving: keys(secrets.rx)? })
    }

    /// Puts the goodbye where [`Self::outgoing`] is: nothing can be sealed any more.
    pub fn close(&mut self) {
        if self.failed {
            return;
        }
        either!(&mut self.connection, connection => loop {
            match connection.process_tls_records(&mut self.incoming).state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let mut goodbye = [0; GOODBYE_BYTES_MAX];
                    if let Ok(count) = traffic.queue_close_notify(&mut goodbye) {
                        self.outgoing.extend_from_slice(&goodbye[..count]);
                    }
                    return;
                }
                // Nobody hears it any more.
                Ok(ConnectionState::ReadTraffic(mut traffic)) => while traffic.next_record().is_some() {},
                // The end of a handshake, say.
                Ok(ConnectionState::EncodeTlsData(mut data)) => encode(&mut data, &mut self.outgoing),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                _ => return,
            }
        });
    }
}

fn encode<Data>(data: &mut EncodeTlsData<'_, Data>, into: &mut Vec<u8>) {
    let start = into.len();
    match data.encode(&mut []) {
        Ok(_) | Err(EncodeError::AlreadyEncoded) => {}
        Err(EncodeError::InsufficientSize(needed)) => {
            into.resize(start + needed.required_size, 0);
            data.encode(&mut into[start..]).expect("there is as much room as it asked for");
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("secured", &self.secured)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
