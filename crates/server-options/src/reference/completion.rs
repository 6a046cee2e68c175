//! Completions: what shells offer for flags and their values.

use std::fmt::Write as _;

use crate::copies::CopyKind;
use crate::dev::{DEV, DEV_HELP};
use crate::http_calls::{HTTP, HTTP_HELP};
use crate::program::{PEER_PROGRAM, PROGRAM};
use crate::replays::{REPLAY, REPLAY_HELP};
use crate::row::Row;
use crate::store_calls::FSCK;
use crate::usage::{FSCK_HELP, dashed, is_short, sections};

/// A shell that completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionShell {
    /// GNU bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// fish.
    Fish,
}

/// The completions for a shell, for our own name and nats-server's.
pub fn completion(shell: CompletionShell) -> String {
    match shell {
        CompletionShell::Bash => bash(),
        CompletionShell::Zsh => zsh(),
        CompletionShell::Fish => fish(),
    }
}

/// What a flag can be followed by.
enum Value {
    /// A switch: nothing.
    None,
    File,
    Directory,
    Choice(&'static [&'static str]),
    /// Something nobody can foresee.
    Any,
}

fn value(row: &Row) -> Value {
    match (row.flags[0], row.operand) {
        (_, "") => Value::None,
        (_, "<file>") => Value::File,
        (_, "<dir>") => Value::Directory,
        ("io", _) => Value::Choice(&["auto", "uring", "epoll"]),
        ("placement", _) => Value::Choice(&["load", "spread"]),
        ("sl", _) => Value::Choice(&["ldm", "stop", "quit", "term", "reopen", "reload"]),
        _ => Value::Any,
    }
}

fn supported() -> impl Iterator<Item = &'static Row> {
    sections().flat_map(|(_, rows)| rows)
}

fn bash() -> String {
    let flags: Vec<String> = supported().flat_map(|row| row.flags).map(|name| dashed(name)).collect();
    let mut values = String::new();
    for row in supported() {
        let offer = match value(row) {
            Value::None => continue,
            Value::File => "compgen -f -- \"$word\"".to_owned(),
            Value::Directory => "compgen -d -- \"$word\"".to_owned(),
            Value::Choice(words) => format!("compgen -W '{}' -- \"$word\"", words.join(" ")),
            Value::Any => "true".to_owned(),
        };
        // One dash or two mean the same.
        let names: Vec<String> = row.flags.iter().map(|name| format!("-{name}|--{name}")).collect();
        let _ = writeln!(values, "    {}) mapfile -t COMPREPLY < <({offer}); return ;;", names.join("|"));
    }
    let flags = flags.join(" ");
    format!(
        "# Completions of {PROGRAM} for bash.\n\
         _buster_server() {{\n  \
           local word=${{COMP_WORDS[COMP_CWORD]}}\n  \
           COMPREPLY=()\n  \
           case ${{COMP_WORDS[COMP_CWORD-1]}} in\n{values}    \
             {}) mapfile -t COMPREPLY < <(compgen -d -- \"$word\"); return ;;\n  \
           esac\n  \
           mapfile -t COMPREPLY < <(compgen -W '{flags} {} {REPLAY} {HTTP} {DEV}' -- \"$word\")\n\
         }}\n\
         complete -o filenames -F _buster_server {PROGRAM} {PEER_PROGRAM}\n",
        words("|"),
        words(" "),
    )
}

/// The words that take a directory.
fn words(separator: &str) -> String {
    let copies = CopyKind::ALL.map(CopyKind::word);
    [&[FSCK], &copies[..]].concat().join(separator)
}

fn zsh() -> String {
    let mut text =
        format!("#compdef {PROGRAM} {PEER_PROGRAM}\n# Completions of {PROGRAM} for zsh.\n_arguments \\\n");
    for row in supported() {
        let names: Vec<String> = row.flags.iter().map(|name| dashed(name)).collect();
        let help = row.help.replace('\'', "'\\''").replace('[', "\\[").replace(']', "\\]");
        let value = match value(row) {
            Value::None => String::new(),
            Value::File => ":file:_files".to_owned(),
            Value::Directory => ":directory:_files -/".to_owned(),
            Value::Choice(words) => format!(":value:({})", words.join(" ")),
            Value::Any => {
                format!(":{}:", row.operand.trim_matches(['<', '>']).replace(['[', ']', ':', '='], " "))
            }
        };
        let others = names.join(" ");
        for name in &names {
            let _ = writeln!(text, "  '({others}){name}[{help}]{value}' \\");
        }
    }
    let _ = writeln!(
        text,
        "  '1: :({} {REPLAY} {HTTP} {DEV})' \\\n  '2:directory:_files -/' \\\n  '*: :'",
        words(" ")
    );
    text
}

