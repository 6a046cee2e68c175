//! Records as footers of a log tell of them.

use log_format::{Columns, Item, Kind, Record, Row, Stretch, Subjects};
use stream_index::Place;

use crate::{Effect, Rebuild, Stream, StreamMeta};

/// Rows of a footer's columns: few, to see many.
const ROWS_MAX: usize = 9;

/// The stream that these come to, if messages are known by rows where that is possible.
pub(super) fn rebuilt<W>(
    meta: &StreamMeta,
    found: &[(usize, Record<'_>)],
    effects: &mut Vec<Effect<W>>,
) -> Stream<W> {
    let mut rebuild = Rebuild::new(meta.clone());
    let mut rows: Vec<(usize, Record<'_>)> = Vec::new();
    for (at, record) in found {
        let is_row = record.kind == Kind::MESSAGE
            && (record.ttl, record.message_id, record.header) == (None, None, b"");
        let rises = rows.last().is_none_or(|(_, last)| last.seq < record.seq && last.time <= record.time);
        if !is_row || !rises || rows.len() == ROWS_MAX {
            tell(&mut rebuild, std::mem::take(&mut rows));
        }
        if is_row {
            rows.push((*at, *record));
            continue;
        }
        let is_message = record.kind == Kind::MESSAGE;
        let told = Record { payload: if is_message { b"" } else { record.payload }, ..*record };
        let place = Place { segment: 0, offset: *at as u32 };
        let item = Item::Record { place, record: &told, len: record.written_len() };
        rebuild.on_item(item).expect("it is of a stream");
    }
    tell(&mut rebuild, rows);
    rebuild.finish(effects)
}

fn tell<W>(rebuild: &mut Rebuild<W>, rows: Vec<(usize, Record<'_>)>) {
    let subjects: Subjects = rows.iter().map(|(_, record)| record.subject).collect();
    let row = |(number, (at, record)): (usize, &(usize, Record<'_>))| Row {
        seq: record.seq,
        time: record.time,
        offset: *at as u32,
        len: record.written_len() as u32,
        has_header: false,
        subject: number as u32,
    };
    let rows: Vec<Row> = rows.iter().enumerate().map(row).collect();
    if let Some(columns) = Columns::of(&rows) {
        let stretch = Stretch::new(0, 0, columns, 0..rows.len(), subjects.into());
        rebuild.on_item(Item::Messages(stretch)).expect("it is of a stream");
    }
}
