//! Arrays of URLs of other servers.

use nats_conf::Value;

use crate::config::report::Report;
use crate::peer_url::PeerUrl;

/// Reads all that are right, and reports the others. One that stands twice counts once. `None` if there is no array
/// of texts.
pub(crate) fn urls(value: &Value, kind: &str, report: &mut Report) -> Option<Vec<PeerUrl>> {
    let mut seen: Vec<&str> = Vec::new();
    let mut urls = Vec::new();
    for element in report.ok(value.as_array())? {
        let url = report.ok(element.as_str())?;
        if seen.contains(&url) {
            report.warn_at(element, url, &format!("Duplicate {kind} entry detected"));
            continue;
        }
        seen.push(url);
        match PeerUrl::read(kind, url) {
            Ok(url) => urls.push(url),
            Err(reason) => report.refuse(element, reason),
        }
    }
    Some(urls)
}
