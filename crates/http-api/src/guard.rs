//! Who may ask at all, before anything of a request is understood: browsers do what any page tells them.

use std::net::IpAddr;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::answer::{Answer, empty, put};
use crate::problem::{Kind, Problem};

/// What a browser says of where a request comes from.
const SITE: &str = "sec-fetch-site";

/// How long a browser may keep that a page may ask, in seconds.
const PREFLIGHT_S: &str = "600";

const METHODS: &[u8] = b"GET, PUT, POST, DELETE";

/// Sites whose pages may ask: `https://app.example.com`, as browsers write it.
pub type Listed = Vec<String>;

/// Who may ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// Sites whose pages may ask.
    pub allowed_origins: Listed,
    /// What this server is called, beside addresses and `localhost`.
    pub hosts: Vec<String>,
    /// Nobody has to say who he is: then a page that gives its own name this server's address must not get through.
    pub is_open: bool,
}

/// Who asks may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    /// As any program may.
    Plain,
    /// As the page of a site that is listed: the browser is to be told so.
    Site(String),
}

impl Guard {
    /// Whether who asks may.
    ///
    /// # Errors
    /// What to answer otherwise.
    pub fn check(&self, method: &Method, headers: &HeaderMap) -> Result<Pass, Problem> {
        self.check_host(headers)?;
        let origin = text(headers, ORIGIN.as_str());
        if let Some(origin) = origin.filter(|origin| self.is_listed(origin)) {
            return Ok(Pass::Site(origin.to_owned()));
        }
        // What changes nothing a browser may ask for; it shows a page of another site none of it.
        let is_harmless = *method == Method::GET || *method == Method::HEAD;
        if is_harmless || is_of_this_site(headers, origin) {
            return Ok(Pass::Plain);
        }
        let from = origin.unwrap_or("another site");
        Err(Problem::new(
            Kind::ForeignOrigin,
            format!("a page of {from} asks: allowed_origins has to name it"),
        ))
    }

    fn check_host(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if !self.is_open {
            return Ok(());
        }
        let host = text(headers, HOST.as_str()).unwrap_or_default();
        let name = without_port(host);
        let is_address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        let is_ours = |ours: &String| without_port(ours).eq_ignore_ascii_case(name);
        if is_address || name.eq_ignore_ascii_case("localhost") || self.hosts.iter().any(is_ours) {
            return Ok(());
        }
        Err(Problem::new(Kind::ForeignHost, format!("{host:?} is asked for: hosts has to name it")))
    }

    fn is_listed(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin))
    }

    /// What a browser is told that asks whether a page may ask.
    pub fn preflight(&self, headers: &HeaderMap) -> Option<Answer> {
        headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        let origin = text(headers, ORIGIN.as_str())?;
        if !self.is_listed(origin) {
            let detail = format!("a page of {origin} asks: allowed_origins has to name it");
            return Some(Problem::new(Kind::ForeignOrigin, detail).answer());
        }
        let mut answer = empty(StatusCode::NO_CONTENT);
        put(&mut answer, ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        put(&mut answer, ACCESS_CONTROL_MAX_AGE, PREFLIGHT_S.as_bytes());
        if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            put(&mut answer, ACCESS_CONTROL_ALLOW_HEADERS, wanted.as_bytes());
        }
        Pass::Site(origin.to_owned()).mark(answer.headers_mut());
        Some(answer)
    }
}

impl Pass {
    /// Tells the browser that the page may see the answer.
    pub fn mark(&self, headers: &mut HeaderMap) {
        let Self::Site(origin) = self else { return };
        let Ok(origin) = HeaderValue::from_str(origin) else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}

/// Whether it is a page of this server that asks, or no page.
fn is_of_this_site(headers: &HeaderMap, origin: Option<&str>) -> bool {
    match text(headers, SITE) {
        Some("same-origin" | "none") => return true,
        Some(_) => return false,
        None => {}
    }
    let Some(origin) = origin else { return true };
    let place = origin.split_once("://").map(|(_, place)| place);
    let host = text(headers, HOST.as_str());
    place.zip(host).is_some_and(|(place, host)| place.eq_ignore_ascii_case(host))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    // What is no text is of no site that is known.
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// The host without what follows its last colon, unless that is a part of an address.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && is_whole(name) => name,
        _ => host,
    }
}

