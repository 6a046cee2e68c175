//! The HTTP API: what waits until all options have been seen.

use crate::draft::HttpApiDraft;
use crate::error::OptionsError;
use crate::http_api::HttpApi;
use crate::options::Port;

impl HttpApiDraft {
    /// What is asked for; nothing without a port, whatever else there is.
    pub(crate) fn settle(self) -> Result<Option<HttpApi>, OptionsError> {
        let port = match self.port {
            0 if self.config == api_http::Config::default() && self.host.is_empty() => return Ok(None),
            0 => return Err(OptionsError::HttpApi("http_api says no port to listen on".to_owned())),
            -1 => Port::Random,
            number => match u16::try_from(number) {
                Ok(port) => Port::Fixed(port),
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

/// As browsers write it: a scheme, a host, perhaps a port, and nothing behind it.
fn is_origin(text: &str) -> bool {
    let place = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    place.is_some_and(|place| !place.is_empty() && !place.contains(['/', '*', '?', '#', ' ']))
}
