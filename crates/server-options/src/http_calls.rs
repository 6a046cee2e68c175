//! The word that puts the HTTP API before a server that runs elsewhere.

use std::ffi::OsString;

use crate::config::split_host_port;
use crate::copies::SERVER;
use crate::error::OptionsError;
use crate::http_api::HttpApi;
use crate::invocation::Invocation;
use crate::options::Port;

/// `http`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCall {
    /// Where the server is: a host and a port.
    pub server: (String, u16),
    /// Where to listen, and what the API is subject to.
    pub api: HttpApi,
}

pub(crate) const HTTP: &str = "http";

/// What it says of itself in a line.
pub(crate) const HTTP_HELP: &str = "Offer any NATS server over HTTP";

/// What it does.
pub(crate) const HTTP_TEXT: &str = "\
Offers the NATS server at <url> to those who speak HTTP alone, until it is ended. Whoever asks does so with
credentials of his own, which the server looks at. What http_api has in a configuration file are flags here.";

/// Where to listen if nobody says.
const LISTEN: (&str, u16) = ("127.0.0.1", 8080);

fn usage(program: &str) -> String {
    let (host, port) = LISTEN;
    format!(
        "\nUsage: {program} {HTTP} [--server <url>] [--listen <host:port>] [--allowed-origin <origin>]...\n\
         \x20      [--host <name>]... [--query-credentials]\n\n\
         {HTTP_TEXT}\n\n\
         --server: {SERVER} unless <url> says another one.\n\
         --listen: {host}:{port} unless that is said; port 0 is a free one.\n\
         --allowed-origin: a site whose pages may ask, as https://app.example.com.\n\
         --host: a name that it goes by, beside addresses and localhost.\n\
         --query-credentials: credentials may stand in the query.\n"
    )
}

/// What stands behind the word.
pub(crate) fn http_call(
    program: &str,
    has_flags: bool,
    mut args: impl Iterator<Item = OsString>,
) -> Result<Invocation, OptionsError> {
    let wrong = || OptionsError::HttpTakes;
    let (mut server, mut api) = (SERVER.to_owned(), HttpApi::default());
    (api.host, api.port) = (LISTEN.0.to_owned(), Some(Port::Fixed(LISTEN.1)));
    while let Some(arg) = args.next() {
        let mut text = || args.next().and_then(|value| value.into_string().ok()).ok_or_else(wrong);
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(Invocation::PrintHelp(usage(program))),
            Some("--server") => server = text()?,
            Some("--listen") => (api.host, api.port) = listen(&text()?).ok_or_else(wrong)?,
            Some("--allowed-origin") => api.config.guard.allowed_origins.push(text()?),
            Some("--host") => api.config.guard.hosts.push(text()?),
            Some("--query-credentials") => api.config.query_credentials = true,
            _ => return Err(wrong()),
        }
    }
    let server = address(&server).filter(|_| !has_flags).ok_or_else(wrong)?;
    Ok(Invocation::Http(HttpCall { server, api }))
}

fn listen(text: &str) -> Option<(String, Option<Port>)> {
    let (host, port) = split_host_port(text)?;
    let port = match port.parse().ok()? {
        0 => Port::Random,
        port => Port::Fixed(port),
    };
    Some((host.to_owned(), Some(port))).filter(|(host, _)| !host.is_empty())
}

/// Where a URL leads. It names nobody: each who asks has credentials of his own.
fn address(url: &str) -> Option<(String, u16)> {
    const PORT: u16 = 4222;
    let place = url.strip_prefix("nats://").unwrap_or(url).trim_end_matches('/');
    if place.is_empty() || place.contains(['@', '/', '?']) {
        return None;
    }
    match split_host_port(place) {
        Some((host, port)) => Some((host.to_owned(), port.parse().ok()?)),
        None => Some((place.to_owned(), PORT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn call(words: &[&str]) -> Result<Invocation, OptionsError> {
        parse([&["buster-server", "http"], words].concat().into_iter().map(Into::into))
    }

    #[test]
    fn a_server_and_a_place_to_listen_are_read() {
        let Ok(Invocation::Http(usual)) = call(&[]) else { panic!("nothing has to be said") };
        assert_eq!((usual.server, usual.api.port), (("127.0.0.1".into(), 4222), Some(Port::Fixed(8080))));
        let words =
            ["--server", "nats://h:4333", "--listen", "[::1]:0", "--host", "n", "--query-credentials"];
        let Ok(Invocation::Http(call)) = call(&words) else { panic!("it is right") };
        assert_eq!(
            (call.server, &*call.api.host, call.api.port),
            (("h".into(), 4333), "::1", Some(Port::Random))
        );
        assert!(call.api.config.query_credentials && call.api.config.guard.hosts == ["n"]);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for words in [
            &["x"][..],
            &["--server"],
            &["--server", "nats://u:p@h"],
            &["--listen", "8080"],
            &["--listen", ":x"],
            &["--tls"],
        ] {
            assert_eq!(call(words), Err(OptionsError::HttpTakes), "{words:?}");
        }
        let flags_before = ["buster-server", "-D", "http"].map(Into::into);
        assert_eq!(parse(flags_before), Err(OptionsError::HttpTakes));
    }
}
