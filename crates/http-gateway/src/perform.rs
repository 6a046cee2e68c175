//! Questions to the server, and what comes of them within their time.

use std::rc::Rc;
use std::time::Duration;

use http_api::{Failure, Outgoing, Received, Wants};
use tokio::time::{Instant, timeout_at};

use crate::client::{Client, Pending};

/// Bytes of the replies to one question. What comes beyond is left out, and the answer ends there.
const REPLY_BYTES_MAX: usize = 64 << 20;

/// A question under way.
pub(crate) struct Performing {
    pending: Result<Pending, Failure>,
    wants: Wants,
    deadline: Instant,
}

/// Begins it.
pub(crate) async fn begin(
    client: &Rc<Client>,
    message: &Outgoing,
    wants: Wants,
    timeout: Duration,
) -> Performing {
    let deadline = Instant::now() + timeout;
    let pending = match timeout_at(deadline, client.has_room()).await {
        Err(_) => Err(Failure::TimedOut),
        Ok(()) => match wants {
            Wants::Pong => client.fenced(None),
            Wants::Fence => client.fenced(Some(message)),
            Wants::Reply | Wants::Replies { .. } => client.ask(message),
            Wants::Pulled { .. } => client.pull(message),
        },
    };
    Performing { pending, wants, deadline }
}

impl Performing {
    /// Waits for it to end.
    pub(crate) async fn end(self) -> Result<Vec<Received>, Failure> {
        gather(self.pending?, self.wants, self.deadline).await
    }
}

async fn gather(pending: Pending, wants: Wants, deadline: Instant) -> Result<Vec<Received>, Failure> {
    let (mut gathered, mut bytes, mut until) = (Vec::new(), 0, deadline);
    loop {
        let reply = match timeout_at(until, pending.replies.take()).await {
            Ok(Ok(Some(reply))) => reply,
            Ok(Ok(None)) => return Ok(gathered),
            Ok(Err(failure)) if gathered.is_empty() => return Err(failure),
            Err(_) if gathered.is_empty() => return Err(Failure::TimedOut),
            _ => return Ok(gathered),
        };
        bytes += reply.bytes();
        let is_last = match wants {
            Wants::Replies { max, stall } => {
                until = deadline.min(Instant::now() + stall);
                gathered.len() + 1 >= max
            }
            // A heartbeat says nothing, and any other status that no more comes.
            Wants::Pulled { .. } if reply.status() == Some(100) => continue,
            Wants::Pulled { max } => {
                let is_last = reply.status().is_some() || gathered.len() + 1 >= max;
                if is_last {
                    pending.finish();
                }
                is_last
            }
            _ => true,
        };
        gathered.push(reply);
        if is_last || bytes > REPLY_BYTES_MAX {
            return Ok(gathered);
        }
    }
}
