//! Who made a request.

use crate::go_struct::go_structs;
use crate::{Nanos, Timestamp};

go_structs! {
    /// A connection, as events tell of it.
    pub struct ClientInfo = "server.ClientInfo" {
        /// Since when it is.
        start: Option<Timestamp> = "start" if set;
        /// Where it comes from.
        host: String = "host" if set;
        /// Its number at its server.
        id: u64 = "id" if set;
        /// Its account.
        acc: String = "acc" if set;
        /// The account whose service it uses.
        svc: String = "svc" if set;
        /// Its user.
        user: String = "user" if set;
        /// What it calls itself.
        name: String = "name" if set;
        /// What it is written in.
        lang: String = "lang" if set;
        /// The version of that.
        ver: String = "ver" if set;
        /// How long an answer takes to come back from it.
        rtt: Nanos = "rtt" if set;
        /// Its server.
        server: String = "server" if set;
        /// The cluster of that.
        cluster: String = "cluster" if set;
        /// Other clusters, the nearest first.
        alts: Vec<String> = "alts" if set;
        /// When it ended.
        stop: Option<Timestamp> = "stop" if set;
        /// Its credentials.
        jwt: String = "jwt" if set;
        /// The key they are signed with.
        issuer_key: String = "issuer_key" if set;
        /// What they call it.
        name_tag: String = "name_tag" if set;
        /// Their tags.
        tags: Vec<String> = "tags" if set;
        /// What kind of connection it is.
        kind: String = "kind" if set;
        /// What kind of client.
        client_type: String = "client_type" if set;
        /// What it calls itself in MQTT.
        client_id: String = "client_id" if set;
        /// What it was to sign.
        nonce: String = "nonce" if set;
        /// Where it waits for the answer.
        reply: String = "reply" if set;
    }
}
