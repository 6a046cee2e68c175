//! What is played: one file per grammar, each a function from random numbers to a script.
//!
//! A grammar says things whose answers do not depend on luck: what nats-server decides by the clock or by
//! the order of a map has no right answer. Sids of queue group members are `q`, the group, `_` and more
//! (see [`crate::wire_items`]), and no two messages of a script have the same payload.

mod headers;
mod imports;
mod jetstream;
mod limits;
mod mappings;
mod mistakes;
mod monitoring;
mod permissions;
mod protocol;
mod queues;
mod reload;
mod system;
mod talk;
mod websocket;

use std::collections::BTreeMap;

use crate::script::{Script, Step};
use seeded::Random;

/// A source of scripts.
#[derive(Debug, Clone, Copy)]
pub struct Grammar {
    /// For `--only`.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub about: &'static str,
    /// Makes one.
    pub script: fn(&mut Random) -> Script,
}

/// All of them. A case's number decides which is taken, so a new one goes to the end.
pub const GRAMMARS: [Grammar; 13] = [
    Grammar {
        name: "protocol",
        about: "ops of clients, good and damaged, cut anywhere",
        script: protocol::script,
    },
    Grammar {
        name: "permissions",
        about: "who may publish and subscribe to what",
        script: permissions::script,
    },
    Grammar { name: "mappings", about: "subjects that become others", script: mappings::script },
    Grammar { name: "limits", about: "sizes and counts, and what goes beyond", script: limits::script },
    Grammar {
        name: "headers",
        about: "HPUB to those who read headers and those who do not",
        script: headers::script,
    },
    Grammar { name: "queues", about: "queue groups, requests and no responders", script: queues::script },
    Grammar { name: "monitoring", about: "queries over HTTP, good and bad", script: monitoring::script },
    Grammar {
        name: "reload",
        about: "another configuration while clients are there",
        script: reload::script,
    },
    Grammar { name: "mistakes", about: "what -t says of files", script: mistakes::script },
    Grammar {
        name: "websocket",
        about: "requests that become WebSockets or do not, and frames, good and bad",
        script: websocket::script,
    },
    Grammar {
        name: "jetstream",
        about: "streams, consumers, what is published, delivered and acknowledged",
        script: jetstream::script,
    },
    Grammar { name: "imports", about: "streams and services that accounts share", script: imports::script },
    Grammar { name: "system", about: "requests to the server itself", script: system::script },
];

/// Whether a script, made smaller, has run into something that no grammar says, since it is known and leaves
/// nothing to compare: see the lines of docs/differences.md.
#[must_use]
pub fn is_beside_the_point(script: &Script) -> bool {
    let texts: Vec<&str> = script.configs().collect();
    // nats-server wants a blank between a number and the `]`.
    let ends_in_number = |text: &&str| {
        let mut before = text.split(']').collect::<Vec<_>>();
        before.pop();
        before.iter().any(|part| {
            let word = part.rsplit(|c: char| !c.is_ascii_alphanumeric() && !"-.".contains(c)).next();
            word.is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
        })
    };
    // It closes the connections of a single user at most reloads.
    let has_single_user = script.steps.iter().any(|step| matches!(step, Step::Reload { .. }))
        && texts.iter().any(|text| text.contains("authorization") && !text.contains("users"));
    texts.iter().any(ends_in_number)
        || has_single_user
        || has_line_end_for_subject(script)
        || cuts_a_line_with_cr(script)
        || goes_on_after_err(script)
}

/// nats-server acts on what it has read already behind the `-ERR` that ends a connection, and logs a text that is
/// a line end as it is.
fn goes_on_after_err(script: &Script) -> bool {
    let goes_on = |piece: &Vec<u8>| {
        let starts = piece.windows(4).enumerate().filter(|(_, word)| word.eq_ignore_ascii_case(b"-ERR"));
        starts.map(|(at, _)| &piece[at + 4..]).any(|rest| {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            end < rest.len() || rest[..end].trim_ascii().is_empty()
        })
    };
    let is_sent = |step: &Step| matches!(step, Step::Send { pieces, .. } if pieces.iter().any(goes_on));
    script.steps.iter().any(is_sent)
}

/// Behind `PUB` and a blank, nats-server takes a line end for the beginning of the subject, and a CR within the
/// line for a part of what it stands in.
fn has_line_end_for_subject(script: &Script) -> bool {
    let mut said: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for step in &script.steps {
        if let Step::Send { conn, pieces } = step {
            said.entry(*conn).or_default().extend(pieces.concat());
        }
    }
    let begins_so = |text: &[u8]| {
        let Some((verb, rest)) = text.split_at_checked(3) else { return false };
        if !verb.eq_ignore_ascii_case(b"PUB") {
            return false;
        }
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let rest = &rest[blanks..];
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let before_size = line.rsplitn(2, |byte| matches!(byte, b' ' | b'\t')).nth(1).unwrap_or_default();
        let is_odd = rest.starts_with(b"\n") || before_size.contains(&b'\r');
        blanks > 0 && is_odd
    };
    said.values().any(|said| (0..said.len()).any(|at| begins_so(&said[at..])))
}