fn is_whole(name: &str) -> bool {
    name.ends_with(']') || !name.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, method: &Method, fields: &[(&'static str, &'static str)]) -> Result<Pass, Kind> {
        guard.check(method, &headers(fields)).map_err(|problem| problem.kind)
    }

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn pages_of_other_sites_change_nothing() {
        let guard = Guard { allowed_origins: vec!["https://app.example".into()], ..Guard::default() };
        let host = ("host", "h:80");
        for (fields, put) in [
            (&[host][..], Ok(Pass::Plain)),
            (&[host, ("origin", "http://h:80")], Ok(Pass::Plain)),
            (&[host, ("sec-fetch-site", "same-origin")], Ok(Pass::Plain)),
            (&[host, ("sec-fetch-site", "none")], Ok(Pass::Plain)),
            (&[host, ("sec-fetch-site", "same-site")], Err(Kind::ForeignOrigin)),
            (&[host, ("sec-fetch-site", "cross-site")], Err(Kind::ForeignOrigin)),
            (&[host, ("sec-fetch-site", "cross-site"), ("origin", "http://h:80")], Err(Kind::ForeignOrigin)),
            (&[host, ("origin", "http://evil")], Err(Kind::ForeignOrigin)),
            (&[host, ("origin", "http://h:81")], Err(Kind::ForeignOrigin)),
            (&[host, ("origin", "null")], Err(Kind::ForeignOrigin)),
            (&[host, ("origin", "https://app.example")], Ok(Pass::Site("https://app.example".into()))),
        ] {
            assert_eq!(check(&guard, &Method::PUT, fields), put, "{fields:?}");
        }
        assert_eq!(check(&guard, &Method::GET, &[host, ("origin", "http://evil")]), Ok(Pass::Plain));
    }

    #[test]
    fn a_name_that_points_here_is_not_this_server() {
        let open = Guard { is_open: true, hosts: vec!["broker.example".into()], ..Guard::default() };
        for host in ["127.0.0.1", "127.0.0.1:80", "[::1]:80", "[::1]", "localhost:80", "Broker.example:1"] {
            let fields = [("host", host)];
            assert_eq!(check(&open, &Method::GET, &fields), Ok(Pass::Plain), "{host}");
        }
        for host in ["evil.example", "evil.example:80", "", "localhost.evil", "127.0.0.1.evil"] {
            let fields = [("host", host)];
            assert_eq!(check(&open, &Method::GET, &fields), Err(Kind::ForeignHost), "{host}");
        }
        let closed = Guard { is_open: false, ..open };
        assert_eq!(check(&closed, &Method::GET, &[("host", "evil.example")]), Ok(Pass::Plain));
    }

    #[test]
    fn browsers_hear_for_which_sites_they_may_ask() {
        let guard = Guard { allowed_origins: vec!["https://app.example".into()], ..Guard::default() };
        let asks = |origin| {
            headers(&[
                ("origin", origin),
                ("access-control-request-method", "PUT"),
                ("access-control-request-headers", "x-a"),
            ])
        };
        let answer = guard.preflight(&asks("https://app.example")).unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["access-control-max-age"]),
            (204, &HeaderValue::from_static("600"))
        );
        assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example");
        assert_eq!(answer.headers()["access-control-allow-headers"], "x-a");
        let answer = guard.preflight(&asks("https://evil")).unwrap();
        assert_eq!(answer.status(), 403);
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        assert!(guard.preflight(&headers(&[("origin", "https://app.example")])).is_none());
    }
}
