//! `compression` between servers: a word, a switch, or a block with both.

use nats_conf::{Data, Entry};
use nats_proto::{AutoLevels, BadLevels, Compression, GoDuration, quote};

use crate::config::report::Report;
use crate::config::row::Effect::{Any, Text};
use crate::config::row::{Row, UNKNOWN_FIELD, read_block, row};

/// What is said of it. Words are looked at when all is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CompressionDraft {
    mode: Option<String>,
    thresholds: Vec<GoDuration>,
}

#[rustfmt::skip]
static TABLE: &[Row<CompressionDraft>] = &[
    row(&["mode"], Text(|block, word| { block.say(word); Ok(()) })),
    row(&["rtt_thresholds", "thresholds", "rtts", "rtt"], Any(thresholds)),
];

fn thresholds(block: &mut CompressionDraft, entry: &Entry, report: &mut Report) {
    let Some(elements) = report.ok(entry.value.as_array()) else { return };
    for element in elements {
        let Some(text) = report.ok(element.as_str()) else { return };
        match GoDuration::parse(text) {
            Ok(time) => block.thresholds.push(time),
            Err(reason) => return report.refuse(&entry.value, reason.to_string()),
        }
    }
}

impl CompressionDraft {
    fn say(&mut self, word: &str) {
        self.mode = Some(word.to_owned()).filter(|word| !word.is_empty());
    }

    pub(crate) fn read(&mut self, entry: &Entry, report: &mut Report) {
        match &entry.value.data {
            Data::String(word) => self.say(word),
            Data::Bool(on) => self.say(if *on { "on" } else { "off" }),
            Data::Map(map) => read_block(map, TABLE, UNKNOWN_FIELD, self, report),
            other => {
                let (key, found) = (quote(&entry.key), other.type_name());
                let reason = format!("field {key} should be a boolean or a structure, got {found}");
                report.refuse(&entry.value, reason);
            }
        }
    }

    /// What it comes to: `on` is what that word stands for, and `default` what silence does.
    ///
    /// # Errors
    /// It makes no sense, in nats-server's words.
    pub(crate) fn settle(
        &self,
        on: Compression,
        default: Compression,
    ) -> Result<(Compression, AutoLevels), String> {
        let Some(word) = &self.mode else { return Ok((default, AutoLevels::default())) };
        let mode = Compression::of_setting(word, on);
        let mode = mode.ok_or_else(|| format!("unsupported compression mode {}", quote(word)))?;
        if mode != Compression::S2Auto {
            return Ok((mode, AutoLevels::default()));
        }
        let levels = AutoLevels::new(&self.thresholds).map_err(|error| match error {
            BadLevels::Order(_) => error.to_string(),
            BadLevels::TooMany(_) | BadLevels::None => format!("compression mode {} {error}", quote(word)),
        })?;
        Ok((mode, levels))
    }
}
