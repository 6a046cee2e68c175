//! The text `-h` prints, written from the table of options.

use std::fmt::Write as _;

use crate::copies::CopyKind;
use crate::dev::{DEV, DEV_HELP};
use crate::http_calls::{HTTP, HTTP_HELP};
use crate::replays::{REPLAY, REPLAY_HELP};
use crate::row::Row;
use crate::table::OPTIONS;

/// Where help texts start.
const HELP_COLUMN: usize = 41;
/// Where the list of refused flags wraps.
const LINE_COLUMNS: usize = 90;

/// The sections of supported flags: titles, and the first name of each flag, in the order to show them.
#[rustfmt::skip]
const SECTIONS: [(&str, &[&str]); 7] = [
    ("Server Options", &[
        "a", "p", "n", "client_advertise", "P", "ports_file_dir", "c", "t", "sl", "shards", "placement",
        "busy-poll", "io", "colocate", "one-port", "one-port-wait", "m", "ms",
    ]),
    ("Logging Options", &[
        "l", "log_size_limit", "s", "r", "T", "logtime_utc", "D", "V", "max_traced_msg_len", "VV", "DV", "DVV",
    ]),
    ("JetStream Options", &["js", "sd"]),
    ("Authorization Options", &["user", "pass", "auth"]),
    ("Cluster Options", &[
        "cluster", "cluster_listen", "cluster_name", "routes", "cluster_advertise", "no_advertise", "connect_retries",
    ]),
    ("TLS Options", &["tls", "tlscert", "tlskey", "tlsverify", "tlscacert", "ktls"]),
    ("Common Options", &["h", "v", "help_tls"]),
];

/// The sections with their titles and their options: those that have any.
pub(crate) fn sections() -> impl Iterator<Item = (&'static str, impl Iterator<Item = &'static Row>)> {
    let supported = |flag: &&str| {
        let row = OPTIONS.iter().find(|row| row.flags.first() == Some(flag));
        row.filter(|row| !row.is_refused_flag())
    };
    let sections =
        SECTIONS.into_iter().map(move |(title, flags)| (title, flags.iter().filter_map(supported)));
    sections.filter(|(_, rows)| rows.clone().next().is_some())
}

/// The flags that are refused.
pub(crate) fn refused() -> impl Iterator<Item = &'static &'static str> {
    OPTIONS.iter().filter(|row| row.is_refused_flag()).flat_map(|row| row.flags)
}

/// The usage text, meant for `println!` as nats-server does it: a blank line before and after.
/// `program` is the name we go by.
pub fn usage(program: &str) -> String {
    let mut text = format!("\nUsage: {program} [options]\n");
    for (title, rows) in sections() {
        let _ = write!(text, "\n{title}:\n");
        for row in rows {
            let _ = writeln!(text, "{:HELP_COLUMN$}{}", flags_column(row), row.help);
        }
    }
    let _ = writeln!(text, "\nCommands:\n{:HELP_COLUMN$}{FSCK_HELP}", "    fsck <dir>");
    for kind in CopyKind::ALL {
        let _ = writeln!(text, "{:HELP_COLUMN$}{}", format!("    {} <dir>", kind.word()), kind.help());
    }
    let _ = writeln!(text, "{:HELP_COLUMN$}{REPLAY_HELP}", format!("    {REPLAY} <stream>"));
    let _ = writeln!(text, "{:HELP_COLUMN$}{HTTP_HELP}", format!("    {HTTP}"));
    let _ = writeln!(text, "{:HELP_COLUMN$}{DEV_HELP}", format!("    {DEV}"));
    text.push_str("\nKnown from nats-server and not supported yet:\n");
    push_refused(&mut text);
    text
}

/// What the command says of itself.
pub(crate) const FSCK_HELP: &str = "Look at a store of streams that no server uses";

/// The usage text of `fsck`.
pub(crate) fn fsck_usage(program: &str) -> String {
    format!("\nUsage: {program} fsck <dir> [--config <file>]\n\n{FSCK_TEXT}\n")
}

const FSCK_TEXT: &str = "\
Looks at the store of streams in <dir>, which is what store_dir says: its segments and streams, what is
damaged and whose it was, and what the next start would do about it. Nothing is changed, and no server
may use the store. If it is encrypted, <file> is the configuration of its server, which has the keys.

There is no repair beside a start: that cuts off a write that was never whole, and makes damaged pages
and footers anew. Of what rotted nothing is left that could be put back.

It ends with 0 if all that was ever acknowledged is there, with 2 if some of it rotted, and with 1 if
nothing can be said: there is no store, a server uses it, it takes another key, or it is of a newer
version.";

/// Long names alone stand under the other long names, as in the peer's text.
fn flags_column(row: &Row) -> String {
    let mut column = String::from("    ");
    if row.flags.iter().all(|name| !is_short(name)) {
        column.push_str("    ");
    }
    let names: Vec<String> = row.flags.iter().map(|name| dashed(name)).collect();
    column.push_str(&names.join(", "));
    if !row.operand.is_empty() {
        column.push(' ');
        column.push_str(row.operand);
    }
    column
}

fn push_refused(text: &mut String) {
    let mut line = String::from("   ");
    for name in refused() {
        let name = dashed(name);
        if line.len() + 1 + name.len() > LINE_COLUMNS {
            text.push_str(&line);
            text.push('\n');
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(&name);
    }
    text.push_str(&line);
    text.push('\n');
}

/// A flag as people know it.
pub(crate) fn dashed(name: &str) -> String {
    if is_short(name) { format!("-{name}") } else { format!("--{name}") }
}

/// One dash or two mean the same to the parser; people know `-DV` and `-js`, and `--port`.
pub(crate) fn is_short(name: &str) -> bool {
    (name.len() <= 2 && name != "io") || name == "DVV"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_in_the_usage_text() {
        let text = usage("buster-server");
        let words: Vec<&str> = text.split([' ', ',', '\n']).collect();
        for row in OPTIONS.iter().filter(|row| !row.flags.is_empty()) {
            let helped = row.is_refused_flag() || text.contains(row.help);
            assert!(helped, "{:?}", row.flags);
            for name in row.flags {
                assert!(words.contains(&dashed(name).as_str()), "{name}");
            }
        }
    }

    #[test]
    fn the_flags_column_leaves_room_before_the_help_text() {
        for row in OPTIONS {
            assert!(flags_column(row).len() + 2 <= HELP_COLUMN, "{:?}", row.flags);
        }
    }

    #[test]
    fn usage_lines_look_like_the_peers() {
        let text = usage("buster-server");
        assert!(text.starts_with("\nUsage: buster-server [options]\n\nServer Options:\n"), "{text}");
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{text}");
        let port = "    -p, --port <port>                    Port for clients";
        assert!(text.lines().any(|line| line.starts_with(port)), "{text}");
        let ports_file = "        --ports_file_dir <dir>           Write";
        assert!(text.lines().any(|line| line.starts_with(ports_file)), "{text}");
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    }
}
