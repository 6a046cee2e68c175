//! `/`: a page with links to the others.

use crate::answer::Answer;

const LINKS: [(&str, &str); 12] = [
    ("General", "varz"),
    ("JetStream", "jsz"),
    ("Connections", "connz"),
    ("Accounts", "accountz"),
    ("Account Stats", "accstatz"),
    ("Subscriptions", "subsz"),
    ("Routes", "routez"),
    ("LeafNodes", "leafz"),
    ("Gateways", "gatewayz"),
    ("Raft Groups", "raftz"),
    ("Health Probe", "healthz"),
    ("Prometheus", "metrics"),
];

/// The page. Its links are relative, so the base path is theirs as well.
pub fn root(title: &str) -> Answer {
    let links: String = LINKS
        .iter()
        .map(|(name, path)| format!("  <li><a href=\"./{path}\">{name}</a> /{path}</li>\n"))
        .collect();
    Answer::html(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n{links}</ul>\n</body>\n</html>\n"
    ))
}
