//! docs/conformance.md's generated part.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::splice::splice;

use super::expected::Expected;
use super::verdict::Report;

const PAGE: &str = "docs/conformance.md";

const BEGIN: &str = "<!-- suites:begin -->";
const END: &str = "<!-- suites:end -->";

pub(crate) fn write(root: &Path, commit: &str, list: &Expected, reports: &[Report]) -> Result<()> {
    let path = root.join(PAGE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {PAGE}"))?;
    let fresh = splice(&text, BEGIN, END, &generated(commit, list, reports));
    let fresh = fresh.with_context(|| format!("{PAGE} needs the markers {BEGIN} and {END}"))?;
    fs::write(&path, fresh).with_context(|| format!("writing {PAGE}"))?;
    println!("wrote {PAGE}");
    Ok(())
}

fn generated(commit: &str, list: &Expected, reports: &[Report]) -> String {
    let suites: Vec<String> =
        list.suites.iter().map(|suite| format!("{} {}", suite.name, suite.version)).collect();
    let mut text = format!("buster-server is {commit}; the suites are {}.\n\n", suites.join(", "));
    text += &table(reports);
    text += "\n### What does not pass\n\n";
    for key in list.reasons.keys() {
        text += &excused(key, list, reports);
    }
    text += "### What passes\n\n";
    for report in reports.iter().filter(|report| !report.passed.is_empty()) {
        let names: Vec<String> = report.passed.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(text, "**{} {}**: {}.\n", report.suite, report.file, names.join(", "));
    }
    text
}

fn table(reports: &[Report]) -> String {
    let mut text = "| suite | file | pass | do not |\n|---|---|--:|--:|\n".to_owned();
    let mut sums = (0, 0);
    for report in reports {
        let (passed, excused) = (report.passed.len(), report.excused.len());
        let _ = writeln!(text, "| {} | {} | {passed} | {excused} |", report.suite, report.file);
        sums = (sums.0 + passed, sums.1 + excused);
    }
    text + &format!("| all | | {} | {} |\n", sums.0, sums.1)
}

/// The tests, and the files as a whole, that one reason keeps from passing.
fn excused(key: &str, list: &Expected, reports: &[Report]) -> String {
    let reason = &list.reasons[key];
    let mut text =
        format!("**{}**{}\n", reason.text, if reason.everywhere { ", with nats-server too" } else { "" });
    for report in reports {
        let names = report.excused.iter().filter(|(_, why)| *why == key);
        let names: Vec<String> = names.map(|(name, _)| format!("`{name}`")).collect();
        if !names.is_empty() {
            let _ = writeln!(text, "- {} {}: {}", report.suite, report.file, names.join(", "));
        }
    }
    for suite in &list.suites {
        for (file, _) in suite.left_out.iter().filter(|(_, why)| *why == key) {
            let _ = writeln!(text, "- {} {file}: not run", suite.name);
        }
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suites::expected::Expected;

    #[test]
    fn the_page_counts_and_names_every_test() {
        let list: Expected = toml::from_str(
            "[reasons]\nstreams = { text = 'Needs streams' }\n[[suite]]\nname = 'rs'\nversion = '1'\n\
             checkout = 'c'\nrunner = 'libtest'\nfile = []\n[suite.left_out]\nkv = 'streams'\n",
        )
        .unwrap();
        let report = Report {
            suite: "rs".into(),
            file: "client".into(),
            passed: vec!["a".into(), "b".into()],
            excused: [("s".to_owned(), "streams".to_owned())].into(),
            unexpected: Vec::new(),
        };
        let text = generated("abc1234", &list, &[report]);
        for words in [
            "buster-server is abc1234; the suites are rs 1.\n",
            "| rs | client | 2 | 1 |\n| all | | 2 | 1 |\n",
            "**Needs streams**\n- rs client: `s`\n- rs kv: not run\n",
            "**rs client**: `a`, `b`.\n",
        ] {
            assert!(text.contains(words), "{words} in\n{text}");
        }
    }
}
