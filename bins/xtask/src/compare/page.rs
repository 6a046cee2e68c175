//! docs/performance.md's generated part and the chart beside it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::splice::splice;

use super::chart;
use super::table::{self, Setting};
use super::verdict::Line;

const PAGE: &str = "docs/performance.md";

/// Where a comparison goes, and what makes it.
#[derive(Debug)]
pub(crate) struct Place {
    /// None where nothing stands beside ours.
    chart: Option<&'static str>,
    begin: &'static str,
    end: &'static str,
    command: &'static str,
}

pub(crate) const CORE: Place = Place {
    chart: Some("docs/comparison.svg"),
    begin: "<!-- compare:begin -->",
    end: "<!-- compare:end -->",
    command: "cargo xtask compare --write",
};

pub(crate) const JETSTREAM: Place = Place {
    chart: Some("docs/comparison-jetstream.svg"),
    begin: "<!-- compare-jetstream:begin -->",
    end: "<!-- compare-jetstream:end -->",
    command: "cargo xtask compare --jetstream --write",
};

pub(crate) const ROUTES: Place = Place {
    chart: Some("docs/comparison-routes.svg"),
    begin: "<!-- compare-routes:begin -->",
    end: "<!-- compare-routes:end -->",
    command: "cargo xtask compare --routes --write",
};

pub(crate) const WEB: Place = Place {
    chart: None,
    begin: "<!-- compare-web:begin -->",
    end: "<!-- compare-web:end -->",
    command: "cargo xtask compare --web --write",
};

pub(crate) fn write(root: &Path, place: &Place, setting: &Setting, lines: &[Line]) -> Result<()> {
    let Place { begin, end, .. } = place;
    let path = root.join(PAGE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {PAGE}"))?;
    let fresh = splice(&text, begin, end, &generated(place, setting, lines));
    let fresh = fresh.with_context(|| format!("{PAGE} needs the markers {begin} and {end}"))?;
    fs::write(&path, fresh).with_context(|| format!("writing {PAGE}"))?;
    println!("wrote {PAGE}");
    if let Some(chart) = place.chart {
        let drawn = chart::draw(setting, lines);
        fs::write(root.join(chart), drawn).with_context(|| format!("writing {chart}"))?;
        println!("wrote {chart}");
    }
    Ok(())
}

fn generated(place: &Place, setting: &Setting, lines: &[Line]) -> String {
    let scale = if setting.scale == 1.0 {
        String::new()
    } else {
        format!(" Every load was {} times as large as its row says.", setting.scale)
    };
    let mut text = format!(
        "{}. buster-server is {}. Medians of {} rounds with the servers in turns; a ratio is ours to \
         theirs in the same round, with the lowest and the highest behind it.{scale}\n\n",
        setting.machine, setting.commit, setting.rounds
    );
    if let Some(chart) = place.chart {
        let chart = Path::new(chart).file_name().unwrap_or_default().to_string_lossy();
        text += &format!("![Server CPU per operation and rate]({chart})\n\n");
    }
    text += &table::markdown(setting, lines);
    text += &format!("\n```sh\n{}\n", place.command);
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
    fn the_page_has_a_place_for_each() {
        assert!([CORE, JETSTREAM, ROUTES, WEB].iter().all(|place| has_place(PAGE, place.begin, place.end)));
    }

    #[test]
    fn the_page_names_machine_version_and_commands() {
        let text = generated(&CORE, &setting(), &sample());
        for words in [
            "A processor, 2 cores, Linux 6.18. buster-server is abc1234. Medians of 3 rounds",
            "\n| load | figure |",
            "nats-server -a 127.0.0.1 -p {port}  # nats-server 2.9.10\n",
        ] {
            assert!(text.contains(words), "{words} in\n{text}");
        }
        assert!(!text.contains("as large as"));
        let smaller = generated(&JETSTREAM, &Setting { scale: 0.5, ..setting() }, &sample());
        assert!(smaller.contains("Every load was 0.5 times as large as its row says.\n"), "{smaller}");
        assert!(smaller.contains("cargo xtask compare --jetstream --write\n"), "{smaller}");
        assert!(smaller.contains("](comparison-jetstream.svg)\n"), "beside the page: {smaller}");
    }
}
