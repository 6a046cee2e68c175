//! What a stream is told of the world while it decides.

use streams::Around;

use crate::consumer_set::ConsumerSet;
use crate::disk::Disk;
use crate::medium::{Medium, Messages};
use crate::room::Room;
use crate::turn::Turn;

/// Has something decided with what there is around a stream.
#[inline]
pub(crate) fn decide<T>(
    turn: &mut Turn<'_>,
    room: &Room,
    consumers: &ConsumerSet,
    (medium, disk): (&Medium, &mut Option<Disk>),
    act: impl FnOnce(&mut Around<'_>) -> T,
) -> T {
    let nuid = &mut *turn.nuid;
    act(&mut Around {
        is_server_full: room.is_server_full,
        account_bytes_left: room.account_bytes_left,
        has_interest: &mut |subject| consumers.want(subject),
        random: &mut || nuid.number() as u32,
        shelf: &mut Messages { medium, disk },
        payload_bytes_max: turn.broker.settings().options.limits.payload_bytes_max,
    })
}
