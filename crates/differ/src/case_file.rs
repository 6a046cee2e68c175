//! Cases as files: a script, and the right answers between its steps.
//!
//! A line at the margin says what happens, the lines below it, indented by two, what with:
//!
//! ```text
//! # What the case shows.
//! peer 2.14.5
//! config
//!   max_payload: 64
//! 0 send
//!   CONNECT {"verbose":false}\r\n
//!   PUB a 2\r\n
//!   ~
//!   hi\r\nPING\r\n
//! 0 gets
//!   INFO *
//!   PONG
//! ```
//!
//! `0 web` is `0 send` to the listener for WebSockets. `~` parts what is sent in several writes. In an answer a star stands for any text (`[*]` for a star),
//! `INFO *` for INFO with any fields, and a last line `...` for any further lines, of which a line `- x`
//! must not be one. What a connection gets, and what is answered, is compared whole; the log and the
//! start only if they are there.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::recording::{Place, Recording};
use crate::script::{Script, Step};
use crate::text::{escape, unescape};

/// A case that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// What it shows, in lines.
    pub about: Vec<String>,
    /// The version of nats-server whose answers these are.
    pub peer: String,
    /// What is played.
    pub script: Script,
    /// What is right; each item may hold stars.
    pub answers: Recording,
}

/// Parts the pieces of what is sent, and stands for the missing line feed at the end of a file.
const CUT: &str = "~";

/// The case as a file.
#[must_use]
pub fn print(case: &Case) -> String {
    let mut out = String::new();
    for line in &case.about {
        let _ = writeln!(out, "# {line}");
    }
    let _ = writeln!(out, "peer {}", case.peer);
    let script = &case.script;
    if script.shards != 1 {
        let _ = writeln!(out, "shards {}", script.shards);
    }
    if script.trace {
        out.push_str("trace\n");
    }
    if let Some(config) = &script.config {
        block(&mut out, "config", config_lines(config));
    }
    if let Some(items) = case.answers.get(&Place::Start) {
        block(&mut out, "start", items.iter().cloned());
    }
    for (index, step) in script.steps.iter().enumerate() {
        print_step(&mut out, step);
        for (place, items) in case.answers.iter().filter(|(place, _)| place.step() == Some(index)) {
            block(&mut out, &head(place), items.iter().cloned());
        }
    }
    for (place, items) in &case.answers {
        if let Place::Log | Place::ConnLog { .. } = place {
            block(&mut out, &head(place), items.iter().cloned());
        }
    }
    out
}

fn print_step(out: &mut String, step: &Step) {
    match step {
        Step::Send { conn, pieces } => block(out, &format!("{conn} send"), piece_lines(pieces)),
        Step::Web { conn, pieces } => block(out, &format!("{conn} web"), piece_lines(pieces)),
        Step::End { conn } => block(out, &format!("{conn} ends"), std::iter::empty()),
        Step::Ask { request } => block(out, &format!("ask {}", escape(request)), std::iter::empty()),
        Step::Reload { config } => block(out, "reload", config_lines(config)),
        Step::Restart => block(out, "restart", std::iter::empty()),
        Step::Check { config } => block(out, "check", config_lines(config)),
    }
}

fn block(out: &mut String, head: &str, lines: impl Iterator<Item = String>) {
    let _ = writeln!(out, "{head}");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}

fn head(place: &Place) -> String {
    match place {
        Place::Start => "start".to_owned(),
        Place::Wire { conn, .. } => format!("{conn} gets"),
        Place::Group { group, .. } => format!("group {group} gets"),
        Place::Answer { .. } => "answer".to_owned(),
        Place::Check { .. } => "says".to_owned(),
        Place::Log => "log".to_owned(),
        Place::ConnLog { conn } => format!("{conn} log"),
    }
}

