//! `jetstream`: whether there are streams, where, and how much of them, for the server and for an account.

use jetstream::{ScrubInterval, UNLIMITED};
use js_proto::{JetStreamLimits, Nanos, UnknownFields};
use log_crypt::{Cipher, Secret};
use nats_conf::{Data, Entry, Value};
use nats_proto::{GoDuration, quote};

use crate::config::report::Report;
use crate::config::row::Effect::{Any, Integer, NotYet, Switch, Text};
use crate::config::row::Idle::{EmptyBlock, EmptyText, Never};
use crate::config::row::{Row, UNKNOWN_FIELD, compared, fixed, read_block, row};
use crate::config::time::text_or_seconds;
use crate::draft::Draft;
use crate::jetstream::JetStreamOptions;
use crate::reading::{path, put};
use crate::reload::jetstream as reload;

/// A block being read.
#[derive(Default)]
pub(crate) struct Block {
    options: JetStreamOptions,
    store_dir: Option<std::path::PathBuf>,
    is_off: bool,
}

const TPM: &str = "keys come from the configuration alone";
const CLUSTER: &str = "there are no clusters";

/// How a row is named that more than the block asks for.
pub(crate) const SYNC_INTERVAL: &[&str] = &["sync", "sync_interval"];
pub(crate) const DOMAIN: &[&str] = &["domain"];
pub(crate) const KEY: &[&str] = &["key", "ek", "encryption_key"];
pub(crate) const PREVIOUS_KEY: &[&str] = &["prev_key", "prev_ek", "prev_encryption_key"];
pub(crate) const CIPHER: &[&str] = &["cipher"];

// One line a row: read across, it is the whole story of a key. What is wrong in a reload is said in this order, which is
// nats-server's.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row<Block>] = &[
    fixed(&["strict"], Switch(strict), "NoJetStreamStrict", |options| options.jetstream.service.is_lenient().to_string()),
    compared(&["max_memory_store", "max_mem_store", "max_mem"], Any(|block, entry, report| block.options.max_memory = size("max_mem_store", entry, report)), reload::sizes),
    row(&["max_file_store", "max_file"], Any(|block, entry, report| block.options.max_storage = size("max_file_store", entry, report))),
    fixed(SYNC_INTERVAL, Any(sync_interval), "SyncInterval", reload::interval),
    fixed(&["scrub_interval"], Any(scrub_interval), "ScrubInterval", |options| GoDuration::of(options.jetstream.service.scrub_interval.0).to_string()),
    fixed(DOMAIN, Text(|block, domain| put(&mut block.options.service.domain, domain.to_owned())), "JetStreamDomain", |options| options.jetstream.service.domain.clone()),
    row(&["enable", "enabled"], Switch(|block, on| block.is_off = !on)),
    compared(KEY, Text(|block, key| put(&mut block.options.keys.current, secret(key))), reload::key),
    compared(PREVIOUS_KEY, Text(|block, key| put(&mut block.options.keys.previous, secret(key))), reload::previous_key),
    fixed(CIPHER, Text(cipher), "JetStreamCipher", |options| options.jetstream.keys.cipher.to_string()),
    row(&["tpm"], NotYet(EmptyBlock, TPM)),
    row(&["extension_hint"], NotYet(EmptyText, CLUSTER)),
    fixed(&["limits"], Any(limits), "JetStreamLimits", reload::limits),
    row(&["unique_tag"], NotYet(EmptyText, CLUSTER)),
    row(&["max_outstanding_catchup"], NotYet(Never, CLUSTER)),
    row(&["meta_compact"], NotYet(Never, CLUSTER)),
    row(&["meta_compact_size"], NotYet(Never, CLUSTER)),
    row(&["meta_compact_sync"], NotYet(Never, CLUSTER)),
    fixed(&["max_buffered_msgs"], Any(|block, entry, report| number(&mut block.options.service.buffer.messages, entry, report)), "StreamMaxBufferedMsgs", |options| options.jetstream.service.buffer.messages.to_string()),
    fixed(&["max_buffered_size"], Any(|block, entry, report| block.options.service.buffer.bytes = size("max_buffered_size", entry, report).unwrap_or(0)), "StreamMaxBufferedSize", |options| options.jetstream.service.buffer.bytes.to_string()),
    fixed(&["request_queue_limit"], Any(|block, entry, report| number(&mut block.options.service.max_requests, entry, report)), "JetStreamRequestQueueLimit", |options| options.jetstream.service.max_requests.to_string()),
    fixed(&["info_queue_limit"], Any(|block, entry, report| number(&mut block.options.service.max_infos, entry, report)), "JetStreamInfoQueueLimit", |options| options.jetstream.service.max_infos.to_string()),
    row(&["max_concurrent_io"], NotYet(Never, "there is one writer for a shard")),
    compared(&["store", "store_dir", "storedir"], Text(|block, dir| put(&mut block.store_dir, path(dir.as_ref()))), reload::store_dir),
];

