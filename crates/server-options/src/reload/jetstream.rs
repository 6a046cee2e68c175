//! What a reload may change of JetStream: the server may have more, and accounts whatever there is.
//!
//! Whether a key may change stands in its row of the block ([`TABLE`]); here is what takes more than a line.
//!
//! What accounts may have is not compared here: it is looked at in each reload, as nats-server does.

use nats_proto::{GoDuration, friendly_bytes};

use crate::config::jetstream::{CIPHER, DOMAIN, KEY, PREVIOUS_KEY, SYNC_INTERVAL, TABLE};
use crate::options::Options;
use crate::reload::rule::{NotReloadable, Outcome, fixed};

/// What streams are subject to may not change while there may be some. That there may be none any more, or some again, may
/// be said. What is wrong is said in nats-server's order.
pub(crate) fn jetstream(old: &Options, new: &Options) -> Outcome {
    let (was, is) = (&old.jetstream, &new.jetstream);
    if !was.is_on && !is.is_on {
        return Outcome::Same;
    }
    if was.is_on != is.is_on {
        return Outcome::Changed("JetStream".into());
    }
    let by_row = TABLE.iter().map(|row| row.rule.outcome(old, new));
    let mut changed = Outcome::Same;
    for outcome in by_row.chain([unset(old, new)]) {
        match outcome {
            Outcome::Same => {}
            Outcome::Refused(_) => return outcome,
            outcome => changed = outcome,
        }
    }
    changed
}

/// Whether JetStream may be there again after it was not: with what it was started with, which is still there.
///
/// # Errors
/// It was not started, or with something else that would have to be made anew.
pub fn jetstream_returns(started: &Options, new: &Options) -> Result<(), NotReloadable> {
    let (was, is) = (&started.jetstream, &new.jetstream);
    let is_elsewhere = started.store_dir != new.store_dir;
    let by_row = |names| {
        let row = TABLE.iter().find(|row| row.names == names).expect("it is a key of the block");
        row.rule.outcome(started, new)
    };
    let checks = [
        fixed("JetStream", was.is_on.to_string(), is.is_on.to_string()),
        by_row(SYNC_INTERVAL),
        by_row(DOMAIN),
        by_row(KEY),
        by_row(PREVIOUS_KEY),
        by_row(CIPHER),
        if is_elsewhere {
            Outcome::Refused(NotReloadable::to("jetstream storage directory"))
        } else {
            Outcome::Same
        },
    ];
    let refused = checks.into_iter().find_map(|outcome| match outcome {
        Outcome::Refused(refusal) => Some(refusal),
        _ => None,
    });
    refused.map_or(Ok(()), Err)
}

pub(crate) fn interval(options: &Options) -> String {
    let interval = options.jetstream.service.sync_interval;
    interval.map_or_else(|| "always".into(), |interval| GoDuration::of(interval).to_string())
}

/// nats-server says what the keys were and are to be, and whoever reads its log knows them.
pub(crate) fn key(old: &Options, new: &Options) -> Outcome {
    unchanged("JetStreamKey", old.jetstream.keys.current == new.jetstream.keys.current)
}

pub(crate) fn previous_key(old: &Options, new: &Options) -> Outcome {
    unchanged("JetStreamOldKey", old.jetstream.keys.previous == new.jetstream.keys.previous)
}

fn unchanged(what: &str, is_same: bool) -> Outcome {
    if is_same { Outcome::Same } else { Outcome::Refused(NotReloadable::to(what)) }
}

pub(crate) fn store_dir(old: &Options, new: &Options) -> Outcome {
    let is_same = old.store_dir == new.store_dir || new.store_dir.is_none();
    if is_same { Outcome::Same } else { Outcome::Refused(NotReloadable::to("jetstream storage directory")) }
}

/// What was said is not said any more: nats-server takes that for an end of JetStream at first.
fn unset(old: &Options, new: &Options) -> Outcome {
    let (was, is) = (&old.jetstream, &new.jetstream);
    let was_kept_elsewhere = old.store_dir.is_some() && new.store_dir.is_none();
    let gone = |was: Option<i64>, is: Option<i64>| was.is_some() && is.is_none();
    if gone(was.max_memory, is.max_memory) || gone(was.max_storage, is.max_storage) {
        return Outcome::Refused(NotReloadable::to("jetstream max memory and max store"));
    }
    if was_kept_elsewhere {
        Outcome::Refused(NotReloadable::to("jetstream storage dir"))
    } else {
        Outcome::Same
    }
}