fn config_lines(config: &str) -> std::vec::IntoIter<String> {
    let mut lines: Vec<String> = config.split('\n').map(|line| line_text(line.as_bytes())).collect();
    if config.ends_with('\n') || config.is_empty() {
        lines.pop();
    } else {
        lines.push(CUT.to_owned());
    }
    lines.into_iter()
}

fn piece_lines(pieces: &[Vec<u8>]) -> std::vec::IntoIter<String> {
    let mut lines = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            lines.push(CUT.to_owned());
        }
        lines.extend(piece.split_inclusive(|byte| *byte == b'\n').map(line_text));
    }
    lines.into_iter()
}

fn line_text(line: &[u8]) -> String {
    if line == CUT.as_bytes() { "\\x7e".to_owned() } else { escape(line) }
}

/// Reads the file of that name.
///
/// # Errors
///
/// When there is none, or one that is not understood.
pub fn read(path: &Path) -> Result<Case> {
    let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    parse(&text).with_context(|| format!("{}", path.display()))
}

/// Reads the text of such a file.
///
/// # Errors
///
/// The number of the line that is not understood.
pub fn parse(text: &str) -> Result<Case> {
    let mut case = Case { script: Script { shards: 1, ..Script::default() }, ..Case::default() };
    for block in blocks(text) {
        let at = || format!("line {}: `{}`", block.line, block.head);
        take_block(&mut case, &block).with_context(at)?;
    }
    ensure!(!case.peer.is_empty(), "no line `peer VERSION`");
    Ok(case)
}

struct Block<'a> {
    /// Number of the head's line, from 1.
    line: usize,
    head: &'a str,
    body: Vec<&'a str>,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix("  "), blocks.last_mut()) {
            (Some(body), Some(block)) => block.body.push(body),
            _ if line.is_empty() => {}
            _ => blocks.push(Block { line: index + 1, head: line, body: Vec::new() }),
        }
    }
    blocks
}

fn take_block(case: &mut Case, block: &Block<'_>) -> Result<()> {
    let script = &mut case.script;
    let words: Vec<&str> = block.head.split(' ').collect();
    let items = || block.body.iter().map(|line| (*line).to_owned()).collect();
    let conn = |word: &str| word.parse::<usize>().context("not the number of a connection");
    let step = script.steps.len().wrapping_sub(1);
    match words.as_slice() {
        ["#", ..] => case.about.push(block.head[1..].trim().to_owned()),
        ["peer", version] => case.peer = (*version).to_owned(),
        ["shards", count] => script.shards = count.parse()?,
        ["trace"] => script.trace = true,
        ["config"] => script.config = Some(config(&block.body)?),
        ["start"] => drop(case.answers.insert(Place::Start, items())),
        ["reload"] => script.steps.push(Step::Reload { config: config(&block.body)? }),
        ["restart"] => script.steps.push(Step::Restart),
        ["check"] => script.steps.push(Step::Check { config: config(&block.body)? }),
        ["ask", _, ..] => {
            let request = unescape(&block.head["ask ".len()..]).context("not an escape")?;
            script.steps.push(Step::Ask { request });
        }
        [number, "send"] => {
            script.steps.push(Step::Send { conn: conn(number)?, pieces: pieces(&block.body)? });
        }
        [number, "web"] => {
            script.steps.push(Step::Web { conn: conn(number)?, pieces: pieces(&block.body)? });
        }
        [number, "ends"] => script.steps.push(Step::End { conn: conn(number)? }),
        ["log"] => drop(case.answers.insert(Place::Log, items())),
        [number, "log"] => drop(case.answers.insert(Place::ConnLog { conn: conn(number)? }, items())),
        _ if script.steps.is_empty() => bail!("not understood, or before the first step"),
        [number, "gets"] => drop(case.answers.insert(Place::Wire { step, conn: conn(number)? }, items())),
        ["group", group, "gets"] => {
            case.answers.insert(Place::Group { step, group: (*group).to_owned() }, items());
        }
        ["answer"] => drop(case.answers.insert(Place::Answer { step }, items())),
        ["says"] => drop(case.answers.insert(Place::Check { step }, items())),
        _ => bail!("not understood"),
    }
    Ok(())
}

