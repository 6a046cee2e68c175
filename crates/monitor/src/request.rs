//! What is asked for.

use http_head::{Target, clean};

use crate::accounts::{AccstatzQuery, no_such_account};
use crate::answer::Answer;
use crate::connz_query::ConnzQuery;
use crate::healthz::HealthzQuery;
use crate::jsz::JszQuery;
use crate::leafz::LeafzQuery;
use crate::parameters::Parameters;
use crate::paths::{Endpoint, of_console};
use crate::routez::RoutezQuery;
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
    /// What accounts do.
    Accstatz(AccstatzQuery),
    /// Routes.
    Routez(RoutezQuery),
    /// Leaf nodes, and hubs.
    Leafz(LeafzQuery),
    /// Gateways, of which there are none.
    Gatewayz,
    /// JetStream: its accounts, streams and consumers.
    Jsz(JszQuery),
    /// Queues within nats-server.
    IpQueuesz,
    /// Whether the server is well.
    Healthz(HealthzQuery),
    /// Prometheus text.
    Metrics,
    /// The page that people look at, if they may: a file of it by name, or what is watched. `None` is its folder
    /// without a slash behind.
    Console(Option<Vec<u8>>),
    /// Something whose answer needs no numbers.
    Answered(Answer),
}

impl Request {
    /// Understands what is asked for with a method: the text of a request between that and the version.
    /// `base_path` is what every path begins with, as it stands in the configuration. Also returns what the
    /// request is counted as; `None` for what is not.
    pub fn read(base_path: &str, method: &str, target: &[u8]) -> (Self, Option<&'static str>) {
        let answered = |answer| (Self::Answered(answer), None);
        if target == b"*" {
            return answered(Answer::empty(if method == "OPTIONS" { 200 } else { 400 }));
        }
        let Some(Target { path, query }) = Target::read(method.as_bytes(), target) else {
            return answered(Answer::not_understood());
        };
        let cleaned = clean(&path);
        if cleaned != path && method != "CONNECT" {
            let query = if query.is_empty() { query } else { [b"?", &query[..]].concat() };
            return answered(Answer::redirect(method, &[cleaned, query].concat()));
        }
        if let Some(name) = of_console(base_path, &path) {
            return (Self::Console(name), None);
        }
        let Some(endpoint) = Endpoint::find(base_path, &path) else {
            return answered(Answer::no_page());
        };
        match Self::of(endpoint, &Parameters::of(&query)) {
            Ok(request) => (request, endpoint.counted_as),
            Err(refusal) => {
                (Self::Answered(refusal), endpoint.counted_as.filter(|_| endpoint.counts_nonsense))
            }
        }
    }

