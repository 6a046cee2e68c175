//! Conversations with nats-server 2.14.5, played to a consumer: what it delivers and says is what was recorded.
//!
//! `testdata/recorded.txt` has them without what is about streams only: `>` is done, `<` is what comes of it, by whom it
//! is heard: `i` who asked, `d` who is pushed to, `w` somebody else who asked, `e` who listens to events.

mod rig;

use rig::{Rig, blanked, config};

const RECORDED: &str = include_str!("../testdata/recorded.txt");

/// How long something that is to come is waited for, if nothing is said of it.
const PATIENCE_MS: i64 = 5_000;

#[test]
fn consumers_do_what_was_recorded() {
    let mut failed = Vec::new();
    for case in RECORDED.split("# ").skip(1) {
        let (name, steps) = case.split_once('\n').unwrap();
        if let Err(differs) = play(steps) {
            failed.push(format!("{name}: {differs}"));
        }
    }
    assert!(failed.is_empty(), "{} cases differ:\n{}", failed.len(), failed.join("\n"));
}

fn play(steps: &str) -> Result<(), String> {
    let mut rig = Rig::stream(0, false);
    let mut expected: Vec<(char, String)> = Vec::new();
    for line in steps.lines() {
        let (mark, rest) = line.split_at(2);
        if mark == "< " {
            expected.push((rest.chars().next().unwrap(), rest[2..].to_owned()));
            continue;
        }
        let (verb, arguments) = rest.split_once(' ').unwrap_or((rest, ""));
        match verb {
            "step" => {
                let mut patience = PATIENCE_MS;
                while rig.lines.len() < expected.len() && patience > 0 {
                    rig.wait(1);
                    patience -= 1;
                }
                compare(&mut rig, std::mem::take(&mut expected))?;
            }
            "wait" => {
                rig.wait(arguments.parse().unwrap());
                compare(&mut rig, std::mem::take(&mut expected))?;
            }
            _ => act(&mut rig, verb, arguments),
        }
    }
    Ok(())
}

fn act(rig: &mut Rig, verb: &str, arguments: &str) {
    let words: Vec<&str> = arguments.splitn(3, ' ').collect();
    let queue = || words[1].trim_matches('-');
    match verb {
        "stream" => *rig = Rig::stream(words[0].parse().unwrap(), words[1] == "1"),
        "create" if rig.is_gone => rig.create_from(&config(&timed(rig, arguments))),
        "create" => rig.update(&timed(rig, arguments)),
        "pub" => {
            rig.publish(words[0], words[1].parse().unwrap());
        }
        "next" => rig.request(words[0], arguments.split_once(' ').map_or("", |(_, body)| body)),
        "ack" => rig.ack(words[0].parse().unwrap(), words.get(2).unwrap_or(&""), words[1].trim_matches('-')),
        "info" => rig.info(),
        "sub" => rig.sub(words[0], queue()),
        "unsub" => rig.unsub(words[0], queue()),
        "delete" => rig.delete(words[0].parse().unwrap()),
        "purge" => rig.purge(None),
        "reset" => rig.reset(number_in(arguments)),
        "pause" => pause(rig, &timed(rig, arguments)),
        "restart" => rig.restart(),
        _ => panic!("{verb}"),
    }
}

/// What is not JSON asks for nothing here: that is for who reads requests.
fn number_in(body: &str) -> u64 {
    body.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn pause(rig: &mut Rig, body: &str) {
    let until = body.split('"').nth(3).and_then(|time| js_proto::Timestamp::parse(time).ok());
    rig.pause(until);
}

/// Puts times in the place of `@` and seconds from now.
fn timed(rig: &Rig, text: &str) -> String {
    let Some((front, rest)) = text.split_once('@') else { return text.to_owned() };
    let end = rest.find('"').unwrap();
    let seconds: f64 = rest[..end].parse().unwrap();
    let time = js_proto::Timestamp::from_unix_nanos(rig.at.wall + (seconds * 1e9) as i64);
    format!("{front}{time}{}", &rest[end..])
}

fn compare(rig: &mut Rig, expected: Vec<(char, String)>) -> Result<(), String> {
    let lines = std::mem::take(&mut rig.lines);
    for group in ['i', 'd', 'w', 'e'] {
        let of = |lines: &[(char, String)]| {
            let lines = lines.iter().filter(|line| line.0 == group);
            lines.map(|line| blanked(&line.1)).collect::<Vec<_>>()
        };
        let (is, should) = (of(&lines), of(&expected));
        let is_alike =
            is.len() == should.len() && is.iter().zip(&should).all(|(is, should)| is_like(is, should));
        // Not all cases listen to events.
        let is_unheard = group == 'e' && should.is_empty();
        if !is_alike && !is_unheard {
            return Err(format!(
                "\n  is     {}\n  should {}",
                is.join("\n         "),
                should.join("\n         ")
            ));
        }
    }
    Ok(())
}

/// Whether a line is that, with `P` for a number that differs from time to time.
fn is_like(is: &str, should: &str) -> bool {
    let (is, should) = (is.split(['.', ' ']), should.split(['.', ' ']));
    is.clone().count() == should.clone().count()
        && is.zip(should).all(|(is, should)| is == should || should == "P")
}
