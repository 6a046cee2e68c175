//! The text `-h` prints, written from the table.

use std::fmt::Write as _;

use crate::table::{Row, Section, TABLE};

/// Where help texts start.
const HELP_COLUMN: usize = 41;
/// Where the list of refused flags wraps.
const LINE_COLUMNS: usize = 90;

/// The sections of supported flags, in order, with their titles.
pub(crate) const SECTIONS: [(Section, &str); 6] = [
    (Section::Server, "Server Options"),
    (Section::Logging, "Logging Options"),
    (Section::Storage, "JetStream Options"),
    (Section::Users, "Authorization Options"),
    (Section::Tls, "TLS Options"),
    (Section::Common, "Common Options"),
];

/// The usage text, meant for `println!` as nats-server does it: a blank line before and after.
/// `program` is the name we go by.
pub fn usage(program: &str) -> String {
    let mut text = format!("\nUsage: {program} [options]\n");
    for (section, title) in SECTIONS {
        let mut rows = TABLE.iter().filter(|row| row.section == section).peekable();
        if rows.peek().is_some() {
            let _ = write!(text, "\n{title}:\n");
        }
        for row in rows {
            let _ = writeln!(text, "{:HELP_COLUMN$}{}", flags_column(row), row.help);
        }
    }
    text.push_str("\nKnown from nats-server and not supported yet:\n");
    push_refused(&mut text);
    text
}

/// Long names alone stand under the other long names, as in the peer's text.
fn flags_column(row: &Row) -> String {
    let mut column = String::from("    ");
    if row.names.iter().all(|name| !is_short(name)) {
        column.push_str("    ");
    }
    let names: Vec<String> = row.names.iter().map(|name| dashed(name)).collect();
    column.push_str(&names.join(", "));
    if !row.operand.is_empty() {
        column.push(' ');
        column.push_str(row.operand);
    }
    column
}

fn push_refused(text: &mut String) {
    let mut line = String::from("   ");
    for name in TABLE.iter().filter(|row| row.section == Section::NotYet).flat_map(|row| row.names) {
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
        for row in TABLE {
            let helped = row.section == Section::NotYet || text.contains(row.help);
            assert!(helped, "{:?}", row.names);
            for name in row.names {
                assert!(words.contains(&dashed(name).as_str()), "{name}");
            }
        }
    }

    #[test]
    fn the_flags_column_leaves_room_before_the_help_text() {
        for row in TABLE {
            assert!(flags_column(row).len() + 2 <= HELP_COLUMN, "{:?}", row.names);
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