fn config(body: &[&str]) -> Result<String> {
    let (lines, feed) = match body {
        [lines @ .., last] if *last == CUT => (lines, false),
        lines => (lines, !lines.is_empty()),
    };
    let bytes: Option<Vec<Vec<u8>>> = lines.iter().map(|line| unescape(line)).collect();
    let mut text = String::from_utf8(bytes.context("not an escape")?.join(&b'\n'))?;
    if feed {
        text.push('\n');
    }
    Ok(text)
}

fn pieces(body: &[&str]) -> Result<Vec<Vec<u8>>> {
    let piece = |lines: &[&str]| -> Option<Vec<u8>> {
        lines.iter().map(|line| unescape(line)).collect::<Option<Vec<_>>>().map(|lines| lines.concat())
    };
    let pieces: Option<Vec<Vec<u8>>> = body.split(|line| *line == CUT).map(piece).collect();
    pieces.context("not an escape")
}

/// Whether an answer at this place is compared: always, but of logs and the start only what the file has.
#[must_use]
pub fn is_of_concern(place: &Place, answers: &Recording) -> bool {
    place.step().is_some() || answers.contains_key(place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn case(steps: Vec<Step>, answers: Recording) -> Case {
        let config = Some("a: 1\nb: \"\\\"\n".to_owned());
        let script = Script { shards: 2, trace: true, config, steps };
        Case { about: vec!["Two lines".into(), "of text.".into()], peer: "2.14.5".into(), script, answers }
    }

    #[test]
    fn a_case_is_read_as_it_was_printed() {
        let steps = vec![
            Step::Send { conn: 0, pieces: vec![b"CONNECT {}\r\nPU".to_vec(), b"B a 1\r\n~\n~".to_vec()] },
            Step::Web { conn: 1, pieces: vec![b"GET / HTTP/1.1\r\n\r\n".to_vec(), b"\x82\x80".to_vec()] },
            Step::Ask { request: b"GET /varz?a=\xff b".to_vec() },
            Step::Reload { config: "no feed".into() },
            Step::Check { config: String::new() },
            Step::End { conn: 0 },
            Step::Restart,
        ];
        let mut answers = Recording::new();
        answers.insert(Place::Start, vec!["[INF] Server is ready".into()]);
        answers.insert(Place::Wire { step: 0, conn: 1 }, vec!["INFO *".into(), "PONG".into()]);
        answers.insert(Place::Group { step: 0, group: "q1".into() }, vec!["MSG a".into()]);
        answers.insert(Place::Answer { step: 2 }, vec!["200 OK".into(), "...".into()]);
        answers.insert(Place::Check { step: 4 }, vec!["exit 1".into()]);
        answers.insert(Place::ConnLog { conn: 0 }, vec!["[ERR] x".into()]);
        let case = case(steps, answers);
        let text = print(&case);
        assert_eq!(parse(&text).unwrap(), case, "{text}");
    }

    #[test]
    fn what_is_not_understood_names_its_line() {
        let wrong =
            ["peer 1\n0 sends\n", "0 gets\n  PONG\n", "peer 1\n0 send\n  \\q\n", "ask\n", "peer 1\nx send\n"];
        for text in wrong {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.starts_with("line "), "{text:?}: {error}");
        }
        assert!(parse("# about\n").is_err(), "no peer");
    }

    proptest! {
        #[test]
        fn whatever_is_sent_comes_back(pieces: Vec<Vec<u8>>, config in "[ -~\n]*") {
            prop_assume!(!pieces.is_empty());
            let steps = vec![Step::Send { conn: 3, pieces }, Step::Check { config }];
            let case = case(steps, Recording::new());
            prop_assert_eq!(parse(&print(&case)).unwrap(), case);
        }
    }
}
