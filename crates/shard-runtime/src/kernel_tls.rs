//! TLS in the kernel: what it offers, and a connection that it is to go on with.
//!
//! From the moment that it has the keys the socket takes and gives plain bytes. What the peer sends beside
//! data (it says goodbye, or wants new keys) makes a receive fail, until someone asks for it.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::sys::socket::sockopt::{TcpTlsRx, TcpTlsTx, TcpUlp, TlsCryptoInfo};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SetSockOpt, TlsGetRecordType, recvmsg};
use tls_session::{Cipher, Handover, Keys, Version};

use crate::error::RuntimeError;
use crate::sys::send_record;

/// The type of a record that is an alert.
const ALERT: u8 = 21;

/// The alert that says goodbye: a warning, and its number.
const CLOSE_NOTIFY: [u8; 2] = [1, 0];

const VERSIONS: [Version; 2] = [Version::Tls12, Version::Tls13];
const CIPHERS: [Cipher; 3] = [Cipher::Aes128Gcm, Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305];

/// What the kernel's TLS can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelTls {
    takes: Vec<(Version, Cipher)>,
}

impl KernelTls {
    /// Asks the kernel, on connections of this process to itself.
    ///
    /// # Errors
    /// It offers no TLS, or none that we could use.
    pub fn probe() -> Result<Self, RuntimeError> {
        let mut takes = Vec::new();
        let mut refused = None;
        for version in VERSIONS {
            for cipher in CIPHERS {
                match try_out(version, cipher) {
                    Ok(()) => takes.push((version, cipher)),
                    Err(error) => refused = refused.or(Some(error)),
                }
            }
        }
        match refused {
            Some(error) if takes.is_empty() => Err(RuntimeError::NoKernelTls(error)),
            _ => Ok(Self { takes }),
        }
    }

    /// Whether it knows this cipher in this version.
    pub(crate) fn takes(&self, version: Version, cipher: Cipher) -> bool {
        self.takes.contains(&(version, cipher))
    }
}

fn try_out(version: Version, cipher: Cipher) -> io::Result<()> {
    let (near, _far) = connection_to_oneself()?;
    attach(near.as_fd())?;
    let info = crypto_info(version, cipher, &[0; 32], [0; 12], 0);
    Ok(TcpTlsTx.set(&near, &info).and_then(|()| TcpTlsRx.set(&near, &info))?)
}

