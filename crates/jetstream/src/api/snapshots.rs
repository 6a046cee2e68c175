//! STREAM.SNAPSHOT and STREAM.RESTORE: what is wrong with them is said, and then that there is no such thing yet.

use js_proto::{
    ApiError, RequestBody, StreamRestoreRequest, StreamSnapshotAnswer, StreamSnapshotRequest, errors,
};

use super::told::{may_ask, told};
use crate::directory::Directory;
use crate::home::Home;
use crate::request::Request;
use crate::step::Step;
use crate::turn::Turn;

/// Why there is none.
const MISSING: &str = "not supported yet";

pub(super) fn snapshot(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    told::<StreamSnapshotAnswer>(Err(why_no_snapshot(home, turn, request)))
}

fn why_no_snapshot(home: &mut Home, turn: &Turn<'_>, request: &Request) -> ApiError {
    let checked = may_ask(home, request).and_then(|()| {
        if !request.body.is_empty() && request.body.trim_ascii() != b"{}" {
            home.stream(request.account, request.stream())?;
        }
        StreamSnapshotRequest::read(&request.body, turn.config.unknown_fields)?;
        home.stream(request.account, request.stream()).map(drop)
    });
    checked.err().unwrap_or_else(|| errors::STREAM_SNAPSHOT.with(&[&MISSING]))
}

/// Why there is none.
pub(crate) fn why_no_restore(
    home: &mut Home,
    directory: &Directory,
    turn: &Turn<'_>,
    request: &Request,
) -> ApiError {
    let account = request.account;
    let checked = may_ask(home, request).and_then(|()| {
        let mut asked = StreamRestoreRequest::read(&request.body, turn.config.unknown_fields)?;
        asked.settle_name(&request.asked())?;
        let limits = turn.config.limits_for(home.account(account).limits(), &asked.config);
        let config = asked.config.settled(&limits, false)?;
        match directory.find(account, &config.name) {
            Some(_) => Err(errors::STREAM_NAME_EXIST_RESTORE_FAILED.error()),
            None => Ok(()),
        }
    });
    checked.err().unwrap_or_else(|| errors::STREAM_RESTORE.with(&[&MISSING]))
}