fn fish() -> String {
    let mut text = format!("# Completions of {PROGRAM} for fish.\ncomplete -c {PROGRAM} -f\n");
    for row in supported() {
        let _ = write!(text, "complete -c {PROGRAM}");
        for name in row.flags {
            let kind = match name.len() {
                1 => "-s",
                _ if is_short(name) => "-o",
                _ => "-l",
            };
            let _ = write!(text, " {kind} {name}");
        }
        match value(row) {
            Value::None => {}
            Value::File => text.push_str(" -r -F"),
            Value::Directory => text.push_str(" -x -a '(__fish_complete_directories)'"),
            Value::Choice(words) => {
                let _ = write!(text, " -x -a '{}'", words.join(" "));
            }
            Value::Any => text.push_str(" -x"),
        }
        let _ = writeln!(text, " -d '{}'", row.help.replace('\'', "\\'"));
    }
    let _ = writeln!(text, "complete -c {PROGRAM} -n __fish_use_subcommand -x -a {FSCK} -d '{FSCK_HELP}'");
    for kind in CopyKind::ALL {
        let (word, help) = (kind.word(), kind.help());
        let _ = writeln!(text, "complete -c {PROGRAM} -n __fish_use_subcommand -x -a {word} -d '{help}'");
    }
    let _ =
        writeln!(text, "complete -c {PROGRAM} -n __fish_use_subcommand -x -a {REPLAY} -d '{REPLAY_HELP}'");
    let _ = writeln!(text, "complete -c {PROGRAM} -n __fish_use_subcommand -x -a {HTTP} -d '{HTTP_HELP}'");
    let _ = writeln!(text, "complete -c {PROGRAM} -n __fish_use_subcommand -x -a {DEV} -d '{DEV_HELP}'");
    let words = words(" ");
    let _ = writeln!(
        text,
        "complete -c {PROGRAM} -n '__fish_seen_subcommand_from {words}' -x -a '(__fish_complete_directories)'"
    );
    let _ = writeln!(text, "complete -c {PEER_PROGRAM} -w {PROGRAM}");
    text
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::table::OPTIONS;

    #[test]
    fn every_supported_flag_is_offered_and_no_other() {
        for shell in [CompletionShell::Bash, CompletionShell::Zsh, CompletionShell::Fish] {
            let text = completion(shell);
            let words: Vec<&str> = text.split([' ', '\'', '|', ')', '[', '\n']).collect();
            for row in OPTIONS.iter().filter(|row| !row.flags.is_empty()) {
                let offered = |name: &&str| match shell {
                    CompletionShell::Fish => words.contains(name),
                    CompletionShell::Bash | CompletionShell::Zsh => words.contains(&dashed(name).as_str()),
                };
                assert_eq!(row.flags.iter().all(offered), !row.is_refused_flag(), "{:?}", row.flags);
            }
        }
    }

    /// What bash offers for the last of these words.
    fn bash_offers(words: &str) -> String {
        let mut bash = Command::new("bash")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a bash");
        let script = format!(
            "{}\nCOMP_WORDS=({PROGRAM} {words})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}}-1))\n_buster_server\n\
             echo \"${{COMPREPLY[@]}}\"\n",
            completion(CompletionShell::Bash)
        );
        bash.stdin.take().expect("it is piped").write_all(script.as_bytes()).expect("bash reads");
        let output = bash.wait_with_output().expect("bash ends");
        String::from_utf8(output.stdout).expect("it is text").trim().to_owned()
    }

    #[test]
    fn bash_offers_flags_and_values() {
        assert_eq!(bash_offers("--ser"), "--server_name");
        assert_eq!(bash_offers("--io ur"), "uring");
        assert_eq!(bash_offers("-D --signal re"), "reopen reload");
        assert_eq!(bash_offers("--port ''"), "");
        assert_eq!(bash_offers("fs"), "fsck");
        assert_eq!(bash_offers("fsck /us"), "/usr");
    }
}
