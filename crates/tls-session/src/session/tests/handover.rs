//! Who gets a session's keys goes on where it stopped: here a stand-in that does what the kernel does.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::*;
use crate::handover::{Cipher, Keys};

const HEADER: usize = 5;
const EXPLICIT: usize = 8;
const TAG: usize = 16;
const APPLICATION_DATA: u8 = 0x17;

struct Direction {
    version: Version,
    keys: Keys,
    key: LessSafeKey,
}

impl Direction {
    fn new(version: Version, keys: Keys) -> Self {
        let algorithm = match keys.cipher {
            Cipher::Aes128Gcm => &AES_128_GCM,
            Cipher::Aes256Gcm => &AES_256_GCM,
            Cipher::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, keys.key()).unwrap());
        Self { version, keys, key }
    }

    fn counts_up(&self) -> bool {
        self.version == Version::Tls12 && self.keys.cipher != Cipher::ChaCha20Poly1305
    }

    /// The nonce of the next record, where the peer knows it.
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.keys.nonce;
        nonce[4..].iter_mut().zip(self.keys.sequence.to_be_bytes()).for_each(|(at, by)| *at ^= by);
        nonce
    }

    fn aad(&self, header: [u8; HEADER], plain: usize) -> Vec<u8> {
        match self.version {
            Version::Tls13 => header.to_vec(),
            Version::Tls12 => {
                let length = u16::try_from(plain).unwrap().to_be_bytes();
                [&self.keys.sequence.to_be_bytes()[..], &header[..3], &length].concat()
            }
        }
    }

    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut inner = plain.to_vec();
        inner.extend((self.version == Version::Tls13).then_some(APPLICATION_DATA));
        let explicit = if self.counts_up() { EXPLICIT } else { 0 };
        let length = u16::try_from(explicit + inner.len() + TAG).unwrap().to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, length[0], length[1]];
        let nonce = if self.counts_up() { self.keys.nonce } else { self.nonce() };
        let aad = Aad::from(self.aad(header, inner.len()));
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut inner).unwrap();
        if self.counts_up() {
            let next = u64::from_be_bytes(nonce[4..].try_into().unwrap()).wrapping_add(1);
            self.keys.nonce[4..].copy_from_slice(&next.to_be_bytes());
        }
        self.keys.sequence += 1;
        [&header[..], &nonce[4..][..explicit], &inner].concat()
    }

    fn open(&mut self, record: &[u8]) -> Vec<u8> {
        let (header, body) = record.split_first_chunk::<HEADER>().unwrap();
        let mut nonce = self.nonce();
        let mut body = body.to_vec();
        if self.counts_up() {
            let explicit: Vec<u8> = body.drain(..EXPLICIT).collect();
            nonce[4..].copy_from_slice(&explicit);
        }
        let aad = Aad::from(self.aad(*header, body.len() - TAG));
        let plain = self.key.open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut body).unwrap();
        self.keys.sequence += 1;
        let mut plain = plain.to_vec();
        if self.version == Version::Tls13 {
            assert_eq!(plain.pop(), Some(APPLICATION_DATA));
        }
        plain
    }
}

/// A pair that agreed on one of our suites and has spoken both ways.
fn in_conversation(suite: CipherSuite, authority: &Authority) -> Pair {
    let policy = Policy { hand_over: true, ..Policy::default() };
    let acceptor =
        Acceptor::new(&Config { policy, ..config([authority.sign(&params("a.example"))]) }).unwrap();
    let mut pair = Pair::new(Brings { suite: Some(suite), ..Brings::nothing(authority) }.client(), &acceptor);
    assert!(!pair.session.is_between_records());
    pair.settle(usize::MAX).unwrap();
    assert_eq!(pair.session.secured().unwrap().cipher_suite, suite);
    for _ in 0..3 {
        pair.client.writer().write_all(b"PING\r\n").unwrap();
        pair.settle(usize::MAX).unwrap();
        pair.say(b"PONG\r\n");
    }
    pair
}

fn suites() -> impl Iterator<Item = CipherSuite> {
    // The certificate's key is not one of RSA.
    CIPHER_SUITES.into_iter().filter(|suite| !suite.as_str().contains("_RSA_"))
}

#[test]
fn whoever_gets_the_keys_goes_on_in_every_suite() {
    let authority = Authority::new();
    for suite in suites() {
        let Pair { mut client, session, .. } = in_conversation(suite, &authority);
        let handover = session.hand_over().unwrap();
        assert_eq!(handover.version == Version::Tls13, suite.is_tls13());
        let mut sending = Direction::new(handover.version, handover.sending);
        let mut receiving = Direction::new(handover.version, handover.receiving);
        for round in 0..3 {
            client.writer().write_all(format!("PUB {round}").as_bytes()).unwrap();
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            assert_eq!(receiving.open(&wire), format!("PUB {round}").as_bytes(), "{suite:?}");
            client.read_tls(&mut &sending.seal(b"+OK")[..]).unwrap();
            client.process_new_packets().unwrap();
            let mut heard = [0; 3];
            client.reader().read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"+OK", "{suite:?}");
        }
    }
}

/// The keys were handed over with the nonce that the first record had had: whoever sees both records of
/// AES-GCM learns the key that authenticates.
#[test]
fn no_nonce_is_used_again() {
    let authority = Authority::new();
    for suite in suites().filter(|suite| !suite.is_tls13() && suite.as_str().contains("GCM")) {
        let mut pair = in_conversation(suite, &authority);
        pair.session.seal([&b"PONG\r\n"[..]].into_iter(), &mut pair.sealed).unwrap();
        let used = pair.sealed.bytes()[HEADER];
        let next = pair.session.hand_over().unwrap().sending.nonce[4];
        assert_eq!((used ^ next) & 0x80, 0x80, "the highest bit tells them apart");
    }
}

#[test]
fn keys_are_given_away_only_where_that_is_wanted_and_between_records() {
    let authority = Authority::new();
    let acceptor = Acceptor::new(&config([authority.sign(&params("a.example"))])).unwrap();
    let mut pair = Pair::new(Brings::nothing(&authority).client(), &acceptor);
    pair.settle(usize::MAX).unwrap();
    assert!(pair.session.is_between_records());
    assert!(matches!(pair.session.hand_over(), Err(SessionError::Protocol(_))));

    let mut pair = in_conversation(suites().next().unwrap(), &authority);
    pair.client.writer().write_all(b"PING\r\n").unwrap();
    let mut wire = Vec::new();
    pair.client.write_tls(&mut wire).unwrap();
    let (half, rest) = wire.split_at_mut(9);
    pair.session.receive(half, |_| panic!("it is not whole")).unwrap();
    assert!(!pair.session.is_between_records());
    pair.session.receive(rest, |_| ()).unwrap();
    assert!(pair.session.is_between_records());
    pair.session.keep(b"what a full socket left");
    assert!(!pair.session.is_between_records());
    assert_eq!(pair.session.hand_over().unwrap_err(), SessionError::NotOpen);
}

#[test]
fn keys_do_not_show() {
    let authority = Authority::new();
    let handover = in_conversation(suites().next().unwrap(), &authority).session.hand_over().unwrap();
    let shown = format!("{handover:?}");
    assert_eq!(
        shown,
        "Handover { version: Tls13, sending: Keys { cipher: Aes128Gcm, .. }, receiving: Keys { cipher: Aes128Gcm, .. } }"
    );
}