    fn of(endpoint: Endpoint, parameters: &Parameters) -> Result<Self, Answer> {
        Ok(match endpoint.name {
            "" => Self::Root,
            "varz" => Self::Varz,
            "connz" => ConnzQuery::read(parameters)?.map_or_else(Self::Answered, Self::Connz),
            "subsz" | "subscriptionsz" => Self::Subsz(SubszQuery::read(parameters)?),
            "accountz" => match parameters.bytes("acc").map(str::from_utf8).transpose() {
                Ok(name) => Self::Accountz(name.map(str::to_owned)),
                Err(_) => {
                    let words = no_such_account(parameters.bytes("acc").unwrap_or_default());
                    Self::Answered(Answer::bad_request(words))
                }
            },
            "accstatz" => Self::Accstatz(AccstatzQuery {
                unused: parameters.flag("unused")?,
                ..AccstatzQuery::default()
            }),
            "routez" => Self::Routez(RoutezQuery::read(parameters)?),
            "leafz" => Self::Leafz(LeafzQuery::read(parameters)?),
            "gatewayz" => {
                parameters.flag_or_detail("subs")?;
                parameters.flag("accs")?;
                Self::Gatewayz
            }
            "jsz" => Self::Jsz(JszQuery::read(parameters)?),
            "ipqueuesz" => {
                parameters.flag("all")?;
                Self::IpQueuesz
            }
            "raftz" => Self::Answered(Answer::not_found("No Raft nodes registered")),
            "healthz" => Self::Healthz(HealthzQuery::read(parameters)?),
            _ => Self::Metrics,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(method: &str, target: &[u8]) -> Answer {
        match Request::read("", method, target).0 {
            Request::Answered(answer) => answer,
            request => panic!("{request:?}"),
        }
    }

    fn refused(path: &str, query: &str) -> (u16, String) {
        let answer = answer("GET", format!("{path}?{query}").as_bytes());
        (answer.status, answer.text())
    }

    /// As nats-server 2.14.5 answers.
    #[test]
    fn what_cannot_be_answered_is_refused_in_nats_servers_words() {
        let boolean = |name| {
            format!("Error decoding boolean for '{name}': strconv.ParseBool: parsing \"x\": invalid syntax")
        };
        assert_eq!(refused("/nope", ""), (404, "404 page not found\n".into()));
        assert!(answer("GET", b"/nope").no_sniff && !answer("GET", b"/raftz?acc=A").no_sniff);
        assert_eq!(answer("GET", b"/accountz?acc=\xff").body, b"Account \xff does not exist");
        assert_eq!(refused("/connz/", ""), (404, "404 page not found\n".into()));
        assert_eq!(refused("/raftz", "acc=A"), (404, "No Raft nodes registered".into()));
        assert_eq!(refused("/jsz", "leader-only=1&raft=x"), (400, boolean("raft")));
        for (path, name) in [
            ("/routez", "subs"),
            ("/leafz", "subs"),
            ("/gatewayz", "subs"),
            ("/gatewayz", "accs"),
            ("/ipqueuesz", "all"),
        ] {
            assert_eq!(refused(path, &format!("{name}=x")), (400, boolean(name)));
        }
        assert_eq!(refused("/leafz", "subs=detail"), (400, boolean("subs").replace("\"x", "\"detail")));
        assert_eq!(refused("/healthz", "js-meta-only=x"), (400, boolean("js-meta-only")));
    }

    /// As nats-server 2.14.5 counts.
    #[test]
    fn requests_are_counted_by_endpoint() {
        for (target, counted_as) in [
            ("/subscriptionsz", Some("/subsz")),
            ("/subsz?limit=x", Some("/subsz")),
            ("/routez?subs=Detail", Some("/routez")),
            ("/routez?subs=x", None),
            ("/connz?limit=x", None),
            ("/connz?sort=x", Some("/connz")),
            ("/ipqueuesz", None),
            ("/raftz", None),
            ("/nope", None),
            ("//varz", None),
        ] {
            assert_eq!(Request::read("", "GET", target.as_bytes()).1, counted_as, "{target}");
        }
    }

    /// As with nats-server 2.14.5.
    #[test]
    fn a_detour_is_sent_straight_with_its_query() {
        for (target, place) in [
            (&b"//varz"[..], "/varz"),
            (b"/./varz?x=1&y", "/varz?x=1&y"),
            (b"/a/../varz?", "/varz"),
            (b"//x/../varz?a=<b>\"", "/varz?a=<b>\""),
            (b"///nope//x/", "/nope/x/"),
            (b"//a<b%76", "/a%3Cbv"),
            (b"//a%3Cb%76", "/a%3Cb%76"),
            (b"//\xc3\xa9?\xc3\xa9", "/%C3%A9?%c3%a9"),
            (b"/..", "/"),
            (b"http://h", "/"),
            (b"x:varz", "/"),
        ] {
            let answer = answer("GET", target);
            assert_eq!((answer.status, answer.location.as_deref()), (307, Some(place)));
        }
        let shown = "<a href=\"/varz?a=&lt;b&gt;&amp;&#34;\">Temporary Redirect</a>.\n\n";
        assert_eq!(answer("GET", b"//varz?a=<b>&\"").text(), shown);
        let posted = answer("POST", b"//varz");
        assert_eq!((posted.status, posted.content_type, &*posted.text()), (307, "", ""));
        assert_eq!(answer("CONNECT", b"//varz").status, 404);
    }

    /// As nats-server 2.14.5 answers each byte, raw, in the middle of a path.
    #[test]
    fn every_byte_of_a_path_is_taken_as_go_takes_it() {
        for byte in 0..=u8::MAX {
            let answer = answer("GET", &[b"/va", &[byte][..], b"rz"].concat());
            let expected = match byte {
                ..b' ' | b'\x7f' | b'%' => (400, "400 Bad Request"),
                _ => (404, "404 page not found\n"),
            };
            assert_eq!((answer.status, &*answer.text()), expected, "{byte:#x}");
        }
    }

    /// As nats-server 2.14.5 answers each byte, raw, as the value of a parameter.
    #[test]
    fn every_byte_of_a_query_is_taken_as_go_takes_it() {
        for byte in 0..=u8::MAX {
            let (request, _) = Request::read("", "GET", &[b"/connz?limit=", &[byte][..]].concat());
            let quoted = match byte {
                ..b' ' | b'\x7f' => {
                    assert_eq!(request, Request::Answered(Answer::not_understood()), "{byte:#x}");
                    continue;
                }
                // These end the parameter, or make it none.
                b'&' | b';' | b'%' | b'0'..=b'9' => {
                    assert!(matches!(request, Request::Connz(_)), "{byte:#x}");
                    continue;
                }
                b'+' => " ".to_owned(),
                b'"' => "\\\"".to_owned(),
                b'\\' => "\\\\".to_owned(),
                0x80.. => format!("\\x{byte:x}"),
                _ => char::from(byte).to_string(),
            };
            let said =
                format!("Error decoding int for 'limit': strconv.Atoi: parsing \"{quoted}\": invalid syntax");
            assert_eq!(request, Request::Answered(Answer::bad_request(said)), "{byte:#x}");
        }
    }

    /// As nats-server 2.14.5 answers.
    #[test]
    fn a_star_is_no_place() {
        let said = |method| {
            let answer = answer(method, b"*");
            (answer.status, answer.content_type, answer.closes, answer.text())
        };
        assert_eq!(said("OPTIONS"), (200, "", false, String::new()));
        assert_eq!(said("GET"), (400, "", true, String::new()));
    }
}
