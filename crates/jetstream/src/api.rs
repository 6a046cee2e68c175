//! Requests and their answers.
//!
//! What is wrong with a request is said in nats-server's order: the level of the API that it asks for, the account,
//! the body, then what it is about.

mod consumer_orders;
mod consumers;
mod groups;
mod info;
pub(crate) mod lists;
mod messages;
pub(crate) mod snapshots;
pub(crate) mod streams;
pub(crate) mod told;
pub(crate) mod uniqueness;

use js_proto::{
    AccountInfoAnswer, ApiAnswer, ConsumerCreateAnswer, ConsumerDeleteAnswer, ConsumerInfoAnswer,
    ConsumerListAnswer, ConsumerNamesAnswer, ConsumerPauseAnswer, ConsumerResetAnswer,
    ConsumerStepdownAnswer, ConsumerUnpinAnswer, MsgDeleteAnswer, MsgGetAnswer, RequestKind,
    StreamCreateAnswer, StreamDeleteAnswer, StreamInfoAnswer, StreamListAnswer, StreamNamesAnswer,
    StreamPurgeAnswer, StreamRemovePeerAnswer, StreamRestoreAnswer, StreamSnapshotAnswer,
    StreamStepdownAnswer, StreamUpdateAnswer, SystemAnswer, errors,
};
use serde::Serialize;
use stream_log::{AppendError, Room};

use self::told::{may_ask, told};
use crate::disk::Disk;
use crate::home::Home;
use crate::publishes::refusal;
use crate::request::Request;
use crate::step::{Answer, Job, Step};
use crate::turn::Turn;

/// Answers a request about a stream, or does a part of what it asks for. What is about the directory is answered by who
/// has that.
pub(crate) fn answer(home: &mut Home, turn: &mut Turn<'_>, request: &Request, job: &mut Job) -> Step {
    use RequestKind as Kind;
    let kind = request.asked().kind;
    if !home.may_show() {
        return Step::Answer(log_failed(kind));
    }
    if home.account(request.account).is_system && kind != Kind::AccountInfo {
        return of_system(kind);
    }
    if is_logged(kind) {
        match home.room_in_log() {
            Room::Later => return Step::Later,
            Room::Failed => return Step::Answer(log_failed(kind)),
            // What is answered has to be there after a restart, be it that something is gone.
            Room::DiskFull if !home.disk.as_ref().is_none_or(Disk::has_reserve) => {
                return Step::Answer(not_stored(kind, &AppendError::DiskFull));
            }
            Room::Yes | Room::DiskFull => {}
        }
    }
    match kind {
        Kind::StreamCreate => streams::create(home, turn, request, job),
        Kind::StreamUpdate => streams::update(home, turn, request, job),
        Kind::StreamDelete => streams::delete(home, turn, request, job),
        Kind::StreamInfo => info::info(home, turn, request, job),
        Kind::StreamPurge => streams::purge(home, turn, request),
        Kind::StreamSnapshot => snapshots::snapshot(home, turn, request, job),
        Kind::StreamRestore => snapshots::restore(home, turn, request),
        Kind::StreamMsgGet => messages::get(home, turn, request, job),
        Kind::StreamMsgDelete => messages::delete(home, turn, request),
        Kind::ConsumerCreate | Kind::ConsumerCreateNamed | Kind::ConsumerDurableCreate => {
            consumers::create(home, turn, request, job)
        }
        Kind::ConsumerNames => lists::consumer_names(home, turn, request),
        Kind::ConsumerList => lists::consumers(home, turn, request, job),
        Kind::ConsumerInfo => consumers::info(home, turn, request, job),
        Kind::ConsumerDelete => consumers::delete(home, turn, request, job),
        Kind::ConsumerPause => consumer_orders::pause(home, turn, request),
        Kind::ConsumerReset => consumer_orders::reset(home, turn, request, job),
        Kind::ConsumerUnpin => consumer_orders::unpin(home, turn, request),
        Kind::StreamLeaderStepdown => clusters_only::<StreamStepdownAnswer>(home, request),
        Kind::StreamPeerRemove => clusters_only::<StreamRemovePeerAnswer>(home, request),
        Kind::ConsumerLeaderStepdown => clusters_only::<ConsumerStepdownAnswer>(home, request),
        _ => Step::Silence,
    }
}

