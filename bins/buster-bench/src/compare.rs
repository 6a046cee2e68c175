//! Runs several servers in turns under the same loads, so that whatever the machine does in the
//! meantime hits all of them alike.
//!
//! Every run starts a fresh server. The order of the servers rotates from round to round, and the
//! table shows medians.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::args::Comparison;
use crate::load::Load;
use crate::machine;
use crate::output;
use crate::process;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::table::{self, Column, Row};

/// What the rounds found for one load: per server, per round, one report per phase.
type Rounds = Vec<Vec<Vec<Report>>>;

pub(crate) fn run(comparison: &Comparison) -> Result<()> {
    process::raise_open_files_limit();
    let columns = columns(&comparison.commands)?;
    let mut failures = Vec::new();
    let mut rows = Vec::new();
    for load in &comparison.loads {
        let rounds = run_rounds(comparison, load, &columns, &mut failures);
        rows.extend(table::rows(&load.title(), &rounds));
    }
    let printed = output::print(text(comparison, &columns, &rows));
    if !failures.is_empty() {
        bail!("{} runs failed:\n{}", failures.len(), failures.join("\n"));
    }
    printed
}

/// Starts each server once, to learn its version and to fail early on a mistyped command.
fn columns(commands: &[String]) -> Result<Vec<Column>> {
    let column = |command: &String| {
        let server = Server::start(command)?;
        Ok(Column::new(command, &server.info().version))
    };
    let mut columns = commands.iter().map(column).collect::<Result<Vec<_>>>()?;
    table::tell_apart(&mut columns);
    Ok(columns)
}

fn run_rounds(
    comparison: &Comparison,
    load: &Load,
    columns: &[Column],
    failures: &mut Vec<String>,
) -> Rounds {
    let mut rounds = vec![Vec::new(); columns.len()];
    for round in 0..comparison.rounds as usize {
        for turn in 0..columns.len() {
            let index = (round + turn) % columns.len();
            let name = &columns[index].name;
            match run_once(&columns[index].command, load, &comparison.settings) {
                Ok(reports) => {
                    for report in &reports {
                        output::note(format_args!("{name}: {}", report.text()));
                    }
                    rounds[index].push(reports);
                }
                Err(error) => {
                    let failure = format!("{name}: {error:#}");
                    output::note(&failure);
                    failures.push(failure);
                }
            }
        }
    }
    rounds
}

fn run_once(command: &str, load: &Load, settings: &Settings) -> Result<Vec<Report>> {
    let mut server = Server::start(command).context("starting")?.reached_by(settings);
    load.run(&mut server, settings)
}

/// What is printed in the end.
fn text(comparison: &Comparison, columns: &[Column], rows: &[Row]) -> String {
    if comparison.json {
        let columns: Vec<_> = columns.iter().map(Column::json).collect();
        let rows: Vec<_> = rows.iter().map(Row::json).collect();
        let all = json!({
            "machine": machine::describe(),
            "rounds": comparison.rounds,
            "scale": comparison.settings.scale,
            "servers": columns,
            "loads": rows,
        });
        return format!("{all}\n");
    }
    let mut text = table::markdown(columns, rows);
    let _ = writeln!(
        text,
        "\n{}. Medians of {} rounds in turns, server and load generator on the same machine. \
         A ratio above 1 is better, whatever is compared.",
        machine::describe(),
        comparison.rounds
    );
    for column in columns {
        let _ = writeln!(text, "{}: `{}`.", column.name, column.command);
    }
    text
}