#[rustfmt::skip]
pub(crate) static LIMITS: &[Row<JetStreamOptions>] = &[
    row(&["max_ack_pending"], Integer(|options, max| put(&mut options.service.limits.max_ack_pending, max))),
    row(&["max_ha_assets"], NotYet(Never, CLUSTER)),
    row(&["max_request_batch"], Integer(|options, max| put(&mut options.service.limits.max_request_batch, max))),
    row(&["duplicate_window"], Text(|options, text| put(&mut options.service.limits.duplicate_window, nanos(text)?))),
    row(&["batch"], Any(batch)),
];

#[rustfmt::skip]
pub(crate) static BATCH: &[Row<JetStreamOptions>] = &[
    row(&["max_inflight_per_stream"], Integer(|options, max| put(&mut options.service.limits.batch.max_inflight_per_stream, max))),
    row(&["max_inflight_total"], Integer(|options, max| put(&mut options.service.limits.batch.max_inflight_total, max))),
    row(&["max_msgs"], Integer(|options, max| put(&mut options.service.limits.batch.max_msgs, max))),
    row(&["timeout"], Text(|options, text| put(&mut options.service.limits.batch.timeout, nanos(text)?))),
];

#[rustfmt::skip]
pub(crate) static ACCOUNT: &[Row<JetStreamLimits>] = &[
    row(&["max_memory", "max_mem", "mem", "memory"], Any(|limits, entry, report| number(&mut limits.max_memory, entry, report))),
    row(&["max_store", "max_file", "max_disk", "store", "disk"], Any(|limits, entry, report| number(&mut limits.max_storage, entry, report))),
    row(&["max_streams", "streams"], Any(|limits, entry, report| number(&mut limits.max_streams, entry, report))),
    row(&["max_consumers", "consumers"], Any(|limits, entry, report| number(&mut limits.max_consumers, entry, report))),
    row(&["max_bytes_required", "max_stream_bytes", "max_bytes"], Any(max_bytes_required)),
    row(&["mem_max_stream_bytes", "memory_max_stream_bytes"], Any(|limits, entry, report| number(&mut limits.memory_max_stream_bytes, entry, report))),
    row(&["disk_max_stream_bytes", "store_max_stream_bytes"], Any(|limits, entry, report| number(&mut limits.storage_max_stream_bytes, entry, report))),
    row(&["max_ack_pending"], Any(|limits, entry, report| number(&mut limits.max_ack_pending, entry, report))),
    row(&["cluster_traffic"], NotYet(EmptyText, CLUSTER)),
];

/// What is said of it at the top level.
pub(crate) fn jetstream(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Data::Map(map) = &entry.value.data else {
        if let Some(is_on) = is_on(entry, report) {
            draft.options.jetstream.is_on = is_on;
        }
        return;
    };
    let mut block = Block::default();
    read_block(map, TABLE, UNKNOWN_FIELD, &mut block, report);
    if let Some(dir) = block.store_dir {
        if draft.options.store_dir.is_some() {
            return report.refuse(&entry.value, "Duplicate 'store_dir' configuration");
        }
        draft.options.store_dir = Some(dir);
    }
    let accounts = std::mem::take(&mut draft.options.jetstream.accounts);
    draft.options.jetstream = JetStreamOptions { is_on: !block.is_off, accounts, ..block.options };
}

/// What an account may have; `None` is nothing.
pub(crate) fn of_account(entry: &Entry, report: &mut Report) -> Option<JetStreamLimits> {
    let Data::Map(map) = &entry.value.data else {
        return is_on(entry, report).filter(|on| *on).map(|_| UNLIMITED);
    };
    let mut limits = UNLIMITED;
    read_block(map, ACCOUNT, UNKNOWN_FIELD, &mut limits, report);
    Some(limits)
}

