//! Connections that each keep so many requests without an answer.
//!
//! Every request has a number, and its answer comes to a subject with that number: one that is missing, doubled,
//! or to nothing that was asked, fails the run.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nats_proto::Message;

use crate::epoll::Epoll;
use crate::jetstream::link::{ANSWER_WAIT_MAX, JsConnection, READ_BYTES};
use crate::jetstream::numbered;
use crate::jetstream::window::Window;
use crate::latency::{Latencies, Latency};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::server::Server;

/// What is asked, and what an answer means.
pub(crate) trait Job {
    /// Appends request `number` of a connection, which is to be answered to `numbered::answers`.
    fn ask(&mut self, asker: usize, number: u64, out: &mut Vec<u8>);

    /// Takes the answer; each comes once.
    fn on_answer(&mut self, asker: usize, number: u64, answer: &Message<'_>) -> Result<()>;
}

pub(crate) struct Askers {
    askers: Vec<Asker>,
    epoll: Epoll,
    scratch: Vec<u8>,
    asked: u64,
    answered: u64,
    latencies: Latencies,
    progress: Progress,
}

struct Asker {
    link: JsConnection,
    window: Window,
}

impl Askers {
    pub(crate) fn open(server: &Server, count: usize, window: u32, progress: Progress) -> Result<Self> {
        let epoll = Epoll::new()?;
        let mut dialer = server.dialer();
        let open = |index: usize| {
            let answers = numbered::answers(u32::try_from(index)?);
            let link = JsConnection::open(&mut dialer, &epoll, &answers, index)?;
            Ok(Asker { link, window: Window::new(window as usize) })
        };
        let askers = (0..count).map(open).collect::<Result<_>>()?;
        let scratch = vec![0; READ_BYTES];
        Ok(Self { askers, epoll, scratch, asked: 0, answered: 0, latencies: Latencies::new(), progress })
    }

    /// Asks until the plan has enough, and waits for every answer: how many there were.
    pub(crate) fn play(&mut self, plan: Plan, job: &mut impl Job) -> Result<u64> {
        for index in 0..self.askers.len() {
            self.ask(index, &plan, job)?;
        }
        let mut ready = Vec::new();
        while self.answered < self.asked {
            ready.clear();
            ready.extend(self.epoll.wait(ANSWER_WAIT_MAX)?.map(|ready| ready.token));
            ensure!(!ready.is_empty(), "{} answers never came", self.unanswered());
            for index in &ready {
                self.receive(*index, job)?;
                self.ask(*index, &plan, job)?;
            }
            self.progress.show(|| self.answered);
        }
        Ok(self.answered)
    }

    pub(crate) fn latency(&self) -> Latency {
        self.latencies.summary()
    }

    fn unanswered(&self) -> usize {
        self.askers.iter().map(|asker| asker.window.unanswered()).sum()
    }

    /// Fills the window of one, as far as its socket goes along.
    fn ask(&mut self, index: usize, plan: &Plan, job: &mut impl Job) -> Result<()> {
        let Asker { link, window } = &mut self.askers[index];
        loop {
            let now = Instant::now();
            while window.has_room() && !link.is_full() && plan.wants_more(self.asked) {
                job.ask(index, window.ask(now), link.outbox());
                self.asked += 1;
            }
            link.flush()?;
            // A full socket says when it has room again; nobody else would have the rest of the window asked.
            if !link.is_flushed() || !window.has_room() || !plan.wants_more(self.asked) {
                return Ok(());
            }
        }
    }

