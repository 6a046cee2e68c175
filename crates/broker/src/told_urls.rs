//! What clients are told of the cluster, the same on all shards.
//!
//! The shard that speaks to other servers sets it; all look at it once a turn, and whoever sends INFO reads it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use nats_proto::ServerInfo;

/// The cluster's name, and where clients connect to its servers.
#[derive(Debug, Default)]
pub struct ToldUrls {
    /// How often it has changed.
    epoch: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    cluster: String,
    urls: Vec<String>,
    websocket_urls: Vec<String>,
    /// Those of them that lead here.
    own: Vec<String>,
}

impl ToldUrls {
    /// What is told before anybody else is known.
    pub fn new(config: &cluster::Config) -> Self {
        let told = Self::default();
        told.told().own = [&config.connect_urls[..], &config.ws_connect_urls].concat();
        let urls = |urls: &Vec<String>| if config.tells_urls { urls.clone() } else { Vec::new() };
        told.set(&config.cluster, urls(&config.connect_urls), urls(&config.ws_connect_urls));
        told
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, cluster: &str, urls: Vec<String>, websocket_urls: Vec<String>) {
        let mut told = self.told();
        let now = Told { cluster: cluster.into(), urls, websocket_urls, own: told.own.clone() };
        if *told != now {
            *told = now;
            self.epoch.fetch_add(1, Ordering::Release);
        }
    }

    /// The cluster's name.
    pub fn cluster(&self) -> String {
        self.told().cluster.clone()
    }

    /// Has INFO tell it.
    pub fn tell(&self, info: &mut ServerInfo) {
        let told = self.told();
        info.cluster.clone_from(&told.cluster);
        info.connect_urls.clone_from(&told.urls);
        info.ws_connect_urls.clone_from(&told.websocket_urls);
    }

    /// The same, but for where clients would come here.
    pub(crate) fn tell_of_others(&self, info: &mut ServerInfo) {
        let own = self.told().own.clone();
        for urls in [&mut info.connect_urls, &mut info.ws_connect_urls] {
            urls.retain(|url| !own.contains(url));
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().expect("nobody panics with it in hand")
    }
}