/// As Go shows nats-server's limits.
pub(crate) fn limits(options: &Options) -> String {
    let limits = &options.jetstream.service.limits;
    let window = GoDuration(limits.duplicate_window.0);
    let (batch, timeout) = (&limits.batch, GoDuration(limits.batch.timeout.0));
    format!(
        "{{{} {} 0 {window} {} {} {} {timeout}}}",
        limits.max_request_batch,
        limits.max_ack_pending,
        batch.max_inflight_per_stream,
        batch.max_inflight_total,
        batch.max_msgs
    )
}

/// What the server may have: more than before, if it was said how much.
pub(crate) fn sizes(old: &Options, new: &Options) -> Outcome {
    let (was, is) = (&old.jetstream, &new.jetstream);
    let mut lines = Vec::new();
    for (name, was, is) in [
        ("max_mem_store", was.max_memory, is.max_memory),
        ("max_file_store", was.max_storage, is.max_storage),
    ] {
        match (was, is) {
            (Some(was), Some(is)) if is > was => {
                lines.push(format!("JetStream {name} = {}", friendly_bytes(is)));
            }
            (Some(was), Some(is)) if is < was => {
                let what = "decreasing jetstream max memory and store";
                return Outcome::Refused(NotReloadable::to(what));
            }
            (None, Some(_)) => {
                return Outcome::Refused(NotReloadable::to("jetstream dynamic max memory and store"));
            }
            _ => {}
        }
    }
    if lines.is_empty() { Outcome::Same } else { Outcome::AllChanged(lines) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jetstream::{Buffer, ScrubInterval, ServiceOptions};
    use js_proto::{Nanos, UnknownFields};
    use log_crypt::{Cipher, Keychain, Secret};

    use super::*;
    use crate::jetstream::JetStreamOptions;

    fn said(outcome: Outcome) -> Result<Vec<String>, String> {
        match outcome {
            Outcome::Same => Ok(Vec::new()),
            Outcome::AllChanged(lines) => Ok(lines),
            Outcome::Refused(refusal) => Err(refusal.to_string()),
            Outcome::Changed(line) | Outcome::Advertised(line) => Ok(vec![line]),
        }
    }

    fn options(max_memory: Option<i64>, max_storage: Option<i64>) -> Options {
        let jetstream =
            JetStreamOptions { is_on: true, max_memory, max_storage, ..JetStreamOptions::default() };
        Options { jetstream, store_dir: Some("/a".into()), ..Options::default() }
    }

    /// In the words of nats-server 2.14.5.
    #[test]
    fn the_server_may_have_more_but_not_less() {
        let of = |old: (Option<i64>, Option<i64>), new: (Option<i64>, Option<i64>)| {
            said(jetstream(&options(old.0, old.1), &options(new.0, new.1)))
        };
        let (mega, giga) = (Some(1 << 20), Some(1 << 30));
        assert_eq!(of((mega, giga), (mega, giga)), Ok(vec![]));
        let lines = ["JetStream max_mem_store = 2.00 MB", "JetStream max_file_store = 2.00 GB"];
        assert_eq!(of((mega, giga), (Some(2 << 20), Some(2 << 30))), Ok(lines.map(str::to_owned).to_vec()));
        let refused = |what: &str| Err(format!("config reload not supported for {what}"));
        assert_eq!(of((giga, giga), (mega, giga)), refused("decreasing jetstream max memory and store"));
        assert_eq!(of((None, giga), (mega, giga)), refused("jetstream dynamic max memory and store"));
        assert_eq!(of((giga, giga), (None, giga)), refused("jetstream max memory and max store"));
    }

    #[test]
    fn it_comes_back_as_it_was_started() {
        let started = options(None, None);
        let with = |change: fn(&mut Options)| {
            let mut new = started.clone();
            change(&mut new);
            jetstream_returns(&started, &new).map_err(|refusal| refusal.to_string())
        };
        assert_eq!(with(|new| new.jetstream.max_memory = Some(5)), Ok(()));
        let refused = |what: &str| Err(format!("config reload not supported for {what}"));
        assert_eq!(with(|new| new.store_dir = None), refused("jetstream storage directory"));
        assert_eq!(
            with(|new| new.jetstream.service.domain = "hub".into()),
            refused("JetStreamDomain: old=, new=hub")
        );
        let never = jetstream_returns(&Options::default(), &started).map_err(|refusal| refusal.to_string());
        assert_eq!(never, refused("JetStream: old=false, new=true"));
    }

    /// In the words of nats-server 2.14.5.
    #[test]
    fn what_streams_are_subject_to_may_not_change() {
        let old = options(None, None);
        let with = |change: fn(&mut Options)| {
            let mut new = old.clone();
            change(&mut new);
            said(jetstream(&old, &new))
        };
        let refused = |what: &str| Err(format!("config reload not supported for {what}"));
        let off: fn(&mut Options) = |new| {
            new.jetstream.is_on = false;
            new.store_dir = None;
        };
        assert_eq!(with(off), Ok(vec!["JetStream".to_owned()]));
        assert_eq!(
            with(|new| new.jetstream.service.domain = "hub".into()),
            refused("JetStreamDomain: old=, new=hub")
        );
        assert_eq!(
            with(|new| new.jetstream.service.limits.max_ack_pending = 5),
            refused("JetStreamLimits: old={0 0 0 0s 0 0 0 0s}, new={0 5 0 0s 0 0 0 0s}")
        );
        let keys: [fn(&mut Keychain); 3] = [
            |keys| keys.current = Some(Secret::new("a secret")),
            |keys| keys.previous = Some(Secret::new("a secret")),
            |keys| keys.cipher = Cipher::Aes,
        ];
        let ciphers = "JetStreamCipher: old=ChaCha20-Poly1305, new=AES-GCM";
        for (change, what) in keys.into_iter().zip(["JetStreamKey", "JetStreamOldKey", ciphers]) {
            let mut new = old.clone();
            change(&mut new.jetstream.keys);
            assert_eq!(said(jetstream(&old, &new)), refused(what), "what is secret is not shown");
        }
        assert_eq!(with(|new| new.store_dir = None), refused("jetstream storage dir"));
        assert_eq!(with(|new| new.store_dir = Some("/b".into())), refused("jetstream storage directory"));
        let elsewhere = Options { store_dir: Some("/b".into()), ..Options::default() };
        assert_eq!(said(jetstream(&Options::default(), &elsewhere)), Ok(vec![]), "nobody looks there");
    }

    /// Whoever adds a field says in its row what a reload does with it.
    #[test]
    fn no_field_changes_unnoticed() {
        let ServiceOptions {
            unknown_fields: _,
            sync_interval: _,
            scrub_interval: _,
            domain: _,
            limits: _,
            buffer: Buffer { messages: _, bytes: _ },
            max_requests: _,
            max_infos: _,
        } = ServiceOptions::default();
        type Change = fn(&mut ServiceOptions);
        let changes: [(Change, &str); 9] = [
            (|new| new.unknown_fields = UnknownFields::Ignored, "NoJetStreamStrict: old=false, new=true"),
            (|new| new.sync_interval = Some(Duration::from_secs(5)), "SyncInterval: old=always, new=5s"),
            (
                |new| new.scrub_interval = ScrubInterval(Duration::from_secs(5)),
                "ScrubInterval: old=168h0m0s, new=5s",
            ),
            (|new| new.domain = "hub".into(), "JetStreamDomain: old=, new=hub"),
            (
                |new| new.limits.duplicate_window = Nanos::from_secs(1),
                "JetStreamLimits: old={0 0 0 0s 0 0 0 0s}, new={0 0 0 1s 0 0 0 0s}",
            ),
            (|new| new.buffer.messages = 5, "StreamMaxBufferedMsgs: old=0, new=5"),
            (|new| new.buffer.bytes = 5, "StreamMaxBufferedSize: old=0, new=5"),
            (|new| new.max_requests = 5, "JetStreamRequestQueueLimit: old=0, new=5"),
            (|new| new.max_infos = 5, "JetStreamInfoQueueLimit: old=0, new=5"),
        ];
        let old = options(None, None);
        for (change, what) in changes {
            let mut new = old.clone();
            change(&mut new.jetstream.service);
            assert_eq!(
                said(jetstream(&old, &new)),
                Err(format!("config reload not supported for {what}")),
                "{what}"
            );
        }
    }
}
