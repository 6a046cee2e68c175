//! The mailbox of a service, and what becomes of a message that finds it full.

use fabric::{Letter, Mailbox};

/// Bytes in a mailbox above which clients that publish to its service wait. It may hold more by a connection's share, and
/// by what each other shard had under way when it heard of that: batches go on, as they bring more than letters.
const MAILBOX_BYTES_MAX: usize = 4 << 20;

/// Bytes of what services publish that a mailbox holds, whatever else is in it. They never wait for a mailbox: two that
/// publish to each other's shards could wait for each other. What comes beyond that is lost, and the service is told so. It
/// is lost in nats-server, too, once so much waits for a stream; services that publish to services do not hear whether
/// they got it.
const SERVICE_MAIL_BYTES_MAX: usize = 32 << 20;

#[derive(Debug, Default)]
pub(crate) struct Letterbox {
    mailbox: Mailbox,
    /// Bytes of it that may not be more than [`SERVICE_MAIL_BYTES_MAX`], but for the last message.
    of_services: usize,
    /// Messages that found so much, since somebody asked.
    lost: u64,
}

impl Letterbox {
    /// Puts a message in, if there is room for it.
    pub(crate) fn receive(&mut self, letter: &Letter<'_>, is_of_service: bool) {
        if !is_of_service {
            return self.mailbox.push(letter);
        }
        if self.of_services >= SERVICE_MAIL_BYTES_MAX {
            self.lost += 1;
            return;
        }
        let before = self.mailbox.len();
        self.mailbox.push(letter);
        self.of_services += self.mailbox.len() - before;
    }

    /// Whether clients have to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.mailbox.len() >= MAILBOX_BYTES_MAX
    }

    /// Takes everything out of it, for an empty one.
    pub(crate) fn take(&mut self, empty: &mut Mailbox) {
        debug_assert!(empty.is_empty(), "what was taken has been read");
        std::mem::swap(&mut self.mailbox, empty);
        self.of_services = 0;
    }

    /// How many messages were lost since this was asked last.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}
