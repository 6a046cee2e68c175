//! How a client is connected.

use std::str::FromStr;

/// How a client is connected, in the words of `allowed_connection_types`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConnectionType {
    /// `STANDARD`: a client over TCP, with TLS or without.
    #[default]
    Standard,
    /// `WEBSOCKET`.
    Websocket,
    /// `LEAFNODE`.
    Leafnode,
    /// `LEAFNODE_WS`.
    LeafnodeWs,
    /// `MQTT`.
    Mqtt,
    /// `MQTT_WS`.
    MqttWs,
    /// `IN_PROCESS`.
    InProcess,
}

impl FromStr for ConnectionType {
    type Err = ();

    /// Reads the word, in any case.
    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word.to_uppercase().as_str() {
            "STANDARD" => Self::Standard,
            "WEBSOCKET" => Self::Websocket,
            "LEAFNODE" => Self::Leafnode,
            "LEAFNODE_WS" => Self::LeafnodeWs,
            "MQTT" => Self::Mqtt,
            "MQTT_WS" => Self::MqttWs,
            "IN_PROCESS" => Self::InProcess,
            _ => return Err(()),
        })
    }
}
