//! The HTTP API, and a port that takes all: what waits until all options have been seen.

use crate::draft::{HttpApiDraft, OnePortDraft};
use crate::error::OptionsError;
use crate::http_api::{HttpApi, OnePort, WAIT};
use crate::options::{Options, Port};

impl HttpApiDraft {
    /// What is asked for; nothing without a port, whatever else there is.
    pub(crate) fn settle(self, is_on_one_port: bool) -> Result<Option<HttpApi>, OptionsError> {
        let port = match self.port {
            0 if is_on_one_port => None,
            0 if self.config == http_gateway::Config::default() && self.host.is_empty() => return Ok(None),
            0 => return Err(OptionsError::HttpApi("http_api says no port to listen on".to_owned())),
            -1 => Some(Port::Random),
            number => match u16::try_from(number) {
                Ok(port) => Some(Port::Fixed(port)),
                Err(_) => {
                    return Err(OptionsError::HttpApi(format!("http_api cannot listen on port {number}")));
                }
            },
        };
        if let Some(origin) = self.config.guard.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            let words = format!(
                "allowed_origins of http_api has {origin:?}, which is none, as https://app.example.com is"
            );
            return Err(OptionsError::HttpApi(words));
        }
        let host = if self.host.is_empty() { HttpApi::default().host } else { self.host };
        Ok(Some(HttpApi { host, port, config: self.config }))
    }
}

impl OnePortDraft {
    /// What is asked for.
    pub(crate) fn settle(self, options: &Options) -> Result<Option<OnePort>, OptionsError> {
        if !self.is_on && self.wait.is_some() {
            return Err(OptionsError::HttpApi("one-port-wait has no meaning without one-port".to_owned()));
        }
        if !self.is_on {
            return Ok(None);
        }
        if options.websocket.as_ref().is_some_and(|socket| socket.tls.is_some()) {
            let words = "one_port does not go with TLS for WebSockets, which it does not speak";
            return Err(OptionsError::HttpApi(words.to_owned()));
        }
        let wait = self.wait.unwrap_or(WAIT);
        let host = if self.host.is_empty() { options.host.clone() } else { self.host };
        let place = match self.port {
            0 if options.dont_listen => return Ok(None),
            0 => None,
            -1 => Some((host, Port::Random)),
            number => match u16::try_from(number) {
                Ok(port) => Some((host, Port::Fixed(port))),
                Err(_) => return Err(OptionsError::HttpApi(format!("one_port cannot be {number}"))),
            },
        };
        Ok(Some(OnePort { place, wait }))
    }
}

/// As browsers write it: a scheme, a host, perhaps a port, and nothing behind it.
fn is_origin(text: &str) -> bool {
    let place = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    place.is_some_and(|place| !place.is_empty() && !place.contains(['/', '*', '?', '#', ' ']))
}