/// Of a line that is cut within its arguments, nats-server forgets all CRs behind the cut, and the last byte before
/// it if there is a CR somewhere before.
fn cuts_a_line_with_cr(script: &Script) -> bool {
    let mut said: BTreeMap<usize, (Vec<u8>, Vec<usize>)> = BTreeMap::new();
    for step in &script.steps {
        if let Step::Send { conn, pieces } = step {
            let (text, cuts) = said.entry(*conn).or_default();
            for piece in pieces {
                text.extend(piece);
                cuts.push(text.len());
            }
        }
    }
    said.values().any(|(text, cuts)| {
        let mut start = 0;
        text.split(|byte| *byte == b'\n').any(|line| {
            let forgets =
                cuts.iter().any(|cut| cut.checked_sub(start).is_some_and(|cut| forgets_cr(line, cut)));
            start += line.len() + 1;
            forgets
        })
    })
}

/// `line` is without its line feed.
fn forgets_cr(line: &[u8], cut: usize) -> bool {
    const VERBS: [&[u8]; 5] = [b"PUB", b"HPUB", b"SUB", b"UNSUB", b"CONNECT"];
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some((before, after)) = line.split_at_checked(cut) else { return false };
    let verb = before.split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
    let has_arguments = before[verb.len()..].iter().any(|byte| !is_blank(byte));
    has_arguments
        && VERBS.iter().any(|one| one.eq_ignore_ascii_case(verb))
        && (before.contains(&b'\r') && !(before.ends_with(b"\r") && after.is_empty())
            || after.strip_suffix(b"\r").unwrap_or(after).contains(&b'\r'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::case_file::{self, Case};

    const CASES: u64 = 200;

    #[test]
    fn a_cr_is_forgotten_in_cut_arguments_only() {
        for (line, cut, forgets) in [
            (&b"SUB a\rb 1\r"[..], 5, true),
            (b"SUB ab 1\r", 5, false),
            (b"SUB a\rb 1\r", 2, false),
            (b"CONNECT{\"\r\":1}", 9, true),
            (b"PING \rx", 5, false),
        ] {
            assert_eq!(forgets_cr(line, cut), forgets, "{} {cut}", line.escape_ascii());
        }
    }

    #[test]
    fn no_grammar_says_what_is_beside_the_point() {
        for grammar in GRAMMARS {
            let scripts = (0..CASES).map(|case| (grammar.script)(&mut Random::new(2, case)));
            let beside: Vec<Script> = scripts.filter(is_beside_the_point).collect();
            assert!(beside.len() <= CASES as usize / 16, "{}: {beside:#?}", grammar.name);
        }
    }

    #[test]
    fn a_line_end_for_a_subject_is_beside_the_point() {
        let beside = |said: &str| {
            let steps = vec![Step::send(0, said)];
            is_beside_the_point(&Script { steps, ..Script::default() })
        };
        assert!(beside("PING\r\nHpub \n a 6\r\n") && beside("PUB\t \r a 6\n"));
        assert!(beside("PUB b.a\r x 9\r\n"));
        assert!(!beside("PUB a 6\r\n") && !beside("PUB \r\n") && !beside("PUB\n"));
        assert!(beside("-err 'x'\r\nPING\r\n") && beside("-ERR \r\n") && !beside("-ERR 'x'\r\n"));
    }

    #[test]
    fn a_cr_in_a_line_that_is_cut_is_beside_the_point() {
        let beside = |pieces: &[&str]| {
            let pieces = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
            let steps = vec![Step::send(0, "PING\r\n"), Step::Send { conn: 0, pieces }];
            is_beside_the_point(&Script { steps, ..Script::default() })
        };
        assert!(beside(&["SUB b", " 2\r\r\n"]) && beside(&["SUB b\r", " 2\r\n"]));
        assert!(beside(&["SUB b \rx", "\r\n"]));
        assert!(beside(&["pub b 2\r", "\r\n"]) && !beside(&["PUB b 2\r\r", "\n"]));
        assert!(!beside(&["SUB b 2\r\r\n", "PING\r\n"]) && !beside(&["SUB b 2\r", "\nPI", "NG\r\n"]));
        assert!(!beside(&["SU", "B b 2\r\r\n"]) && !beside(&["PUB a 4\r\n1\r", "2\r\r\n"]));
    }

    #[test]
    fn a_case_is_always_the_same_script_and_others_are_others() {
        for grammar in GRAMMARS {
            let scripts: Vec<Script> =
                (0..CASES).map(|case| (grammar.script)(&mut Random::new(3, case))).collect();
            let again = (grammar.script)(&mut Random::new(3, 7));
            assert_eq!(again, scripts[7], "{}", grammar.name);
            let texts: BTreeSet<String> = scripts.iter().map(|script| format!("{script:?}")).collect();
            assert!(texts.len() > scripts.len() / 2, "{} repeats itself", grammar.name);
        }
    }

    #[test]
    fn every_script_can_be_kept_as_a_file() {
        for grammar in GRAMMARS {
            for number in 0..CASES {
                let script = (grammar.script)(&mut Random::new(5, number));
                let case = Case { peer: "2.14.5".into(), script, ..Case::default() };
                let text = case_file::print(&case);
                assert_eq!(case_file::parse(&text).unwrap(), case, "{}\n{text}", grammar.name);
            }
        }
    }
}