/// Whether it may come to a record of its own in the log.
fn is_logged(kind: RequestKind) -> bool {
    use RequestKind as Kind;
    matches!(
        kind,
        Kind::StreamCreate
            | Kind::StreamDelete
            | Kind::StreamRestore
            | Kind::ConsumerCreate
            | Kind::ConsumerCreateNamed
            | Kind::ConsumerDurableCreate
            | Kind::ConsumerDelete
            | Kind::ConsumerPause
            | Kind::ConsumerReset
    )
}

/// The answer to a request that cannot be kept: the log takes nothing any more.
pub(crate) fn log_failed(kind: RequestKind) -> Answer {
    not_stored(kind, &AppendError::Failed)
}

fn not_stored(kind: RequestKind, why: &AppendError) -> Answer {
    use RequestKind as Kind;
    fn refused<A: ApiAnswer + Serialize>(why: &AppendError) -> Answer {
        Answer::of::<A>(Err(refusal(why)))
    }
    match kind {
        Kind::AccountInfo => refused::<AccountInfoAnswer>(why),
        Kind::StreamCreate => refused::<StreamCreateAnswer>(why),
        Kind::StreamUpdate => refused::<StreamUpdateAnswer>(why),
        Kind::StreamDelete => refused::<StreamDeleteAnswer>(why),
        Kind::StreamInfo => refused::<StreamInfoAnswer>(why),
        Kind::StreamPurge => refused::<StreamPurgeAnswer>(why),
        Kind::StreamNames => refused::<StreamNamesAnswer>(why),
        Kind::StreamList => refused::<StreamListAnswer>(why),
        Kind::StreamSnapshot => refused::<StreamSnapshotAnswer>(why),
        Kind::StreamRestore => refused::<StreamRestoreAnswer>(why),
        Kind::StreamMsgGet => refused::<MsgGetAnswer>(why),
        Kind::StreamMsgDelete => refused::<MsgDeleteAnswer>(why),
        Kind::StreamLeaderStepdown => refused::<StreamStepdownAnswer>(why),
        Kind::StreamPeerRemove => refused::<StreamRemovePeerAnswer>(why),
        Kind::ConsumerNames => refused::<ConsumerNamesAnswer>(why),
        Kind::ConsumerList => refused::<ConsumerListAnswer>(why),
        Kind::ConsumerInfo => refused::<ConsumerInfoAnswer>(why),
        Kind::ConsumerDelete => refused::<ConsumerDeleteAnswer>(why),
        Kind::ConsumerPause => refused::<ConsumerPauseAnswer>(why),
        Kind::ConsumerReset => refused::<ConsumerResetAnswer>(why),
        Kind::ConsumerUnpin => refused::<ConsumerUnpinAnswer>(why),
        Kind::ConsumerLeaderStepdown => refused::<ConsumerStepdownAnswer>(why),
        Kind::ConsumerCreate | Kind::ConsumerCreateNamed | Kind::ConsumerDurableCreate => {
            refused::<ConsumerCreateAnswer>(why)
        }
        _ => refused::<SystemAnswer>(why),
    }
}

/// What the system account may ask for.
pub(crate) fn of_system(kind: RequestKind) -> Step {
    match kind {
        RequestKind::MetaLeaderStepdown
        | RequestKind::ServerRemove
        | RequestKind::AccountStreamMove
        | RequestKind::AccountStreamCancelMove => Step::Silence,
        _ => told::<SystemAnswer>(Err(errors::NOT_ENABLED_FOR_ACCOUNT.error())),
    }
}

/// What a server that is alone does not do.
fn clusters_only<A: ApiAnswer + Serialize>(home: &mut Home, request: &Request) -> Step {
    let enabled = may_ask(home, request);
    told::<A>(enabled.and(Err(errors::CLUSTER_REQUIRED.error())))
}
