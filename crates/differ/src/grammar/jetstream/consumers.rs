//! Consumers: made, changed, looked at, pulled from, acknowledged.

use super::Scene;
use super::body::{Body, Fields};

impl Scene<'_> {
    pub(super) fn create_consumer(&mut self) {
        let (stream, consumer) = (self.stream(), self.consumer());
        let config = self.consumer_config(stream, consumer);
        let form = self.talk.random.size(0, 9);
        let is_durable = form <= 1 || self.talk.random.chance(50);
        let config = if form > 1 { config.with("name", format!("\"{consumer}\"")) } else { config };
        let config = if is_durable {
            config.with("durable_name", format!("\"{consumer}\""))
        } else {
            // Others are gone after five seconds.
            config.with("inactive_threshold", "3600000000000")
        };
        let body = Body::default().with("stream_name", format!("\"{stream}\"")).with("config", config.text());
        let body = body.with_some(
            self.talk.random,
            15,
            &[("action", &["\"create\"", "\"update\"", "\"\"", "\"x\""]), ("pedantic", &["true", "false"])],
        );
        let api = match form {
            0 | 1 => format!("CONSUMER.DURABLE.CREATE.{stream}.{consumer}"),
            2 => format!("CONSUMER.CREATE.{stream}.{consumer}.{}", self.filter()),
            _ => format!("CONSUMER.CREATE.{stream}.{consumer}"),
        };
        self.ask(&api, &body.text());
    }

    fn consumer_config(&mut self, stream: &str, consumer: &str) -> Body {
        let mut config = Body::default();
        if self.talk.random.chance(40) {
            config = config.with("filter_subject", format!("\"{}\"", self.filter()));
        } else if self.talk.random.chance(15) {
            let filters = [self.filter(), self.filter()];
            config = config.with("filter_subjects", format!("{filters:?}"));
        }
        let random = &mut *self.talk.random;
        let policy = random.pick(&["\"explicit\"", "\"explicit\"", "\"all\"", "\"none\""]);
        config = config.with("ack_policy", policy).with_some(random, 10, CONSUMER_FIELDS);
        if random.chance(30) {
            config = config.with("deliver_subject", format!("\"_D.{stream}.{consumer}\"")).with_some(
                random,
                30,
                PUSH_FIELDS,
            );
        } else {
            config = config.with_some(random, 8, PULL_FIELDS);
        }
        match random.size(0, 11) {
            0 => config.with("deliver_policy", "\"last\""),
            1 => config.with("deliver_policy", "\"new\""),
            2 | 3 => config.with("deliver_policy", "\"last_per_subject\""),
            4 => config
                .with("deliver_policy", "\"by_start_sequence\"")
                .with("opt_start_seq", random.pick(&["1", "3", "100", "0"])),
            5 => config.with("deliver_policy", "\"by_start_time\"").with(
                "opt_start_time",
                random.pick(&["\"2020-01-01T00:00:00Z\"", "\"2100-01-01T00:00:00Z\"", "\"x\""]),
            ),
            6 => config.with("deliver_policy", "\"all\""),
            _ => config,
        }
    }

    pub(super) fn about_consumers(&mut self) {
        let (stream, consumer) = (self.stream(), self.consumer());
        let (api, body) = match self.talk.random.size(0, 9) {
            0 => (format!("CONSUMER.NAMES.{stream}"), String::new()),
            1 => (format!("CONSUMER.LIST.{stream}"), "{\"offset\":0}".to_owned()),
            2 => (format!("CONSUMER.DELETE.{stream}.{consumer}"), String::new()),
            3 => {
                let until =
                    [("pause_until", &["\"2100-01-01T00:00:00Z\"", "\"2020-01-01T00:00:00Z\"", "null"][..])];
                let body = Body::default().with_some(self.talk.random, 90, &until);
                (format!("CONSUMER.PAUSE.{stream}.{consumer}"), body.text())
            }
            4 if consumer != "none" && stream != "none" => {
                let body =
                    Body::default().with_some(self.talk.random, 60, &[("seq", &["0", "1", "2", "5", "100"])]);
                return self.reset(stream, consumer, &body.text());
            }
            _ => (format!("CONSUMER.INFO.{stream}.{consumer}"), String::new()),
        };
        self.ask(&api, &body);
    }

    /// Of a consumer that is not there it is not answered.
    fn reset(&mut self, stream: &str, consumer: &str, body: &str) {
        let len = body.len();
        self.say(
            self.asker,
            format!("PUB $JS.API.CONSUMER.RESET.{stream}.{consumer} _A.r {len}\r\n{body}\r\n"),
        );
    }

    pub(super) fn pull(&mut self) {
        let (stream, consumer) = (self.stream(), self.consumer());
        let random = &mut *self.talk.random;
        let body = match random.size(0, 7) {
            0 => random.pick(&["", "1", "2", " 3 ", "x", "{}", "0", "-1", "{\"batch\":", "[]"]).to_owned(),
            1 | 2 => Body::default()
                .with_some(random, 80, &[("batch", &["1", "2", "5"])])
                .with("no_wait", true)
                .text(),
            _ => Body::default()
                .with_some(random, 80, &[("batch", &["1", "2", "5"])])
                .with_some(random, 80, &[("expires", &["3600000000000"])])
                .with_some(random, 12, REQUEST_FIELDS)
                .text(),
        };
        let len = body.len();
        let line = format!(
            "PUB $JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer} _D.{stream}.{consumer} {len}\r\n{body}\r\n"
        );
        self.say(self.taker, line);
    }

    pub(super) fn acknowledge(&mut self) {
        let (stream, consumer) = (self.stream(), self.consumer());
        let random = &mut *self.talk.random;
        let (seq, delivery) = (random.size(1, 5), random.size(1, 5));
        let (seq, delivery) = if random.chance(70) { (seq, seq) } else { (seq, delivery) };
        let what = random.pick(&[
            "",
            "",
            "+ACK",
            "+ACK",
            "-NAK",
            "-NAK",
            "-NAK {\"delay\":3600000000000}",
            "-NAK x",
            "+WPI",
            "+TERM",
            "+TERM why",
            "+NXT",
            "+NXT 2",
            "+NXT {\"batch\":2,\"no_wait\":true}",
            "hello",
        ]);
        let reply = if what.starts_with("+NXT") {
            format!(" _D.{stream}.{consumer}")
        } else {
            random.pick(&["", " _A.a", " _A.a"]).to_owned()
        };
        let len = what.len();
        let line =
            format!("PUB $JS.ACK.{stream}.{consumer}.1.{seq}.{delivery}.0.0{reply} {len}\r\n{what}\r\n");
        self.say(self.asker, line);
    }
}

