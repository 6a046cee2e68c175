//! What a shard is made of when it starts: which one it is, and what it shares with the others.

use std::sync::Arc;

use fabric::ShardId;
use nats_auth::{Access, LeafKey};

use crate::chores::STEPS_MAX;
use crate::closed_ring::ClosedConnections;
use crate::seldom::SeldomLines;
use crate::settings::Settings;
use crate::told_urls::ToldUrls;
use crate::turn::ShareMax;

/// One shard, as it is made.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which shard this is.
    pub shard: ShardId,
    /// How many shards the server has, 1 to [`fabric::SHARDS_MAX`].
    pub shards: usize,
    /// Seeds the shard's random choices (queue members, PING jitter).
    pub seed: u64,
    /// Where connections that end are remembered, on all shards of the server.
    pub closed: Arc<ClosedConnections>,
    /// When the lines that crowds cause were logged last, on all shards of the server.
    pub seldom: Arc<SeldomLines>,
    /// How much of its input a connection has acted on before others come.
    pub share_max: ShareMax,
    /// Steps that a turn may take for work that is too long for one: see [`Broker::work_off`].
    ///
    /// [`Broker::work_off`]: crate::Broker::work_off
    pub chore_steps: usize,
    /// Makes the nonces that clients with an nkey sign: random, secret, and another one for each shard.
    pub nonce_key: [u8; 32],
    /// The cluster that the server is in, for the shard that speaks to other servers: the first one.
    pub cluster: Option<Arc<cluster::Config>>,
    /// What there is about leaf nodes, for the same shard.
    pub leafs: Option<Arc<cluster::LeafConfig>>,
    /// What shows each of the hubs that it dials who this server is, if anything but a password does.
    pub leaf_keys: Arc<[Option<LeafKey>]>,
    /// What other servers are told of, as what may be published, and what they may want, as what may be subscribed to.
    /// `None` is everything.
    pub route_access: Option<Arc<Access>>,
    /// What clients are told of the cluster, if there is one, on all shards of the server.
    pub told: Option<Arc<ToldUrls>>,
    /// What may change later ([`Broker::reconfigure`](crate::Broker::reconfigure)).
    pub settings: Arc<Settings>,
}

impl Config {
    /// One shard of `shards`, with the defaults of nats-server, that remembers no connection.
    pub fn new(shard: ShardId, shards: usize, settings: Arc<Settings>) -> Self {
        Self {
            shard,
            shards,
            seed: 0,
            closed: Arc::new(ClosedConnections::new(0)),
            seldom: Arc::default(),
            share_max: ShareMax::default(),
            chore_steps: STEPS_MAX,
            nonce_key: [0; 32],
            cluster: None,
            leafs: None,
            leaf_keys: Arc::new([]),
            route_access: None,
            told: None,
            settings,
        }
    }
}
