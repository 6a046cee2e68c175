//! What values of options may be, and where they are put. An error is what is wrong with the value.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use balance::PlacementRule;
use broker::{BrokerOptions, WriteTimeout};
use fabric::SHARDS_MAX;
use shard_runtime::{BUSY_POLL_MAX, BackendChoice};

use crate::config::row::Set;
use crate::draft::Draft;
use crate::go_value::duration;
use crate::options::Options;

/// What is wrong with a number of shards outside of [`SHARDS_MAX`].
const SHARDS_RANGE: &str = "must be between 1 and 64";

pub(crate) fn put<T>(place: &mut T, value: T) -> Set {
    *place = value;
    Ok(())
}

/// Empty text counts as not given.
pub(crate) fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The same for paths.
pub(crate) fn path(value: &OsStr) -> Option<PathBuf> {
    Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty())
}

/// A size or number of which 0 stands for the default.
pub(crate) fn size(draft: &mut Draft, number: i64, place: fn(&mut Options) -> &mut usize) -> Set {
    let given = usize::try_from(number).map_err(|_| "is negative")?;
    let value = if given == 0 { *place(&mut Options::default()) } else { given };
    put(place(&mut draft.options), value)
}

/// A length of time of which 0 stands for the default.
pub(crate) fn length(draft: &mut Draft, time: Duration, place: fn(&mut Options) -> &mut Duration) {
    let value = if time.is_zero() { *place(&mut Options::default()) } else { time };
    *place(&mut draft.options) = value;
}

/// A limit of which 0 and less are none.
pub(crate) fn limit<T: TryFrom<i64>>(number: i64) -> Option<T> {
    T::try_from(number).ok().filter(|_| number > 0)
}

/// nats-server takes 0 for less than 0: nobody may connect.
pub(crate) fn max_connections(number: i64) -> i64 {
    if number == 0 { -1 } else { number }
}

pub(crate) fn max_sub_tokens(number: i64) -> Result<Option<u8>, String> {
    match number {
        256.. => Err("value is too big".to_owned()),
        1.. => Ok(limit(number)),
        _ => Err("value can not be negative".to_owned()),
    }
}

pub(crate) fn ping_max(number: i64) -> Result<u32, String> {
    let max = u32::try_from(number).map_err(|_| "is out of range")?;
    Ok(if max == 0 { BrokerOptions::default().ping_max } else { max })
}

/// How often something is told of that fails again and again: 0 is the default, and less as often as it happens.
pub(crate) fn reports(every: i64, default: u32) -> u32 {
    match every {
        0 => default,
        every => u32::try_from(every).unwrap_or(if every < 0 { 1 } else { u32::MAX }),
    }
}

pub(crate) fn write_timeout(policy: &str) -> Result<WriteTimeout, String> {
    match policy {
        "default" => Ok(WriteTimeout::Default),
        "close" => Ok(WriteTimeout::Close),
        "retry" => Ok(WriteTimeout::Retry),
        _ => Err("write_timeout must be 'default', 'close' or 'retry'".to_owned()),
    }
}

pub(crate) fn shards(number: i64) -> Result<usize, String> {
    limit(number).filter(|shards| *shards <= SHARDS_MAX).ok_or_else(|| SHARDS_RANGE.to_owned())
}

pub(crate) fn placement(rule: &OsStr) -> Result<PlacementRule, String> {
    match rule.as_encoded_bytes() {
        b"" | b"load" => Ok(PlacementRule::Load),
        b"spread" => Ok(PlacementRule::Spread),
        _ => Err("must be load or spread".to_owned()),
    }
}

pub(crate) fn backend(name: &OsStr) -> Result<BackendChoice, String> {
    match name.as_encoded_bytes() {
        b"" | b"auto" => Ok(BackendChoice::Auto),
        b"uring" => Ok(BackendChoice::Uring),
        b"epoll" => Ok(BackendChoice::Epoll),
        _ => Err("must be auto, uring or epoll".to_owned()),
    }
}

pub(crate) fn busy_poll(time: &OsStr) -> Result<Duration, String> {
    let time = duration(time)?;
    if time > BUSY_POLL_MAX { Err("must be between 0 and 1s".to_owned()) } else { Ok(time) }
}
