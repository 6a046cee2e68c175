//! The body of a request, within its bounds.

use std::pin::pin;
use std::time::Duration;

use http_api::{Kind, Problem};
use hyper::body::{Body as _, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// How long a body may take to come.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);

/// Bytes of all bodies that are here at a time. Whoever has more is told that there are too many.
pub(crate) const BODIES_BYTES_MAX: usize = 256 << 20;

/// A body, and its share of the room for bodies.
pub(crate) struct Collected<'r> {
    pub(crate) bytes: Vec<u8>,
    _share: Option<SemaphorePermit<'r>>,
}

/// All of the body.
///
/// # Errors
/// It is too long, or too slow, or not what it says, or there is no room for it. The connection is of no use any more.
pub(crate) async fn collect(
    body: Incoming,
    bytes_max: usize,
    room: &Semaphore,
) -> Result<Collected<'_>, Problem> {
    let late = |_| {
        let seconds = BODY_TIME_MAX.as_secs();
        Problem::new(Kind::SlowBody, format!("a body has to come within {seconds} s"))
    };
    timeout(BODY_TIME_MAX, all(body, bytes_max, room)).await.map_err(late)?
}

async fn all(body: Incoming, bytes_max: usize, room: &Semaphore) -> Result<Collected<'_>, Problem> {
    let too_large = || Problem::new(Kind::TooLarge, format!("a body has {bytes_max} bytes at most"));
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    let (mut body, mut bytes) = (pin!(body), Vec::new());
    let mut share: Option<SemaphorePermit<'_>> = None;
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let odd = |_| Problem::new(Kind::BadRequest, "the body is not what its head says");
        let Ok(data) = frame.map_err(odd)?.into_data() else { continue };
        if bytes.len() + data.len() > bytes_max {
            return Err(too_large());
        }
        let full = |_| Problem::new(Kind::TooMany, "there is no room for more bodies at this time");
        let more = room.try_acquire_many(u32::try_from(data.len()).unwrap_or(u32::MAX)).map_err(full)?;
        match &mut share {
            Some(share) => share.merge(more),
            None => share = Some(more),
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Collected { bytes, _share: share })
}
