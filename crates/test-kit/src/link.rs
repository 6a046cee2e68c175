//! A TCP proxy before a server, which a test slows down, stalls and cuts as a network does.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How soon a change of the link counts.
const LOOK_EVERY: Duration = Duration::from_millis(10);

const PIECE_BYTES: usize = 16 << 10;

/// A way to a server. Dropping it cuts it for good.
#[derive(Debug)]
pub struct Link {
    addr: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_over: AtomicBool,
    is_stalled: AtomicBool,
    /// 0 is as fast as it goes.
    bytes_per_second: AtomicU64,
    /// How often it was cut: connections of before end.
    cuts: AtomicU64,
    accepted: AtomicU64,
}

impl Link {
    /// A link to the server at `target`, which need not be there yet.
    ///
    /// # Errors
    ///
    /// When the machine has no socket left.
    pub fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let state = Arc::new(State::default());
        let seen = Arc::clone(&state);
        thread::spawn(move || accept(&listener, target, &seen));
        Ok(Self { addr, state })
    }

    /// Where to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Nothing passes any more, either way, and nobody is told: connections stay.
    pub fn stall(&self) {
        self.state.is_stalled.store(true, Ordering::SeqCst);
    }

    /// What was stalled passes.
    pub fn go_on(&self) {
        self.state.is_stalled.store(false, Ordering::SeqCst);
    }

    /// So much passes each way, of each connection; 0 is all.
    pub fn limit(&self, bytes_per_second: u64) {
        self.state.bytes_per_second.store(bytes_per_second, Ordering::SeqCst);
    }

    /// Connections end. New ones are taken.
    pub fn cut(&self) {
        self.state.cuts.fetch_add(1, Ordering::SeqCst);
    }

    /// How many connections there ever were.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.state.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        self.cut();
        // So that the listener looks; it is gone if this fails.
        let _ = TcpStream::connect(self.addr);
    }
}

fn accept(listener: &TcpListener, target: SocketAddr, state: &Arc<State>) {
    for near in listener.incoming() {
        if state.is_over.load(Ordering::SeqCst) {
            return;
        }
        state.accepted.fetch_add(1, Ordering::SeqCst);
        // Without the other end this one ends, as if nobody listened.
        let Ok(near) = near else { continue };
        let Ok(far) = TcpStream::connect(target) else { continue };
        let cuts = state.cuts.load(Ordering::SeqCst);
        for (from, to) in [(&near, &far), (&far, &near)] {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
            let state = Arc::clone(state);
            thread::spawn(move || {
                // An error is an end like another: both sides see it.
                let _ = pass(&from, &to, &state, cuts);
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    }
}

/// Passes on what comes, until either end is over or the link is cut.
fn pass(mut from: &TcpStream, mut to: &TcpStream, state: &State, cuts: u64) -> io::Result<()> {
    from.set_read_timeout(Some(LOOK_EVERY))?;
    let mut piece = vec![0; PIECE_BYTES];
    while state.cuts.load(Ordering::SeqCst) == cuts {
        if state.is_stalled.load(Ordering::SeqCst) {
            thread::sleep(LOOK_EVERY);
            continue;
        }
        let limit = state.bytes_per_second.load(Ordering::SeqCst);
        // As much as passes between two looks.
        let share = (limit / 100).clamp(1, PIECE_BYTES as u64) as usize;
        let room = if limit == 0 { PIECE_BYTES } else { share };
        match from.read(&mut piece[..room]) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                to.write_all(&piece[..count])?;
                if limit > 0 {
                    thread::sleep(LOOK_EVERY);
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link in the state that `set` gives it before anything is connected:
    /// what passes never sees another.
    fn through(set: impl Fn(&Link)) -> (Link, TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let link = Link::to(listener.local_addr().unwrap()).unwrap();
        set(&link);
        let near = TcpStream::connect((Ipv4Addr::LOCALHOST, link.port())).unwrap();
        let far = listener.accept().unwrap().0;
        (link, near, far)
    }

    #[test]
    fn what_is_stalled_comes_once_it_goes_on() {
        let (link, mut near, mut far) = through(Link::stall);
        near.write_all(b"two").unwrap();
        let mut got = [0; 3];
        far.set_read_timeout(Some(LOOK_EVERY * 10)).unwrap();
        assert!(far.read_exact(&mut got).is_err());
        far.set_read_timeout(None).unwrap();
        link.go_on();
        far.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"two");
    }

    #[test]
    fn a_cut_ends_both_and_a_limit_slows() {
        let (link, mut near, mut far) = through(|link| link.limit(100_000));
        let start = std::time::Instant::now();
        near.write_all(&[7; 10_000]).unwrap();
        far.read_exact(&mut [0; 10_000]).unwrap();
        // Nine waits between ten pieces, each at least so long.
        assert!(start.elapsed() >= LOOK_EVERY * 9);
        link.cut();
        assert!(matches!(far.read(&mut [0]), Ok(0) | Err(_)));
        assert!(matches!(near.read(&mut [0]), Ok(0) | Err(_)));
        assert_eq!(link.accepted(), 1);
    }
}
