//! How long a shard's turns get under events that are about very many rows.
//!
//! Each event has a fresh server. What comes before it is done in small portions, so that the longest turn
//! since the start is that of the event; where it is not, the event had none as long.

mod events;
mod rows;
mod stage;
mod tally;

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

use crate::output;
use crate::process;

pub(crate) use self::events::EVENTS;
use self::events::Event;
use self::stage::Stage;
use self::tally::Tally;

/// No turn is to take longer, by its thread's own clock. It is one of the bounds of the server's histogram.
const TURN_CPU_MAX: &str = "0.002";

#[derive(Debug)]
pub(crate) struct Turns {
    /// A command with `{port}` where the port goes.
    pub(crate) command: String,
    /// Subscriptions on one connection.
    pub(crate) rows: u32,
    pub(crate) connections: u32,
    /// Events by name; none means all.
    pub(crate) only: Vec<String>,
}

/// What the server says before and after an event.
struct Outcome {
    title: &'static str,
    before: Tally,
    after: Tally,
}

/// Prints a Markdown table of all events, and each line of it on stderr as soon as it is known.
pub(crate) fn run(turns: &Turns) -> Result<()> {
    process::raise_open_files_limit();
    let wanted = |event: &&Event| turns.only.is_empty() || turns.only.iter().any(|name| name == event.name);
    let mut table = head();
    let mut failures = Vec::new();
    for event in EVENTS.iter().filter(wanted) {
        match play(turns, event).context(event.name) {
            Ok(outcome) => {
                let line = line(&outcome);
                output::note(line.trim_end());
                table += &line;
            }
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    output::print(table)?;
    if !failures.is_empty() {
        bail!("{} events failed:\n{}", failures.len(), failures.join("\n"));
    }
    Ok(())
}

fn play(turns: &Turns, event: &Event) -> Result<Outcome> {
    let mut stage = Stage::open(turns, event.flags, event.config)?;
    (event.prepare)(&mut stage)?;
    stage.settle()?;
    let before = stage.look()?;
    (event.happen)(&mut stage)?;
    stage.settle()?;
    Ok(Outcome { title: event.title, before, after: stage.latest() })
}

fn head() -> String {
    "| event | longest turn | turns over 2 ms | all turns | their time |\n|---|---|---|---|---|\n".to_owned()
}

fn line(Outcome { title, before, after }: &Outcome) -> String {
    let millis = |seconds: f64| format!("{:.2} ms", seconds * 1e3);
    let longest = match after.longest {
        longest if longest > before.longest => millis(longest),
        longest => format!("≤ {}", millis(longest)),
    };
    let (long, all) = (after.long - before.long, after.turns - before.turns);
    let mut line = String::new();
    let time = millis(after.time - before.time);
    let _ = writeln!(line, "| {title} | {longest} | {long} | {all} | {time} |");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longest_turn_that_was_before_the_event_is_a_bound() {
        let tally = |longest| Tally { longest, long: 2, turns: 10, time: 0.5, ..Tally::default() };
        let after = Tally { turns: 30, time: 0.75, ..tally(0.0015) };
        let same = line(&Outcome { title: "x", before: tally(0.0015), after });
        assert_eq!(same, "| x | ≤ 1.50 ms | 0 | 20 | 250.00 ms |\n");
        let longer = line(&Outcome { title: "x", before: tally(0.001), after });
        assert_eq!(longer, "| x | 1.50 ms | 0 | 20 | 250.00 ms |\n");
    }

    #[test]
    fn every_event_has_a_name_of_its_own() {
        for (index, event) in EVENTS.iter().enumerate() {
            assert!(EVENTS[..index].iter().all(|other| other.name != event.name), "{}", event.name);
        }
    }
}
