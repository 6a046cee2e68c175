//! What is asked for.

use crate::answer::Answer;
use crate::connz::ConnzQuery;
use crate::healthz;
use crate::parameters::Parameters;
use crate::subsz::SubszQuery;

/// A request that was understood, parameters and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A page with links to the others.
    Root,
    /// The server and its counters.
    Varz,
    /// Its connections.
    Connz(ConnzQuery),
    /// Its subscriptions.
    Subsz(SubszQuery),
    /// Its accounts, or all about one.
    Accountz(Option<String>),
    /// What accounts do; those without connections too.
    Accstatz {
        /// Those without connections too.
        unused: bool,
    },
    /// Routes, of which there are none.
    Routez,
    /// Leaf nodes, of which there are none.
    Leafz,
    /// Gateways, of which there are none.
    Gatewayz,
    /// Streams, of which there are none.
    Jsz,
    /// Queues within nats-server.
    IpQueuesz,
    /// Prometheus text.
    Metrics,
    /// Something whose answer needs no numbers.
    Answered(Answer),
}

/// An endpoint: its path, and the one it is counted under in `http_req_stats`.
const ENDPOINTS: [(&str, &str); 15] = [
    ("/", "/"),
    ("/varz", "/varz"),
    ("/connz", "/connz"),
    ("/routez", "/routez"),
    ("/gatewayz", "/gatewayz"),
    ("/leafz", "/leafz"),
    ("/subsz", "/subsz"),
    ("/subscriptionsz", "/subsz"),
    ("/accountz", "/accountz"),
    ("/accstatz", "/accstatz"),
    ("/jsz", "/jsz"),
    ("/healthz", "/healthz"),
    ("/ipqueuesz", "/ipqueuesz"),
    ("/raftz", "/raftz"),
    ("/metrics", "/metrics"),
];

impl Request {
    /// Understands a path and what stands behind the question mark. `base_path` is what every path
    /// begins with, as it stands in the configuration. Also returns what the request is counted as;
    /// `None` for what does not exist.
    pub fn parse(base_path: &str, path: &str, query: &str) -> (Self, Option<&'static str>) {
        let path = below(base_path, path);
        let endpoint = ENDPOINTS.iter().find(|(known, _)| Some(*known) == path);
        let Some((path, counted_as)) = endpoint else {
            return (Self::Answered(Answer::not_found("404 page not found\n")), None);
        };
        let request = Self::of(path, &Parameters::of(query)).unwrap_or_else(Self::Answered);
        (request, Some(counted_as))
    }

    fn of(path: &str, parameters: &Parameters<'_>) -> Result<Self, Answer> {
        Ok(match path {
            "/" => Self::Root,
            "/varz" => Self::Varz,
            "/connz" => Self::Connz(ConnzQuery::read(parameters)?),
            "/subsz" | "/subscriptionsz" => Self::Subsz(SubszQuery::read(parameters)?),
            "/accountz" => Self::Accountz(parameters.owned("acc")),
            "/accstatz" => Self::Accstatz { unused: parameters.flag("unused")? },
            "/routez" | "/leafz" => {
                if parameters.text("subs").is_none_or(|subs| !subs.eq_ignore_ascii_case("detail")) {
                    parameters.flag("subs")?;
                }
                if path == "/routez" { Self::Routez } else { Self::Leafz }
            }
            "/gatewayz" => {
                parameters.flag("accs")?;
                Self::Gatewayz
            }
            "/jsz" => {
                read_jsz(parameters)?;
                Self::Jsz
            }
            "/ipqueuesz" => {
                parameters.flag("all")?;
                Self::IpQueuesz
            }
            "/raftz" => Self::Answered(Answer::not_found("No Raft nodes registered")),
            "/healthz" => Self::Answered(healthz::answer(parameters)?),
            _ => Self::Metrics,
        })
    }
}

/// The path below the base path. That itself is `/`, and what has a slash behind it is not.
fn below<'p>(base_path: &str, path: &'p str) -> Option<&'p str> {
    let base = base_path.trim_matches('/');
    if base.is_empty() {
        return Some(path);
    }
    match path.strip_prefix('/')?.strip_prefix(base)? {
        "" => Some("/"),
        "/" => None,
        rest => rest.starts_with('/').then_some(rest),
    }
}

/// Refuses what does not parse; there is nothing yet for the rest to choose from.
fn read_jsz(parameters: &Parameters<'_>) -> Result<(), Answer> {
    for name in ["accounts", "streams", "consumers", "direct-consumers", "config"] {
        parameters.flag(name)?;
    }
    parameters.offset()?;
    parameters.limit(1)?;
    if parameters.flag("leader-only")? {
        return Err(Answer::bad_request("filtered response: not leader"));
    }
    parameters.flag("stream-leader-only")?;
    parameters.flag("raft")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str, query: &str) -> (u16, String) {
        match Request::parse("", path, query).0 {
            Request::Answered(answer) => (answer.status, answer.body),
            request => panic!("{request:?}"),
        }
    }

    /// As nats-server 2.14.5 answers.
    #[test]
    fn what_cannot_be_answered_is_refused_in_nats_servers_words() {
        assert_eq!(refused("/nope", ""), (404, "404 page not found\n".into()));
        assert_eq!(refused("/connz/", ""), (404, "404 page not found\n".into()));
        assert_eq!(refused("/raftz", "acc=A"), (404, "No Raft nodes registered".into()));
        assert_eq!(refused("/jsz", "leader-only=1"), (400, "filtered response: not leader".into()));
        let boolean = |name| {
            format!("Error decoding boolean for '{name}': strconv.ParseBool: parsing \"x\": invalid syntax")
        };
        for (path, name) in
            [("/routez", "subs"), ("/leafz", "subs"), ("/gatewayz", "accs"), ("/ipqueuesz", "all")]
        {
            assert_eq!(refused(path, &format!("{name}=x")), (400, boolean(name)));
        }
        assert_eq!(refused("/healthz", "js-meta-only=x"), (400, boolean("js-meta-only")));
    }

    #[test]
    fn both_names_of_the_subscriptions_count_as_one() {
        assert_eq!(Request::parse("", "/subscriptionsz", "").1, Some("/subsz"));
        assert_eq!(Request::parse("", "/subsz", "").1, Some("/subsz"));
        assert_eq!(Request::parse("", "/nope", "").1, None);
    }

    /// As with nats-server 2.14.5.
    #[test]
    fn paths_begin_with_the_base_path() {
        let is_root = |base, path| matches!(Request::parse(base, path, "").0, Request::Root);
        let is_varz = |base, path| matches!(Request::parse(base, path, "").0, Request::Varz);
        assert!(is_root("", "/") && is_root("base/", "/base") && is_root("/", "/"));
        assert!(is_varz("base/", "/base/varz") && is_varz("/a/b", "/a/b/varz"));
        for path in ["/base/", "/", "/varz", "/base/base", "/basevarz", "/base//varz"] {
            assert_eq!(Request::parse("base/", path, "").1, None, "{path}");
        }
    }
}
