//! What must hold for any first bytes at all.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tls_session::{Acceptor, HandshakeFirst, Policy};

use crate::testing::acceptor;
use crate::{Ended, News, Tools, Transport};

/// All ways a connection may begin.
static ACCEPTORS: LazyLock<Vec<Arc<Acceptor>>> = LazyLock::new(|| {
    let firsts =
        [HandshakeFirst::Never, HandshakeFirst::Always, HandshakeFirst::Wait(Duration::from_millis(1))];
    let ways = firsts.into_iter().flat_map(|first| [false, true].map(|allow| (first, allow)));
    ways.map(|(handshake_first, allow_non_tls)| {
        acceptor(Policy { handshake_first, allow_non_tls, ..Policy::default() }).0
    })
    .collect()
});

/// Reads `data` as what a client sends first, in every way a connection may begin; the first byte says how it is
/// cut, and whether the client takes its time before it.
pub fn first_bytes(data: &[u8]) {
    let [how, data @ ..] = data else { return };
    let piece = usize::from(how >> 1) + 1;
    for acceptor in &*ACCEPTORS {
        let whole = Run::new(acceptor, how % 2 == 1, data.chunks(usize::MAX));
        let cut = Run::new(acceptor, how % 2 == 1, data.chunks(piece));
        assert_eq!(whole, cut, "the cuts do not matter");
        whole.check(acceptor.policy(), data);
    }
}

/// What came of a connection.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    is_clear: bool,
    said: Vec<u8>,
    /// What the client is sent.
    sent: Vec<u8>,
    has_failed: bool,
}

impl Run {
    fn new<'a>(acceptor: &Arc<Acceptor>, is_late: bool, pieces: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut run = Self { is_clear: false, said: Vec::new(), sent: Vec::new(), has_failed: false };
        let mut transport =
            Transport::new(Arc::clone(acceptor), 0, |news| run.hear(news)).expect("no rate limit");
        let mut now = 0;
        if is_late && let Some(deadline) = transport.next_deadline() {
            now = deadline;
            let outcome = transport.on_deadline(now, |news| run.hear(news));
            run.note(outcome);
            assert!(transport.next_deadline().is_none_or(|next| next > now), "time goes on");
        }
        for piece in pieces {
            if run.has_failed {
                break;
            }
            let outcome =
                transport.receive(now, &mut piece.to_vec(), &mut Tools::default(), |news| run.hear(news));
            run.note(outcome);
            while let Some(done) = transport.take_step(now).and_then(|step| step.run()) {
                let outcome =
                    transport.on_done(done, now, &mut Tools::default(), |_, _| false, |news| run.hear(news));
                run.note(outcome);
            }
            assert_eq!(transport.is_clear(), run.is_clear);
            run.sent.extend_from_slice(transport.outgoing());
            transport.on_sent(transport.outgoing().len());
        }
        run
    }

    fn hear(&mut self, news: News<'_>) {
        match news {
            News::Clear => self.is_clear = true,
            News::Said(bytes) => {
                assert!(self.is_clear, "it is not known yet who says it");
                self.said.extend_from_slice(bytes);
            }
            News::Secured { .. } => panic!("a handshake has to know what it is answered"),
            News::Refused(_) | News::Upgraded(_) | News::Frames { .. } => panic!("there is no WebSocket"),
            News::Greet | News::Securing => {}
        }
    }

    fn note(&mut self, outcome: Result<(), Ended>) {
        self.has_failed |= outcome.is_err();
    }

    fn check(&self, policy: &Policy, data: &[u8]) {
        assert_eq!(self.said, if self.is_clear { data } else { b"" });
        assert!(!self.is_clear || policy.allow_non_tls, "it has to be secured");
        assert!(!self.is_clear || (self.sent.is_empty() && !self.has_failed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_begin_a_connection_or_end_it(data in vec(any::<u8>(), 0..60)) {
            first_bytes(&data);
        }

        #[test]
        fn so_do_any_bytes_behind_the_head_of_a_handshake(how in any::<u8>(), rest in vec(any::<u8>(), 0..60)) {
            first_bytes(&[&[how, 0x16, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3][..], &rest].concat());
        }
    }

    #[test]
    fn words_of_other_protocols_begin_a_connection_or_end_it() {
        let words =
            [&b"CONNECT {}\r\nPING\r\n"[..], b"GET / HTTP/1.1\r\n\r\n", b"\x16", b"\x80\x2e\x01\x03", b""];
        for words in words {
            (0..=u8::MAX).step_by(5).for_each(|how| first_bytes(&[&[how], words].concat()));
        }
    }
}
