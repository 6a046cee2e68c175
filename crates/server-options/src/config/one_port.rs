//! `one_port`: a port that takes all who come. nats-server has no such key.

use std::time::Duration;

use nats_conf::{Data, Entry};
use nats_proto::GoDuration;

use crate::config::host_port::{host_port, split};
use crate::config::report::Report;
use crate::config::row::Effect::{Any, Integer, Text};
use crate::config::row::Idle::{EmptyBlock, EmptyText};
use crate::config::row::{Row, Set, UNKNOWN_FIELD, read_block, row};
use crate::draft::{Draft, OnePortDraft};
use crate::reading::put;

/// The longest that a client may say nothing before it is greeted.
const WAIT_MAX: Duration = Duration::from_secs(5);

// One line a row: read across, it is the whole story of a key.
#[rustfmt::skip]
static TABLE: &[Row<OnePortDraft>] = &[
    row(&["listen"], Any(listen)),
    row(&["port"], Integer(|block, port| put(&mut block.port, port))),
    row(&["host", "net"], Text(|block, host| put(&mut block.host, host.to_owned()))),
    row(&["wait"], Text(|block, text| put(&mut block.wait, Some(wait(text)?)))),
    row(&["tls"], Any(|_, _, _| {})).until(Some((EmptyBlock, "such a port speaks no TLS to browsers"))),
    row(&["advertise"], Text(|_, _| Ok(()))).until(Some((EmptyText, "nobody is told of such a port"))),
];

pub(crate) fn read_one_port(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    match &entry.value.data {
        Data::Bool(on) => draft.one_port.is_on = *on,
        Data::Map(map) => {
            draft.one_port.is_on = true;
            read_block(map, TABLE, UNKNOWN_FIELD, &mut draft.one_port, report);
        }
        other => {
            let found = other.type_name();
            report.refuse(&entry.value, format!("Expected one_port to be true, false or a map, got {found}"));
        }
    }
}

fn listen(block: &mut OnePortDraft, entry: &Entry, report: &mut Report) {
    match host_port(&entry.value) {
        Ok((host, port)) => (block.host, block.port) = (host, port),
        Err(reason) => report.refuse(&entry.value, reason),
    }
}

/// `--one-port`: a host and a port.
pub(crate) fn place(draft: &mut Draft, text: &str) -> Set {
    let (host, port) = split(text).ok_or("must be a host and a port, as 127.0.0.1:8080")?;
    let port = port.parse().map_err(|_| "must be a host and a port, as 127.0.0.1:8080")?;
    (draft.one_port.is_on, draft.one_port.host, draft.one_port.port) = (true, host.to_owned(), port);
    Ok(())
}

/// How long a client may say nothing.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    let time = GoDuration::parse(text).map_err(|error| error.to_string())?;
    let length = Some(time.length()).filter(|length| !time.is_negative() && *length <= WAIT_MAX);
    length.ok_or_else(|| "must be a time from 0s to 5s".to_owned())
}
