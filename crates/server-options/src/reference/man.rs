//! The man page.

use std::fmt::Write as _;

use crate::copies::CopyKind;
use crate::dev::{DEV, DEV_TEXT};
use crate::http_calls::{HTTP, HTTP_TEXT};
use crate::program::{PEER_PROGRAM, PROGRAM};
use crate::replays::{REPLAY, REPLAY_TEXT};
use crate::row::Row;
use crate::usage::{dashed, refused, sections};

const DESCRIPTION: &str = "\
buster-server is a message server that takes the place of nats-server, flags and configuration files
included: started under that name it answers by it. What of nats-server it does not have yet it refuses
by name, on the command line as in the configuration file.

One dash or two mean the same. A value follows its flag, or an equals sign behind it. A switch takes a
value only behind an equals sign, as in -T=false. Of a flag that is given twice the last one counts.
Flags outrank the configuration file.";

const SIGNALS: [(&str, &str); 6] = [
    ("INT, TERM, QUIT", "Shut down."),
    ("USR2", "Lame duck mode: take no more clients, tell those there are, and let them go one by one."),
    ("HUP", "Read the configuration file again. What may not change while the server runs is refused."),
    ("USR1", "Open the log file again by its name."),
    ("KILL", "Stop at once."),
    ("--signal", "Sends them: ldm, stop, quit, term, reopen or reload, with a process id or pid file."),
];

const COMMANDS: [(&str, &str); 1] = [(
    "fsck DIR",
    "Look at the store of streams in a directory, which is what store_dir says, and that no server uses: its
segments and streams, what is damaged and whose it was, and what the next start would do about it. Nothing is
changed. There is no repair beside a start, which cuts off a write that was never whole and makes damaged
pages and footers anew; of what rotted nothing is left that could be put back.",
)];

const EXIT: [(&str, &str); 3] = [
    ("0", "The server was told to stop, or did what was asked instead of serving."),
    (
        "1",
        "The command line or the configuration is wrong, or the server could not start, fsck can say nothing, or not all streams were copied, or letters published.",
    ),
    ("2", "Something that fsck looked at rotted."),
];

/// The man page, as `man` reads it.
pub fn man_page() -> String {
    let mut page = format!(".TH {} 1 \"\" {PROGRAM} \"User Commands\"\n", PROGRAM.to_uppercase());
    let _ =
        writeln!(page, ".SH NAME\n{} \\- message server in place of {}", plain(PROGRAM), plain(PEER_PROGRAM));
    let _ = writeln!(page, ".SH SYNOPSIS\n.B {}\n[\\fIoptions\\fR]", plain(PROGRAM));
    let _ = writeln!(page, ".SH DESCRIPTION\n{}", plain(DESCRIPTION).replace("\n\n", "\n.PP\n"));
    page.push_str(".SH OPTIONS\n");
    for (title, rows) in sections() {
        let _ = writeln!(page, ".SS {title}");
        rows.for_each(|row| push_flag(&mut page, row));
    }
    page.push_str(".SS Known from nats\\-server and not supported yet\n");
    let refused: Vec<String> = refused().map(|name| format!("\\fB{}\\fR", plain(&dashed(name)))).collect();
    let _ = writeln!(page, "{}", refused.join(",\n"));
    let copies =
        CopyKind::ALL.map(|kind| (format!("{} DIR", kind.word()), kind.text().replace("<dir>", "DIR")));
    let copies = copies.iter().map(|(word, text)| (&**word, &**text));
    let (replay, of_replay) = (format!("{REPLAY} STREAM"), REPLAY_TEXT.replace("<stream>", "STREAM"));
    let of_dev = DEV_TEXT.replace("<dir>", "DIR");
    let own = [(&*replay, &*of_replay), (HTTP, HTTP_TEXT), (DEV, &*of_dev)];
    let commands: Vec<(&str, &str)> = COMMANDS.into_iter().chain(copies).chain(own).collect();
    push_list(&mut page, "COMMANDS", &commands);
    push_list(&mut page, "SIGNALS", &SIGNALS);
    push_list(&mut page, "EXIT STATUS", &EXIT);
    page
}

fn push_flag(page: &mut String, row: &Row) {
    let names: Vec<String> =
        row.flags.iter().map(|name| format!("\\fB{}\\fR", plain(&dashed(name)))).collect();
    let _ = write!(page, ".TP\n{}", names.join(", "));
    if !row.operand.is_empty() {
        let _ = write!(page, " \\fI{}\\fR", plain(row.operand.trim_matches(['<', '>'])));
    }
    let _ = writeln!(page, "\n{}.", plain(row.help));
}

fn push_list(page: &mut String, title: &str, items: &[(&str, &str)]) {
    let _ = writeln!(page, ".SH {title}");
    for (item, text) in items {
        let _ = writeln!(page, ".TP\n\\fB{}\\fR\n{}", plain(item), plain(text));
    }
}

/// Text without a meaning to roff.
fn plain(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let lines = text.split('\n').map(|line| {
        let command = line.starts_with(['.', '\'']);
        if command { format!("\\&{line}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::OPTIONS;

    #[test]
    fn every_flag_stands_in_the_page() {
        let page = man_page();
        for name in OPTIONS.iter().flat_map(|row| row.flags) {
            assert!(page.contains(&format!("\\fB{}\\fR", plain(&dashed(name)))), "{name}");
        }
    }

    #[test]
    fn only_our_own_lines_are_commands() {
        for line in man_page().lines().filter(|line| line.starts_with(['.', '\''])) {
            let command = line.split(' ').next().unwrap_or_default();
            assert!([".TH", ".SH", ".SS", ".TP", ".PP", ".B"].contains(&command), "{line}");
        }
        assert_eq!(plain(".x\\-\n'y"), "\\&.x\\e\\-\n\\&'y");
    }
}