    fn receive(&mut self, index: usize, job: &mut impl Job) -> Result<()> {
        let Asker { link, window } = &mut self.askers[index];
        link.receive(&mut self.scratch, |answer, _| {
            let number = numbered::answered(answer.subject)?;
            self.latencies.record(window.answer(number)?.elapsed());
            self.answered += 1;
            job.on_answer(index, number, answer).with_context(|| format!("message {number} of {index}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::fake::{self, Request};
    use crate::jetstream::publishing::Publishing;

    fn publish(answer: impl FnMut(&Request, u64) -> Option<Vec<u8>> + Send + 'static) -> Result<u64> {
        publish_by(2, answer)
    }

    /// Publishers with ten publishes each in flight put a hundred into a stream whose server answers with what
    /// `answer` makes of each, by how many came before.
    fn publish_by(
        publishers: u32,
        answer: impl FnMut(&Request, u64) -> Option<Vec<u8>> + Send + 'static,
    ) -> Result<u64> {
        publish_payloads(16, publishers, answer)
    }

    fn publish_payloads(
        payload_bytes: usize,
        publishers: u32,
        mut answer: impl FnMut(&Request, u64) -> Option<Vec<u8>> + Send + 'static,
    ) -> Result<u64> {
        let mut count = 0;
        let server = fake::serve(move |request| {
            count += 1;
            answer(request, count - 1)
        });
        let mut publishing = Publishing::by_publisher(&["bench".to_owned()], publishers, payload_bytes);
        let mut askers = Askers::open(&server, publishers as usize, 10, Progress::new("test", "acks"))?;
        let answered = askers.play(Plan::of_number(100), &mut publishing)?;
        assert_eq!(publishing.count(), answered);
        Ok(answered)
    }

    fn ack(request: &Request, seq: u64) -> Vec<u8> {
        request.answered(&format!(r#"{{"stream":"bench","seq":{}}}"#, seq + 1))
    }

    fn failure(answer: impl FnMut(&Request, u64) -> Option<Vec<u8>> + Send + 'static) -> String {
        format!("{:#}", publish(answer).unwrap_err())
    }

    #[test]
    fn every_publish_is_answered_once_pings_aside() {
        let answered = publish(|request, seq| Some([b"PING\r\n".to_vec(), ack(request, seq)].concat()));
        assert_eq!(answered.unwrap(), 100);
    }

    #[test]
    fn answers_may_come_late_and_in_another_order() {
        let mut kept = Vec::new();
        // What is kept is for whoever speaks next: it has to be the same.
        let answered = publish_by(1, move |request, seq| {
            kept.insert(0, ack(request, seq));
            Some(if seq % 5 == 4 { std::mem::take(&mut kept).concat() } else { Vec::new() })
        });
        assert_eq!(answered.unwrap(), 100);
    }

    #[test]
    fn a_window_is_filled_however_large_its_messages_are() {
        let mut kept = Vec::new();
        let answered = publish_payloads(100_000, 1, move |request, seq| {
            kept.extend(ack(request, seq));
            // Nothing is answered before all that may be asked was asked.
            Some(if seq % 10 == 9 { std::mem::take(&mut kept) } else { Vec::new() })
        });
        assert_eq!(answered.unwrap(), 100);
    }

    #[test]
    fn an_answer_that_is_doubled_strange_or_an_error_fails() {
        let doubled = failure(|request, seq| Some([ack(request, seq), ack(request, 1_000 + seq)].concat()));
        assert!(doubled.contains("0 was answered twice"), "{doubled}");
        let stray = || Some(fake::message("_INBOX.bench.0.0000000077", "", br#"{"stream":"bench","seq":1}"#));
        let strange = failure(move |_, _| stray());
        assert!(strange.contains("an answer to 77, which was not asked yet"), "{strange}");
        let full = r#"{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}"#;
        let refused = failure(|request, _| Some(request.answered(full)));
        assert!(refused.contains("maximum messages exceeded (10077)"), "{refused}");
        let same = failure(|request, seq| Some(ack(request, seq / 2)));
        assert!(same.contains("was given twice"), "{same}");
        let gone = failure(|request, seq| (seq < 50).then(|| ack(request, seq)));
        assert!(gone.contains("closed the connection") || gone.contains("reset"), "{gone}");
    }
}
