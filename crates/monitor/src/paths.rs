//! Which endpoint a path leads to, by the rules of Go's ServeMux.

use http_head::{clean, unescape};

/// An endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Its path, without the slash.
    pub(crate) name: &'static str,
    /// What it is counted as in `http_req_stats`, if at all.
    pub(crate) counted_as: Option<&'static str>,
    /// Whether it is counted although its parameters make no sense.
    pub(crate) counts_nonsense: bool,
}

const fn endpoint(name: &'static str, counted_as: &'static str) -> Endpoint {
    Endpoint { name, counted_as: Some(counted_as), counts_nonsense: true }
}

const fn late(name: &'static str, counted_as: &'static str) -> Endpoint {
    Endpoint { counts_nonsense: false, ..endpoint(name, counted_as) }
}

const fn uncounted(name: &'static str) -> Endpoint {
    Endpoint { name, counted_as: None, counts_nonsense: false }
}

const ROOT: Endpoint = endpoint("", "/");

const ENDPOINTS: [Endpoint; 14] = [
    endpoint("varz", "/varz"),
    late("connz", "/connz"),
    late("routez", "/routez"),
    endpoint("gatewayz", "/gatewayz"),
    endpoint("leafz", "/leafz"),
    endpoint("subsz", "/subsz"),
    endpoint("subscriptionsz", "/subsz"),
    endpoint("accountz", "/accountz"),
    endpoint("accstatz", "/accstatz"),
    endpoint("jsz", "/jsz"),
    endpoint("healthz", "/healthz"),
    uncounted("ipqueuesz"),
    uncounted("raftz"),
    endpoint("metrics", "/metrics"),
];

impl Endpoint {
    /// The endpoint of a path with escapes. `base_path` is what every path begins with, as it stands in the
    /// configuration; that itself is the root, and what has a slash behind it is not.
    pub(crate) fn find(base_path: &str, path: &[u8]) -> Option<Self> {
        let base = clean(base_path.as_bytes());
        let base = segments(base.strip_suffix(b"/").unwrap_or(&base));
        let path = segments(path);
        match path.strip_prefix(&base[..])? {
            [] if !base.is_empty() => Some(ROOT),
            [only] if only.is_empty() && base.is_empty() => Some(ROOT),
            [only] => ENDPOINTS.into_iter().find(|endpoint| endpoint.name.as_bytes() == only),
            _ => None,
        }
    }
}

/// The folder of the page that people look at.
const CONSOLE: &[u8] = b"ui";

/// What of the page a path asks for: what stands behind its folder, without escapes. `None` within says that the path
/// is the folder without a slash behind.
pub(crate) fn of_console(base_path: &str, path: &[u8]) -> Option<Option<Vec<u8>>> {
    let base = clean(base_path.as_bytes());
    let base = segments(base.strip_suffix(b"/").unwrap_or(&base));
    let path = segments(path);
    match path.strip_prefix(&base[..])? {
        [folder] if folder == CONSOLE => Some(None),
        [folder, name] if folder == CONSOLE => Some(Some(name.clone())),
        _ => None,
    }
}

/// What stands behind each slash, without escapes.
fn segments(path: &[u8]) -> Vec<Vec<u8>> {
    let behind = path.split(|byte| *byte == b'/').skip(1);
    behind.map(|segment| unescape(segment).unwrap_or_else(|| segment.to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As with nats-server 2.14.5.
    #[test]
    fn paths_begin_with_the_base_path() {
        let name = |base, path: &str| Endpoint::find(base, path.as_bytes()).map(|endpoint| endpoint.name);
        for (base, path) in [("", "/"), ("base/", "/base"), ("/", "/"), ("//a/./b", "/a/b"), ("b", "/%62")] {
            assert_eq!(name(base, path), Some(""), "{base} {path}");
        }
        for (base, path) in [("base/", "/base/varz"), ("/a/b", "/a/b/varz"), ("", "/%76arz")] {
            assert_eq!(name(base, path), Some("varz"), "{base} {path}");
        }
        for path in ["/base/", "/", "/varz", "/base/base", "/basevarz", "/base/varz/", "/base%2Fvarz", ""] {
            assert_eq!(name("base/", path), None, "{path}");
        }
        let console = |base, path: &str| of_console(base, path.as_bytes());
        assert_eq!(console("", "/ui/"), Some(Some(b"".to_vec())));
        assert_eq!(console("a", "/a/ui/x%2ejs"), Some(Some(b"x.js".to_vec())));
        assert_eq!((console("", "/ui"), console("a", "/a/ui")), (Some(None), Some(None)));
        for (base, path) in [("", "/"), ("a", "/ui/"), ("", "/ui/x/y"), ("", "/UI/"), ("", "")] {
            assert_eq!(console(base, path), None, "{base} {path}");
        }
        for path in ["", "/varz/", "/%2Fvarz", "/%2e", "/VARZ"] {
            assert_eq!(name("", path), None, "{path}");
        }
    }
}