const CONSUMER_FIELDS: &Fields = &[
    ("ack_wait", &["60000000000", "3600000000000"]),
    ("max_deliver", &["-1", "1", "2", "3", "0"]),
    ("backoff", &["[3600000000000]", "[60000000000,3600000000000]", "[]"]),
    ("replay_policy", &["\"instant\"", "\"x\""]),
    ("sample_freq", &["\"100\"", "\"100%\"", "\"x\""]),
    ("max_ack_pending", &["1", "2", "-1", "1000", "0"]),
    ("headers_only", &["true", "false"]),
    ("inactive_threshold", &["3600000000000", "0"]),
    ("num_replicas", &["0", "1", "3"]),
    ("mem_storage", &["true", "false"]),
    ("description", &["\"d\""]),
    ("metadata", &["{\"a\":\"b\"}", "{}"]),
    ("pause_until", &["\"2100-01-01T00:00:00Z\"", "\"2020-01-01T00:00:00Z\""]),
];

const PULL_FIELDS: &Fields = &[
    ("max_waiting", &["1", "2", "512", "0"]),
    ("max_batch", &["1", "2"]),
    ("max_expires", &["1000000000", "7200000000000"]),
    ("max_bytes", &["100", "1000"]),
    ("flow_control", &["true"]),
    ("idle_heartbeat", &["3600000000000"]),
    ("deliver_group", &["\"g\""]),
];

const PUSH_FIELDS: &Fields = &[
    ("flow_control", &["true", "false"]),
    ("idle_heartbeat", &["3600000000000", "3600000000000", "1"]),
    ("rate_limit_bps", &["100000000"]),
    ("deliver_group", &["\"g\""]),
    ("max_waiting", &["1"]),
    ("max_batch", &["1"]),
];

const REQUEST_FIELDS: &Fields = &[
    ("max_bytes", &["1", "150", "1000"]),
    ("idle_heartbeat", &["600000000000", "3600000000000"]),
    ("no_wait", &["true", "false"]),
    ("group", &["\"g\""]),
    ("priority", &["1"]),
    ("min_pending", &["1"]),
    ("id", &["\"i\""]),
    ("batch", &["0", "-1", "\"2\""]),
    ("expires", &["-1", "\"x\""]),
];
