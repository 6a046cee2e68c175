//! A message, and what decides who gets it.

use nats_proto::Publish;

use crate::party::Origin;

/// A message, and what decides who gets it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope<'m> {
    pub(crate) origin: Origin,
    /// The subject that selects who gets it. They are shown the one in `publish`, most often the same.
    pub(crate) selects: &'m [u8],
    pub(crate) publish: &'m Publish<'m>,
}

impl<'m> Envelope<'m> {
    /// A message for those who want the subject that it shows.
    pub(crate) fn new(origin: impl Into<Origin>, publish: &'m Publish<'m>) -> Self {
        Self { origin: origin.into(), selects: publish.subject, publish }
    }

    /// What selects, if it is not what is shown.
    pub(crate) fn other_subject(&self) -> Option<&'m [u8]> {
        (!std::ptr::eq(self.selects, self.publish.subject)).then_some(self.selects)
    }
}
