//! docs/performance.md's generated part and the chart beside it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::splice::splice;

use super::chart;
use super::table::{self, Setting};
use super::verdict::Line;

const PAGE: &str = "docs/performance.md";
const CHART: &str = "docs/comparison.svg";

const BEGIN: &str = "<!-- compare:begin -->";
const END: &str = "<!-- compare:end -->";

pub(crate) fn write(root: &Path, setting: &Setting, lines: &[Line]) -> Result<()> {
    let path = root.join(PAGE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {PAGE}"))?;
    let fresh = splice(&text, BEGIN, END, &generated(setting, lines));
    let fresh = fresh.with_context(|| format!("{PAGE} needs the markers {BEGIN} and {END}"))?;
    fs::write(&path, fresh).with_context(|| format!("writing {PAGE}"))?;
    let drawn = chart::draw(setting, lines);
    fs::write(root.join(CHART), drawn).with_context(|| format!("writing {CHART}"))?;
    println!("wrote {PAGE} and {CHART}");
    Ok(())
}

fn generated(setting: &Setting, lines: &[Line]) -> String {
    let mut text = format!(
        "{}. buster-server is {}. Medians of {} rounds with the servers in turns; a ratio is ours to \
         theirs in the same round, with the lowest and the highest behind it.\n\n",
        setting.machine, setting.commit, setting.rounds
    );
    text += &table::markdown(setting, lines);
    text += "\n```sh\ncargo xtask compare --write\n";
    for (name, command) in &setting.servers {
        text += &format!("{command}  # {name}\n");
    }
    text + "```\n"
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::setting;
    use super::super::verdict::tests::sample;
    use super::*;
    use crate::splice::tests::has_place;

    #[test]
    fn the_page_has_a_place_for_it() {
        assert!(has_place(PAGE, BEGIN, END));
    }

    #[test]
    fn the_page_names_machine_version_and_commands() {
        let text = generated(&setting(), &sample());
        for words in [
            "A processor, 2 cores, Linux 6.18. buster-server is abc1234. Medians of 3 rounds",
            "\n| load | figure |",
            "nats-server -a 127.0.0.1 -p {port}  # nats-server 2.9.10\n",
        ] {
            assert!(text.contains(words), "{words} in\n{text}");
        }
    }
}
