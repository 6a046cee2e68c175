//! `console`: the page that people look at, beside monitoring. nats-server has none.

use std::time::Duration;

use monitor::HISTORY_SECONDS_MAX;
use nats_conf::Entry;

use crate::config::report::Report;
use crate::config::row::Effect::{Any, Switch, Text};
use crate::config::row::{Row, UNKNOWN_FIELD, read_block, row};
use crate::config::time::text_or_seconds;
use crate::draft::Draft;

/// Characters of a title: what a line has room for.
const TITLE_CHARS_MAX: usize = 64;

#[rustfmt::skip]
pub(crate) static TABLE: &[Row<console::Config>] = &[
    row(&["enabled"], Switch(|block, on| block.enabled = on)),
    row(&["history"], Any(history)),
    row(&["messages"], Switch(|block, on| block.messages = on)),
    row(&["read_only"], Switch(|block, on| block.read_only = on)),
    row(&["title"], Text(|block, title| {
        if title.chars().count() > TITLE_CHARS_MAX {
            return Err(format!("title has more than {TITLE_CHARS_MAX} characters"));
        }
        block.title = title.to_owned();
        Ok(())
    })),
];

pub(crate) fn read_console(draft: &mut Draft, entry: &Entry, report: &mut Report) {
    let Ok(map) = entry.value.as_map() else {
        let found = entry.value.data.type_name();
        return report.refuse(&entry.value, format!("Expected console to be a map, got {found}"));
    };
    read_block(map, TABLE, UNKNOWN_FIELD, &mut draft.options.console, report);
    draft.has_console = true;
}

fn history(block: &mut console::Config, entry: &Entry, report: &mut Report) {
    let Some(history) = text_or_seconds(entry, "history", report) else { return };
    if history > Duration::from_secs(HISTORY_SECONDS_MAX as u64) {
        return report.refuse(&entry.value, "history is longer than 10m, which is what the page shows");
    }
    block.history = history;
}
