//! Who is told what was found out: over HTTP, or by a message.

use monitor::{Answer, Moment};
use serde::Serialize;
use system::{Inquiry, Reply};

/// Whoever asked, once.
pub(crate) trait Audience {
    /// What goes back.
    type Told;

    /// What was found.
    fn tell(self, data: &impl Serialize) -> Self::Told;

    /// Why it is not to be had.
    fn refuse(self, why: Vec<u8>) -> Self::Told;
}

/// A request over HTTP.
pub(crate) struct Web;

impl Audience for Web {
    type Told = Answer;

    fn tell(self, data: &impl Serialize) -> Answer {
        Answer::json(data)
    }

    fn refuse(self, why: Vec<u8>) -> Answer {
        Answer::bad_request(why)
    }
}

/// A request by a message, at this time on the wall.
pub(crate) struct Messenger(pub(crate) Inquiry, pub(crate) Moment);

impl Audience for Messenger {
    type Told = Reply;

    fn tell(self, data: &impl Serialize) -> Reply {
        self.0.answer(self.1, data)
    }

    fn refuse(self, why: Vec<u8>) -> Reply {
        self.0.refuse(self.1, String::from_utf8_lossy(&why).into_owned())
    }
}