/// The kernel has TLS for connections only that are established.
fn connection_to_oneself() -> io::Result<(TcpStream, TcpStream)> {
    let loopback: [SocketAddr; 2] = [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
    let listener = TcpListener::bind(&loopback[..])?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    Ok((near, listener.accept()?.0))
}

/// Makes TLS an option of this connection; nothing changes yet.
///
/// # Errors
/// The kernel has none.
pub(crate) fn attach(socket: BorrowedFd<'_>) -> io::Result<()> {
    Ok(TcpUlp::<&[u8]>::default().set(&socket, &&b"tls"[..])?)
}

/// Has the kernel go on with a connection.
///
/// # Errors
/// It refuses. The connection is of no use any more.
pub(crate) fn take_over(socket: BorrowedFd<'_>, handover: &Handover) -> io::Result<()> {
    let info =
        |keys: &Keys| crypto_info(handover.version, keys.cipher, keys.key(), keys.nonce, keys.sequence);
    TcpTlsTx.set(&socket, &info(&handover.sending))?;
    Ok(TcpTlsRx.set(&socket, &info(&handover.receiving))?)
}

/// The same in the kernel's words. It takes as much of `key` as the cipher needs.
fn crypto_info(
    version: Version,
    cipher: Cipher,
    key: &[u8],
    nonce: [u8; 12],
    sequence: u64,
) -> TlsCryptoInfo {
    let version = match version {
        Version::Tls12 => libc::TLS_1_2_VERSION,
        Version::Tls13 => libc::TLS_1_3_VERSION,
    };
    let info = |cipher_type| libc::tls_crypto_info { version, cipher_type };
    let [salt @ .., _, _, _, _, _, _, _, _] = nonce;
    let [_, _, _, _, iv @ ..] = nonce;
    let rec_seq = sequence.to_be_bytes();
    match cipher {
        Cipher::Aes128Gcm => TlsCryptoInfo::Aes128Gcm(libc::tls12_crypto_info_aes_gcm_128 {
            info: info(libc::TLS_CIPHER_AES_GCM_128),
            iv,
            key: first(key),
            salt,
            rec_seq,
        }),
        Cipher::Aes256Gcm => TlsCryptoInfo::Aes256Gcm(libc::tls12_crypto_info_aes_gcm_256 {
            info: info(libc::TLS_CIPHER_AES_GCM_256),
            iv,
            key: first(key),
            salt,
            rec_seq,
        }),
        Cipher::ChaCha20Poly1305 => {
            TlsCryptoInfo::Chacha20Poly1305(libc::tls12_crypto_info_chacha20_poly1305 {
                info: info(libc::TLS_CIPHER_CHACHA20_POLY1305),
                iv: nonce,
                key: first(key),
                salt: [],
                rec_seq,
            })
        }
    }
}

fn first<const N: usize>(key: &[u8]) -> [u8; N] {
    *key.first_chunk().expect("a key is as long as its cipher wants it")
}

/// Tells the peer that nothing more comes. It is a courtesy: what does not fit is not said.
pub(crate) fn say_goodbye(socket: BorrowedFd<'_>) {
    let _ = send_record(socket, ALERT, &CLOSE_NOTIFY);
}

/// After a receive that failed: whether that was the peer's goodbye.
pub(crate) fn said_goodbye(socket: BorrowedFd<'_>) -> bool {
    let mut alert = [0; CLOSE_NOTIFY.len()];
    let mut control = nix::cmsg_space!(TlsGetRecordType);
    let mut pieces = [IoSliceMut::new(&mut alert)];
    let outcome = recvmsg::<()>(socket.as_raw_fd(), &mut pieces, Some(&mut control), MsgFlags::MSG_DONTWAIT);
    let is_alert = outcome.is_ok_and(|message| {
        let is_whole = message.bytes == CLOSE_NOTIFY.len();
        let kind = message.cmsgs().ok().and_then(|mut controls| controls.next());
        is_whole && kind == Some(ControlMessageOwned::TlsGetRecordType(TlsGetRecordType::Alert))
    });
    // The level does not matter: TLS 1.3 has it ignored.
    is_alert && alert[1] == CLOSE_NOTIFY[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Either way is tested, wherever this runs: by what the kernel itself says that it has.
    #[test]
    fn what_the_kernel_has_is_found() {
        let offered = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_ulp").unwrap_or_default();
        match KernelTls::probe() {
            Ok(kernel) => assert!(kernel.takes(Version::Tls13, Cipher::Aes128Gcm), "{kernel:?}"),
            Err(error) => {
                assert!(!offered.split_whitespace().any(|name| name == "tls"), "{offered}: {error}");
                assert!(error.to_string().contains("modprobe tls"), "{error}");
            }
        }
    }

    #[test]
    fn keys_are_put_where_the_kernel_looks_for_them() {
        let key: [u8; 32] = std::array::from_fn(|at| at as u8);
        let nonce: [u8; 12] = std::array::from_fn(|at| 100 + at as u8);
        let TlsCryptoInfo::Aes128Gcm(info) = crypto_info(Version::Tls12, Cipher::Aes128Gcm, &key, nonce, 258)
        else {
            panic!("another cipher")
        };
        assert_eq!((info.info.version, info.info.cipher_type), (0x303, 51));
        assert_eq!((&info.key[..], &info.salt[..], &info.iv[..]), (&key[..16], &nonce[..4], &nonce[4..]));
        assert_eq!(info.rec_seq, [0, 0, 0, 0, 0, 0, 1, 2]);
        let TlsCryptoInfo::Chacha20Poly1305(info) =
            crypto_info(Version::Tls13, Cipher::ChaCha20Poly1305, &key, nonce, 0)
        else {
            panic!("another cipher")
        };
        assert_eq!((info.info.version, info.info.cipher_type), (0x304, 54));
        assert_eq!((info.key, info.iv), (key, nonce));
    }
}
