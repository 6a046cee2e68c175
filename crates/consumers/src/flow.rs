//! How far ahead of its reader a consumer may push.
//!
//! Half of the window delivered, the reader is asked; more than the window, nothing is delivered until it answers.
//! Each answer doubles the window. Only the last question counts.

/// Bytes that may be under way at most.
pub(crate) const WINDOW_BYTES_MAX: u64 = 32 << 20;

/// With what it begins.
const WINDOW_BYTES_FIRST: u64 = WINDOW_BYTES_MAX / 16;

#[derive(Debug)]
pub(crate) struct Flow {
    window: u64,
    outstanding: u64,
    question: Option<Question>,
}

#[derive(Debug)]
struct Question {
    /// Where the answer comes.
    subject: String,
    /// What was under way, and is not when it is answered.
    bytes: u64,
}

impl Default for Flow {
    fn default() -> Self {
        Self { window: WINDOW_BYTES_FIRST, outstanding: 0, question: None }
    }
}

impl Flow {
    pub(crate) fn is_stalled(&self) -> bool {
        self.outstanding > self.window
    }

    /// Where an answer is waited for.
    pub(crate) fn question(&self) -> Option<&str> {
        self.question.as_ref().map(|question| question.subject.as_str())
    }

    /// So much was delivered. Says whether the reader is to be asked.
    pub(crate) fn on_delivered(&mut self, bytes: u64) -> bool {
        self.outstanding += bytes;
        match &mut self.question {
            None => self.outstanding > self.window / 2,
            Some(question) => {
                if self.outstanding.saturating_sub(question.bytes) >= self.window {
                    question.bytes += bytes;
                }
                false
            }
        }
    }

    /// The reader is asked, there.
    pub(crate) fn ask(&mut self, subject: String) {
        self.question = Some(Question { subject, bytes: self.outstanding });
    }

    /// It answered, there. Says whether that was an answer to the question.
    pub(crate) fn on_answer(&mut self, subject: &[u8]) -> bool {
        let Some(question) = self.question.take_if(|question| question.subject.as_bytes() == subject) else {
            return false;
        };
        self.window = (self.window * 2).min(WINDOW_BYTES_MAX);
        self.outstanding = self.outstanding.saturating_sub(question.bytes);
        true
    }
}

/// Four letters that tell a question from others.
pub(crate) fn token(random: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = random;
    let digits = std::iter::repeat_with(|| {
        let digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
        char::from(digit)
    });
    digits.take(4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in the recording of 300 messages of 10,000 bytes: 105 until the question, 209 until the stall.
    #[test]
    fn the_reader_is_asked_at_half_the_window_and_waited_for_at_all_of_it() {
        let mut flow = Flow::default();
        let size = 10_000 + 1 + 24;
        let asked_at = (1..).find(|_| flow.on_delivered(size));
        assert_eq!(asked_at, Some(105));
        flow.ask("$JS.FC.S.C.abcd".into());
        let stalled_at = (106..).find(|_| {
            flow.on_delivered(size);
            flow.is_stalled()
        });
        assert_eq!(stalled_at, Some(210));
    }

    #[test]
    fn only_the_answer_to_the_last_question_counts() {
        let mut flow = Flow::default();
        flow.on_delivered(3 << 20);
        flow.ask("b".into());
        assert!(flow.is_stalled() && !flow.on_answer(b"a") && flow.is_stalled());
        assert!(flow.on_answer(b"b") && !flow.is_stalled());
        assert_eq!((flow.window, flow.outstanding, flow.question()), (4 << 20, 0, None));
        assert!(!flow.on_answer(b"b"));
        for _ in 0..9 {
            flow.ask("c".into());
            flow.on_answer(b"c");
        }
        assert_eq!(flow.window, WINDOW_BYTES_MAX);
    }

    #[test]
    fn tokens_are_four_letters() {
        assert_eq!((token(0), token(61), token(u64::MAX).len()), ("0000".into(), "z000".into(), 4));
    }
}
