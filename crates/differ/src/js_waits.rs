//! What JetStream says comes when it is ready, and no fence tells when that is.
//!
//! What is published with a reply that begins with [`ANSWERED`] gets one message to that in any case; the rest has come
//! when nothing comes for a while.

use std::time::Duration;

use crate::script::Step;
use crate::server_ops::{self, ServerOp};

/// Nothing comes for so long if nothing is to come. A machine that is busy can be later: such a case differs once, and not
/// again.
pub(crate) const SETTLED: Duration = Duration::from_millis(40);

/// A server that has not answered by then does not.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// In front of replies to what is answered whatever happens.
pub(crate) const ANSWERED: &str = "_R.";

/// The replies to which a step makes the server say something.
pub(crate) fn answered_in_time(step: &Step) -> Vec<Vec<u8>> {
    let Step::Send { pieces, .. } = step else { return Vec::new() };
    let said = pieces.concat();
    let lines = said.split(|byte| *byte == b'\n');
    let of_line = |line: &[u8]| {
        let mut words = line.trim_ascii().split(|byte| *byte == b' ');
        let verb = words.next()?;
        let is_publish = verb == b"PUB" || verb == b"HPUB";
        let reply = words.nth(1)?;
        (is_publish && reply.starts_with(ANSWERED.as_bytes())).then(|| reply.to_vec())
    };
    lines.filter_map(of_line).collect()
}

/// Whether there is a message to that subject in what came.
pub(crate) fn has_message(mut came: &[u8], subject: &[u8]) -> bool {
    while let Some((used, op)) = server_ops::next(came) {
        came = &came[used..];
        if matches!(op, ServerOp::Message(message) if message.subject == subject) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_be_answered_is_seen() {
        let step = Step::send(
            0,
            "PUB a _R.7 2\r\nhi\r\nPUB a _D.1 0\r\n\r\nHPUB b _R.8 0 0\r\n\r\nPUB a 1\r\nx\r\n",
        );
        assert_eq!(answered_in_time(&step), [b"_R.7".to_vec(), b"_R.8".to_vec()]);
        assert!(has_message(b"PONG\r\nMSG _R.7 jr_1 2\r\nhi\r\n", b"_R.7"));
        assert!(
            !has_message(b"MSG _R.7 jr_1 2\r\nhi", b"_R.7") && !has_message(b"MSG a 1 2\r\nhi\r\n", b"_R.7")
        );
    }
}
