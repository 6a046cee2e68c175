//! From a request to what it asks for.

use http::Method;
use http_head::unescape;

use crate::bound::BoundRoute;
use crate::call::{Asked, Call, literal};
use crate::credentials::{Credentials, IN_QUERY};
use crate::headers::of_request;
use crate::objects::OBJECT_BYTES_MAX;
use crate::parameters::Parameters;
use crate::problem::{Kind, Problem};
use crate::services::{body, fill, served};
use crate::step::{Outgoing, Step, ask_one};
use crate::table::{ANY_NAME, ROUTES, Route};

/// What is to be done for a request.
///
/// # Errors
/// It is not understood, or there is nothing there.
pub fn plan(asked: &Asked<'_>) -> Result<Step, Problem> {
    let segments = segments(asked.path)?;
    let parameters = Parameters::read(asked.query)?;
    if let Some((route, places)) = bound(asked.routes, asked.method, &segments) {
        return ask_bound(route, &Call { asked, places, parameters });
    }
    let (route, places) = find(asked.method.as_str(), asked.path, &segments)?;
    let known: Vec<&str> = route.parameters.iter().map(|(name, _)| *name).collect();
    let is_foreign = |name: &str| !IN_QUERY.iter().any(|ours| name.eq_ignore_ascii_case(ours));
    if !known.contains(&ANY_NAME) {
        parameters.only_where(is_foreign, &known)?;
    }
    (route.plan)(&Call { asked, places, parameters })
}

/// The operator's own path that a request is for, and what stands in its places.
fn bound<'r>(
    routes: &'r [BoundRoute],
    method: &Method,
    segments: &[String],
) -> Option<(&'r BoundRoute, Vec<String>)> {
    let of_method = routes.iter().filter(|route| route.method() == method.as_str());
    of_method.filter_map(|route| Some(route).zip(route.places(segments))).next()
}

/// Whom a request is asked for as that says nothing of it: who the operator has put at its path, if anybody.
pub fn asked_as(routes: &[BoundRoute], method: &Method, path: &str) -> Credentials {
    if routes.is_empty() {
        return Credentials::None;
    }
    let Ok(segments) = segments(path) else { return Credentials::None };
    bound(routes, method, &segments).map_or(Credentials::None, |(route, _)| route.user().clone())
}

/// Bytes that the body of a request may have: those of an object are parted into messages, others are one.
pub fn body_bytes_max(method: &Method, path: &str, payload_bytes_max: usize) -> usize {
    if *method == Method::PUT && path.starts_with("/v1/obj/") {
        OBJECT_BYTES_MAX.max(payload_bytes_max)
    } else {
        payload_bytes_max
    }
}

/// Asks the subject that an operator's own path leads to.
fn ask_bound(route: &BoundRoute, call: &Call<'_>) -> Result<Step, Problem> {
    let filled = fill(route.subject(), &call.places)?;
    let headers = of_request(call.asked.headers);
    let message = Outgoing { headers, ..Outgoing::new(literal(&filled)?, body(call)?) };
    Ok(ask_one(message, call.timeout()?, |reply| Step::Answer(served(&reply))))
}

/// The route, and what stands in the places of its path.
fn find(method: &str, path: &str, segments: &[String]) -> Result<(&'static Route, Vec<String>), Problem> {
    let fitting = || ROUTES.iter().filter(|route| fits(route.path, segments));
    if let Some(route) = fitting().find(|route| route.method == method) {
        return Ok((route, places(route.path, segments)));
    }
    let methods: Vec<&str> = fitting().map(|route| route.method).collect();
    if methods.is_empty() {
        return Err(Problem::new(Kind::NotFound, format!("there is nothing at {path}")));
    }
    let allow = methods.join(", ");
    let detail = format!("{path} takes {allow}");
    Err(Problem { allow: Some(allow), ..Problem::new(Kind::Method, detail) })
}

/// The segments of a path, without escapes.
fn segments(path: &str) -> Result<Vec<String>, Problem> {
    let segment = |text: &str| {
        let bytes = unescape(text.as_bytes());
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| Problem::bad("the path is not escaped as it should be"))
    };
    path.strip_prefix('/').unwrap_or(path).split('/').map(segment).collect()
}

/// Whether that is a route's path.
fn fits(pattern: &str, segments: &[String]) -> bool {
    let mut rest = segments.iter();
    for part in pattern[1..].split('/') {
        if is_rest(part) {
            return true;
        }
        if !rest.next().is_some_and(|segment| is_place(part) || part == segment) {
            return false;
        }
    }
    rest.next().is_none()
}

/// What stands in the places of a route's path, which it is.
fn places(pattern: &str, segments: &[String]) -> Vec<String> {
    let parts = pattern[1..].split('/');
    let is_one =
        |(part, segment): (&str, &String)| (is_place(part) && !is_rest(part)).then(|| segment.clone());
    let mut places: Vec<String> = parts.clone().zip(segments).filter_map(is_one).collect();
    if let Some(at) = parts.clone().position(is_rest) {
        places.extend_from_slice(&segments[at..]);
    }
    places
}

fn is_place(part: &str) -> bool {
    part.starts_with('{')
}

/// Whether all that follows stands in that place.
fn is_rest(part: &str) -> bool {
    part.ends_with("*}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_routes() {
        let find = |method, path| find(method, path, &segments(path)?);
        let (route, places) = find("PUT", "/v1/nats/subjects/a%2Eb.%3E").unwrap();
        assert_eq!((route.method, &places[..]), ("PUT", &["a.b.>".to_owned()][..]));
        let told = |method, path| find(method, path).map(|_| ()).unwrap_err();
        assert_eq!(told("GET", "/v1/nats/subjects").kind, Kind::NotFound);
        assert_eq!(told("GET", "/v1/nats/subjects/a/b").kind, Kind::NotFound);
        assert_eq!(told("GET", "/v1/nats/subjects/%zz").kind, Kind::BadRequest);
        let method = told("DELETE", "/v1/nats/subjects/a");
        assert_eq!((method.kind, method.allow.as_deref()), (Kind::Method, Some("PUT, POST, GET")));
    }

    #[test]
    fn who_says_nothing_is_who_the_operator_has_put_there() {
        let hook = BoundRoute::read("POST /hooks/>", "hooks.>").unwrap();
        let routes = [hook.asked_as(Credentials::Token("t".into()))];
        let token = |method: &Method, path: &str| asked_as(&routes, method, path);
        assert_eq!(token(&Method::POST, "/hooks/a"), Credentials::Token("t".into()));
        for (method, path) in [(Method::GET, "/hooks/a"), (Method::POST, "/v1/me"), (Method::POST, "/%zz")] {
            assert_eq!(token(&method, path), Credentials::None, "{method} {path}");
        }
    }

    #[test]
    fn the_rest_of_a_path_may_be_a_place() {
        let all = |path: &str| {
            let (pattern, segments) = ("/a/{b}/{c*}", segments(path).unwrap());
            fits(pattern, &segments).then(|| places(pattern, &segments).join(" "))
        };
        assert_eq!(all("/a/x").as_deref(), Some("x"));
        assert_eq!(all("/a/x/y/z").as_deref(), Some("x y z"));
        assert_eq!(all("/b/x"), None);
        assert_eq!(all("/a"), None);
    }
}