/// A word or a switch. `None` if it is refused.
fn is_on(entry: &Entry, report: &mut Report) -> Option<bool> {
    let is_on = match &entry.value.data {
        Data::Bool(on) => *on,
        Data::String(word) if ["enabled", "enable"].iter().any(|on| word.eq_ignore_ascii_case(on)) => true,
        Data::String(word) if ["disabled", "disable"].iter().any(|off| word.eq_ignore_ascii_case(off)) => {
            false
        }
        Data::String(word) => {
            let reason = format!("Expected 'enabled' or 'disabled' for string value, got '{word}'");
            report.refuse(&entry.value, reason);
            return None;
        }
        other => {
            let found = other.type_name();
            let reason = format!("Expected map, bool or string to define JetStream, got {found}");
            report.refuse(&entry.value, reason);
            return None;
        }
    };
    Some(is_on)
}

fn strict(block: &mut Block, on: bool) {
    block.options.service.unknown_fields = if on { UnknownFields::Refused } else { UnknownFields::Ignored };
}

/// `always`, or a length of time. None at all is the default, as with nats-server, whose default is another one.
fn sync_interval(block: &mut Block, entry: &Entry, report: &mut Report) {
    let is_always = entry.value.as_str().is_ok_and(|word| word.eq_ignore_ascii_case("always"));
    let interval = if is_always { None } else { text_or_seconds(entry, &entry.key, report) };
    block.options.service.sync_interval = interval.filter(|interval| !interval.is_zero());
}

/// A length of time. Zero: nothing is read.
fn scrub_interval(block: &mut Block, entry: &Entry, report: &mut Report) {
    if let Some(interval) = text_or_seconds(entry, &entry.key, report) {
        block.options.service.scrub_interval = ScrubInterval(interval);
    }
}

fn limits(block: &mut Block, entry: &Entry, report: &mut Report) {
    let Data::Map(map) = &entry.value.data else {
        let found = entry.value.data.type_name();
        let reason = format!("Expected a map to define JetStreamLimits, got {found}");
        return report.refuse(&entry.value, reason);
    };
    read_block(map, LIMITS, UNKNOWN_FIELD, &mut block.options, report);
}

fn batch(options: &mut JetStreamOptions, entry: &Entry, report: &mut Report) {
    let Data::Map(map) = &entry.value.data else {
        let found = entry.value.data.type_name();
        let reason = format!("Expected a map to define batch limits, got {found}");
        return report.refuse(&entry.value, reason);
    };
    read_block(map, BATCH, UNKNOWN_FIELD, options, report);
}

fn nanos(text: &str) -> Result<Nanos, String> {
    GoDuration::parse(text).map(|length| Nanos(length.0)).map_err(|error| error.to_string())
}

/// A number of bytes, or one with `K`, `M`, `G` or `T` behind it as text.
fn size(name: &str, entry: &Entry, report: &mut Report) -> Option<i64> {
    let read = match &entry.value.data {
        Data::Integer(bytes) => return Some(*bytes),
        Data::String(text) if text.is_empty() => return Some(0),
        Data::String(text) => read_size(text),
        _ => Err("must be int64 or string".to_owned()),
    };
    read.map_err(|reason| report.refuse(&entry.value, format!("{name} {reason}"))).ok()
}

fn read_size(text: &str) -> Result<i64, String> {
    let (number, suffix) = text.split_at(text.char_indices().next_back().map_or(0, |(at, _)| at));
    let number: i64 = number
        .parse()
        .map_err(|_| format!("strconv.ParseInt: parsing {}: invalid syntax", quote(number.as_bytes())))?;
    let shift = match suffix {
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("sizes defined as strings must end in K, M, G, T".to_owned()),
    };
    Ok(number.wrapping_shl(shift))
}

/// An empty one is none.
fn secret(key: &str) -> Option<Secret> {
    (!key.is_empty()).then(|| Secret::new(key))
}

fn cipher(block: &mut Block, word: &str) -> Result<(), String> {
    let cipher = Cipher::of_setting(word).map_err(|error| error.to_string())?;
    put(&mut block.options.keys.cipher, cipher)
}

fn number(place: &mut i64, entry: &Entry, report: &mut Report) {
    match entry.value.as_integer() {
        Ok(number) => *place = number,
        Err(_) => refuse_as(&entry.value, &entry.key, "size", report),
    }
}

fn max_bytes_required(limits: &mut JetStreamLimits, entry: &Entry, report: &mut Report) {
    match entry.value.as_bool() {
        Ok(on) => limits.max_bytes_required = on,
        Err(_) => refuse_as(&entry.value, &entry.key, "bool", report),
    }
}

fn refuse_as(value: &Value, key: &str, kind: &str, report: &mut Report) {
    let shown = value.as_str().unwrap_or(value.data.type_name());
    report.refuse(value, format!("Expected a parseable {kind} for {}, got {shown}", quote(key)));
}
