//! What was told of a stream of messages so far, and what follows.

use std::time::Duration;

use http_api::{Follow, OfStream, Received, Session, Source, Told, Writer, entry, of_stream};
use tokio::time::Instant;

/// What a sample is counted for.
const SECOND: Duration = Duration::from_secs(1);

/// What was told so far.
pub(crate) struct Telling {
    pub(crate) writer: Writer,
    pub(crate) follow: Follow,
    told: usize,
    /// Messages of a second, of which some are told.
    second: Instant,
    told_of_second: u32,
    skipped: u64,
    /// All that was there at the beginning has been told.
    is_at_last: bool,
}

impl Telling {
    /// `pending` messages are there already.
    pub(crate) fn new(follow: Follow, pending: u64) -> Self {
        Self {
            writer: Writer::new(follow.format, follow.shape),
            follow,
            told: 0,
            second: Instant::now(),
            told_of_second: 0,
            skipped: 0,
            is_at_last: pending == 0,
        }
    }

    /// Writes what came. If that was the end: why, if it is the server who ends it.
    pub(crate) fn tell(
        &mut self,
        told: Vec<Told>,
        session: &mut Session,
        text: &mut Vec<u8>,
    ) -> Option<Option<String>> {
        for told in told {
            if self.is_over() {
                break;
            }
            match told {
                Told::Message(message) => self.message(&message, session, text),
                Told::Ended(failure) => return Some(Some(failure.problem("").detail)),
                _ => {}
            }
        }
        self.is_over().then_some(None)
    }

    fn is_over(&self) -> bool {
        let is_enough = self.follow.limit.is_some_and(|limit| self.told >= limit);
        is_enough || self.follow.ends_at_last && self.is_at_last
    }

    fn message(&mut self, message: &Received, session: &mut Session, text: &mut Vec<u8>) {
        if self.follow.source == Source::Subject {
            if self.is_of_sample(text) {
                self.told += 1;
                text.extend(self.writer.message(message, None, None));
            }
            return;
        }
        match of_stream(message) {
            Ok(of) => self.of_stream(&of, text),
            // A server that is not told that all has come sends no more.
            Err(answer) => drop(answer.map(|answer| session.publish(&answer))),
        }
    }

    fn of_stream(&mut self, of: &OfStream, text: &mut Vec<u8>) {
        self.is_at_last = of.pending == 0;
        if !self.is_of_sample(text) {
            return;
        }
        let told = match self.follow.source {
            Source::Subject | Source::Stream => Some(self.writer.message(&of.message, Some(of.seq), None)),
            source => entry(source, of, &mut self.writer),
        };
        self.told += usize::from(told.is_some());
        text.extend(told.unwrap_or_default());
    }

    /// Whether it is among those of its second that are told; others are counted.
    fn is_of_sample(&mut self, text: &mut Vec<u8>) -> bool {
        let Some(most) = self.follow.sample else { return true };
        if self.second.elapsed() >= SECOND {
            text.extend(self.left_out());
            (self.second, self.told_of_second) = (Instant::now(), 0);
        }
        let is_told = self.told_of_second < most;
        self.told_of_second += u32::from(is_told);
        self.skipped += u64::from(!is_told);
        is_told
    }

    /// How many were left out since that was told last; nothing if none were.
    pub(crate) fn left_out(&mut self) -> Vec<u8> {
        match std::mem::take(&mut self.skipped) {
            0 => Vec::new(),
            skipped => self.writer.skipped(skipped),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_api::{Credentials, Format, Shape};

    use super::*;
    use crate::tail::tests::follow;

    fn message(subject: &str, reply: Option<&str>) -> Told {
        Told::Message(Received {
            subject: subject.into(),
            reply: reply.map(Into::into),
            payload: b"x".to_vec(),
            ..Received::default()
        })
    }

    fn lines(follow: Follow, pending: u64, told: Vec<Told>) -> (String, bool) {
        let mut session = Session::new(&Credentials::None, "x", "u");
        let mut telling =
            Telling::new(Follow { format: Format::Lines, shape: Shape::Text, ..follow }, pending);
        let mut text = Vec::new();
        let is_over = telling.tell(told, &mut session, &mut text).is_some();
        text.extend(telling.left_out());
        (String::from_utf8(text).unwrap(), is_over)
    }

    #[test]
    fn of_a_flood_a_few_are_told_and_the_others_counted() {
        let told = (0..5).map(|_| message("a", None)).collect();
        let (text, is_over) = lines(Follow { sample: Some(2), ..follow() }, 0, told);
        assert_eq!(text.matches("\"subject\":\"a\"").count(), 2);
        assert!(text.ends_with("{\"skipped\":3}\n") && !is_over, "{text}");
    }

    #[test]
    fn what_is_there_is_told_and_then_it_ends() {
        let keys = || Follow { source: Source::Keys, ends_at_last: true, ..follow() };
        let (text, is_over) = lines(keys(), 2, vec![message("$KV.b.one", Some("$JS.ACK.S.C.1.1.1.0.1"))]);
        assert_eq!((&*text, is_over), ("\"one\"\n", false));
        let both = vec![
            message("$KV.b.one", Some("$JS.ACK.S.C.1.1.1.0.1")),
            message("$KV.b.two", Some("$JS.ACK.S.C.1.2.2.0.0")),
        ];
        assert_eq!(lines(keys(), 2, both), ("\"one\"\n\"two\"\n".to_owned(), true));
        assert_eq!(lines(keys(), 0, Vec::new()), (String::new(), true), "there is nothing");
    }
}
