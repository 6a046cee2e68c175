//! The configuration file as a whole.

use nats_conf::Map;

use crate::config::report::Report;
use crate::config::row::apply_or_refuse;
use crate::draft::Draft;
use crate::table::{OPTIONS, RENAMED};

/// Fills a draft with what a configuration file says.
pub(crate) fn read(map: &Map, draft: &mut Draft, report: &mut Report) {
    for entry in map {
        let key = OPTIONS.iter().map(|row| &row.key).find(|key| key.has(entry));
        apply_or_refuse(key, entry, renamed, draft, report);
    }
    if let Some(error) = draft.credentials.conflict() {
        report.error(error);
    }
}

/// What a key is called now that was called so.
fn renamed(key: &str) -> Option<String> {
    let (_, now) = RENAMED.iter().find(|(before, _)| key.eq_ignore_ascii_case(before))?;
    Some(format!("{key} is called {now} now"))
}
