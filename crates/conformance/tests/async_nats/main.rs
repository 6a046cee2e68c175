//! async-nats against the server, on every setup.

mod advisories;
mod batches;
mod buckets;
mod client;
mod consumer_rules;
mod consumers;
mod copies;
mod credentials;
mod deliveries;
mod groups;
mod jetstream;
mod objects;
mod operations;
mod partitioned;
mod publishing;
mod relays;
mod scenarios;
mod schedules;
mod services;
mod storage;
mod stream_api;
mod streams;
mod tls;
