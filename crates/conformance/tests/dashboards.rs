//! The dashboards that come with the server.

mod kept;
mod metrics;

use std::collections::BTreeSet;
use std::fs;

use kept::Kept;
use metrics::parsed;
use serde_json::Value;
use test_kit::Setup;

/// Every metric that the dashboards ask for is one that the server has.
#[test]
fn the_dashboards_show_what_there_is() {
    let kept = Kept::with_streams(Setup { shards: 2, ..Setup::default() });
    let samples = parsed(&kept.get("/metrics").1);
    let there: BTreeSet<&str> = samples.iter().filter_map(|sample| sample["name"].as_str()).collect();
    let labels: BTreeSet<&str> = samples
        .iter()
        .filter_map(|sample| sample["labels"].as_object())
        .flat_map(|map| map.keys().map(String::as_str))
        .collect();
    for (name, least) in [("grafana-dashboard.json", 13), ("grafana-jetstream.json", 18)] {
        let asked = queries_of(name, &there, &labels);
        assert!(asked.len() >= least, "{name} shows little: {asked:?}");
    }
}

/// What a dashboard asks for, each of which has to be there, with its labels.
fn queries_of(dashboard: &str, there: &BTreeSet<&str>, labels: &BTreeSet<&str>) -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/monitoring/");
    let text = fs::read_to_string(format!("{path}{dashboard}")).expect("it is there");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("a list");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut asked = BTreeSet::new();
    for target in targets {
        let query = target["expr"].as_str().expect("a query");
        let words = query.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
        for word in words.filter(|word| word.starts_with("buster_") || word.starts_with("process_")) {
            assert!(there.contains(word), "{word} of {query} does not exist");
            asked.insert(word.to_owned());
        }
        for by in query.split("by (").skip(1) {
            let names = by.split(')').next().expect("there is one").split(',').map(str::trim);
            // Prometheus itself says which server it is.
            let is_label = |name: &str| name == "instance" || labels.contains(name);
            names.for_each(|name| assert!(is_label(name), "{name} of {query} is no label"));
        }
    }
    asked
}
