//! WebSocket, between TLS or the socket and the protocol.
//!
//! First somebody asks, as often as it likes; the request that is granted makes the connection a WebSocket. From
//! then on what is received are frames, and what is sent becomes frames as the socket takes it.
//!
//! Always true: nothing is said for the client before its request was granted, and a frame that has begun is finished
//! before anything else is sent.

mod answers;
mod asked;
mod asking;
mod date;
mod outgoing;
mod policy;
mod pressed;
mod run;
mod talk;
mod tools;

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use tls_session::Secured;
use ws_frame::Close;

use crate::ended::Ended;
use crate::news::News;
use crate::tls::Tls;

use self::asking::{Asking, Granted};
use self::outgoing::Outgoing;
use self::talk::Talk;

pub(crate) use asked::Claim;
pub use policy::WebPolicy;
pub use tools::Tools;

/// What was received of a WebSocket, without its frames.
#[derive(Debug)]
pub struct InPlace {
    /// Where in the bytes payload stands. The rest is garbage.
    pub payload: Range<usize>,
    /// Where in the payload a frame ends and the next begins, to be [put back](Tools::put_back_cuts).
    pub cuts: Vec<usize>,
    /// What comes behind the payload: an error is the end.
    pub outcome: Result<(), Ended>,
}

/// WebSocket on one connection.
#[derive(Debug)]
pub(crate) struct Web {
    part: Part,
    pub(crate) out: Outgoing,
}

#[derive(Debug)]
enum Part {
    Asking(Box<Asking>),
    Talk(Talk),
    /// Nothing more is heard.
    Over,
}

impl Web {
    /// A connection whose client is to ask, from this address.
    pub(crate) fn new(policy: Arc<WebPolicy>, address: IpAddr) -> Self {
        let asking = Box::new(Asking::new(policy, address));
        Self { part: Part::Asking(asking), out: Outgoing::default() }
    }

    /// Whether nothing was granted yet.
    pub(crate) fn is_asking(&self) -> bool {
        matches!(self.part, Part::Asking(_))
    }

    /// What its handshake came to, which counts when its request is granted.
    pub(crate) fn on_secured(&mut self, secured: Secured) {
        if let Part::Asking(asking) = &mut self.part {
            asking.secured = Some(secured);
        }
    }

    /// Whether there is something to be sent beside what the protocol says.
    pub(crate) fn has_own_output(&self) -> bool {
        let has_pongs = matches!(&self.part, Part::Talk(talk) if talk.has_pongs());
        !self.out.rest().is_empty() || (has_pongs && self.out.is_between_frames())
    }

    /// What its request takes of the room for all.
    pub(crate) fn claim(&self) -> Option<&Claim> {
        match &self.part {
            Part::Asking(asking) => Some(&asking.claim),
            Part::Talk(_) | Part::Over => None,
        }
    }

    /// Whether its request has waited until others were done, and may go on.
    pub(crate) fn resume(&mut self, tools: &mut Tools) -> bool {
        match &mut self.part {
            Part::Asking(asking) => tools.asked.resume(&mut asking.claim),
            Part::Talk(_) | Part::Over => true,
        }
    }

    /// Takes bytes, which are garbage afterwards.
    ///
    /// # Errors
    /// Nothing more may be received.
    pub(crate) fn receive(
        &mut self,
        input: &mut [u8],
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<(), Ended> {
        let asking = match &mut self.part {
            Part::Asking(asking) => asking,
            Part::Talk(talk) => return talk.receive(input, tools, tell),
            Part::Over => return Ok(()),
        };
        let outcome = asking.receive(input, &mut self.out, tools, tell);
        if let Ok(None) = outcome {
            return Ok(());
        }
        tools.asked.withdraw(&mut asking.claim);
        self.part = Part::Over;
        if let Some(granted) = outcome? {
            self.grant(granted, tell);
        }
        Ok(())
    }

    /// Whether payload can stay where it was received: [`Self::receive_in_place`].
    pub(crate) fn stays_in_place(&self) -> bool {
        matches!(&self.part, Part::Talk(talk) if talk.stays_in_place())
    }

    /// Takes bytes whose payload stays where they are.
    pub(crate) fn receive_in_place(&mut self, input: &mut [u8], tools: &mut Tools) -> InPlace {
        match &mut self.part {
            Part::Talk(talk) => talk.receive_in_place(input, tools),
            Part::Asking(_) | Part::Over => unreachable!("only messages stay in place"),
        }
    }

    fn grant(&mut self, granted: Granted, tell: &mut impl FnMut(News<'_>)) {
        let Granted { upgrade, secured, payload_bytes_max } = granted;
        self.part = Part::Talk(Talk::new(upgrade.agreed, upgrade.taste, payload_bytes_max));
        let ws_frame::Cookies { user, password, token, .. } = upgrade.cookies;
        let client_ip = upgrade.client_ip;
        tell(News::Upgraded(Box::new(crate::news::GrantedUpgrade {
            secured,
            user,
            password,
            token,
            client_ip,
        })));
    }

    /// Makes the next frame of what waits, if the last one is finished: so many bytes, in these pieces.
    pub(crate) fn prepare<'a>(
        &mut self,
        len: usize,
        pieces: impl Iterator<Item = &'a [u8]> + Clone,
        tools: &mut Tools,
    ) {
        if let Part::Talk(talk) = &mut self.part {
            talk.prepare(len, pieces, &mut self.out, tools);
        }
    }

    /// Makes the last frame: what came in may have to be answered, or else `close` says why the connection ends.
    /// There is none if another frame is unfinished, or if nobody would understand it.
    pub(crate) fn say_goodbye(&mut self, close: Option<Close>) -> bool {
        match &mut self.part {
            Part::Talk(talk) if self.out.is_between_frames() => talk.say_goodbye(close, &mut self.out),
            _ => false,
        }
    }
}

/// What TLS says, which may not be changed where it is.
pub(crate) fn receive_sealed(
    web: &mut Web,
    tls: &mut Tls,
    input: &mut [u8],
    tools: &mut Tools,
    tell: &mut impl FnMut(News<'_>),
) -> Result<(), Ended> {
    let mut outcome = Ok(());
    let of_tls = tls.receive(input, &mut |news| {
        if let News::Said(bytes) = news
            && outcome.is_ok()
        {
            outcome = receive_copied(web, bytes, tools, tell);
        }
    });
    outcome.and(of_tls)
}

/// Receives bytes that may not be changed.
pub(crate) fn receive_copied(
    web: &mut Web,
    bytes: &[u8],
    tools: &mut Tools,
    tell: &mut impl FnMut(News<'_>),
) -> Result<(), Ended> {
    let mut copied = tools.take_copied();
    copied.extend_from_slice(bytes);
    let outcome = web.receive(&mut copied, tools, tell);
    tools.put_back(copied);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_websocket_takes_56_bytes() {
        assert_eq!(size_of::<Web>(), 56);
    }
}
