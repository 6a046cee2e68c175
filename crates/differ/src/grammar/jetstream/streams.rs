//! Streams: made, changed, looked at, emptied.

use super::Scene;
use super::body::{Body, Fields};

impl Scene<'_> {
    pub(super) fn create_stream(&mut self, stream: &str) {
        let body = self.stream_config(stream, 12).text();
        self.ask(&format!("STREAM.CREATE.{stream}"), &body);
    }

    fn stream_config(&mut self, stream: &str, percent: u64) -> Body {
        if self.is_kv {
            return self.bucket_config(stream);
        }
        let random = &mut *self.talk.random;
        let usual = if stream == "A" { "[\"a.>\"]" } else { "[\"b.*\"]" };
        let subjects = if random.chance(80) { usual } else { random.pick(&SUBJECTS) };
        let storage = random.pick(&["\"memory\"", "\"file\"", "\"file\""]);
        let body = Body::default()
            .with("name", format!("\"{stream}\""))
            .with("subjects", subjects)
            .with("storage", storage);
        let body = if self.is_silent { body.with("no_ack", true) } else { body };
        let body = if self.counts { body.with("allow_msg_counter", !random.chance(10)) } else { body };
        body.with_some(random, percent, STREAM_FIELDS).with_some(random, percent / 4, RARE_STREAM_FIELDS)
    }

    fn bucket_config(&mut self, stream: &str) -> Body {
        let random = &mut *self.talk.random;
        Body::default()
            .with("name", format!("\"{stream}\""))
            .with("subjects", format!("[\"$KV.{stream}.>\"]"))
            .with("max_msgs_per_subject", random.pick(&["1", "2", "5"]))
            .with("discard", "\"new\"")
            .with("allow_rollup_hdrs", true)
            .with("deny_delete", true)
            .with("allow_direct", true)
            .with_some(random, 30, BUCKET_FIELDS)
    }

    pub(super) fn update_stream(&mut self) {
        let stream = self.stream();
        if self.talk.random.chance(25) {
            self.ask(
                &format!("STREAM.CREATE.{stream}"),
                &Body::default().with("name", format!("\"{stream}\"")).text(),
            );
            return;
        }
        let body = self.stream_config(stream, 12).text();
        self.ask(&format!("STREAM.UPDATE.{stream}"), &body);
    }

    pub(super) fn about_streams(&mut self) {
        let stream = self.stream();
        let (api, body) = match self.talk.random.size(0, 9) {
            0 => ("INFO".to_owned(), String::new()),
            1 => ("STREAM.NAMES".to_owned(), String::new()),
            2 => {
                let filter = self.filter();
                ("STREAM.NAMES".to_owned(), Body::default().with("subject", format!("\"{filter}\"")).text())
            }
            3 => {
                let random = &mut *self.talk.random;
                let body = Body::default().with_some(random, 50, &[("offset", &["0", "1", "5", "-1"])]);
                ("STREAM.LIST".to_owned(), body.text())
            }
            4 => (format!("STREAM.DELETE.{stream}"), String::new()),
            _ => {
                let random = &mut *self.talk.random;
                let body = Body::default().with_some(random, 40, INFO_FIELDS);
                (format!("STREAM.INFO.{stream}"), body.text())
            }
        };
        self.ask(&api, &body);
    }

    pub(super) fn purge(&mut self) {
        let stream = self.stream();
        let mut body = Body::default();
        if self.talk.random.chance(50) {
            body = body.with("filter", format!("\"{}\"", self.filter()));
        }
        let body = body.with_some(
            self.talk.random,
            30,
            &[("seq", &["0", "2", "3", "100"]), ("keep", &["0", "1", "2"])],
        );
        self.ask(&format!("STREAM.PURGE.{stream}"), &body.text());
    }

    pub(super) fn get_message(&mut self) {
        let stream = self.stream();
        let body = self.which_message();
        self.ask(&format!("STREAM.MSG.GET.{stream}"), &body.text());
    }

    pub(super) fn get_directly(&mut self) {
        let stream = self.stream();
        if self.talk.random.chance(40) {
            let subject = self.subject();
            self.ask(&format!("DIRECT.GET.{stream}.{subject}"), "");
            return;
        }
        let mut body = self.which_message();
        if self.talk.random.chance(40) {
            body = body.with_some(self.talk.random, 50, BATCH_FIELDS);
        }
        self.ask(&format!("DIRECT.GET.{stream}"), &body.text());
    }

    /// By number, or by subject.
    fn which_message(&mut self) -> Body {
        let mut body = Body::default();
        let kind = self.talk.random.size(0, 9);
        if kind < 6 || kind == 9 {
            body = body.with("seq", self.sequence());
        }
        if kind == 6 || kind == 9 {
            body = body.with("last_by_subj", format!("\"{}\"", self.filter()));
        }
        if kind == 7 || kind == 5 {
            body = body.with("next_by_subj", format!("\"{}\"", self.filter()));
        }
        body
    }

    pub(super) fn delete_message(&mut self) {
        let stream = self.stream();
        let body = Body::default().with("seq", self.sequence());
        let body = body.with_some(self.talk.random, 40, &[("no_erase", &["true", "false"])]);
        self.ask(&format!("STREAM.MSG.DELETE.{stream}"), &body.text());
    }
}

const SUBJECTS: [&str; 8] = [
    "[\"a.x\",\"a.y\"]",
    "[\"a.*\",\"c\"]",
    "[\"a.>\",\"a.x\"]",
    "[\">\"]",
    "[\"*.x\"]",
    "[]",
    "[\"a..b\"]",
    "[\"$JS.x\"]",
];

const STREAM_FIELDS: &Fields = &[
    ("retention", &["\"limits\"", "\"interest\"", "\"workqueue\""]),
    ("max_consumers", &["-1", "1", "2"]),
    ("max_msgs", &["-1", "1", "3", "5"]),
    ("max_bytes", &["-1", "100", "300", "1000"]),
    ("discard", &["\"old\"", "\"new\""]),
    ("max_age", &["0", "3600000000000"]),
    ("max_msgs_per_subject", &["-1", "1", "2"]),
    ("max_msg_size", &["-1", "5", "100"]),
    ("discard_new_per_subject", &["true", "false"]),
    ("duplicate_window", &["0", "60000000000", "3600000000000"]),
    ("allow_rollup_hdrs", &["true", "true", "false"]),
    ("deny_delete", &["true", "false"]),
    ("deny_purge", &["true", "false"]),
    ("allow_direct", &["true", "true", "false"]),
    ("allow_msg_ttl", &["true", "true", "false"]),
    ("subject_delete_marker_ttl", &["3600000000000", "500000000", "0"]),
    ("first_seq", &["0", "1", "10"]),
    ("metadata", &["{\"a\":\"b\"}", "{}", "null", "{\"_nats.x\":\"y\"}"]),
    ("description", &["\"d\"", "\"\u{e9} <&>\"", "\"\""]),
    (
        "republish",
        &[
            "{\"src\":\"a.>\",\"dest\":\"rep.>\"}",
            "{\"src\":\"a.*\",\"dest\":\"rep.{{wildcard(1)}}\",\"headers_only\":true}",
            "{\"dest\":\"a.>\"}",
            "{}",
        ],
    ),
    (
        "subject_transform",
        &[
            "{\"src\":\"a.*\",\"dest\":\"a.t.$1\"}",
            "{\"src\":\"\",\"dest\":\"\"}",
            "{\"src\":\"a.>\",\"dest\":\"x\"}",
        ],
    ),
    ("consumer_limits", &["{\"max_ack_pending\":2}", "{\"inactive_threshold\":3600000000000}", "{}"]),
    ("compression", &["\"none\"", "\"s2\""]),
    ("allow_msg_schedules", &["true", "true", "false"]),
];

const RARE_STREAM_FIELDS: &Fields = &[
    ("num_replicas", &["0", "1", "3", "6", "-1"]),
    ("sealed", &["true", "false"]),
    ("mirror_direct", &["true"]),
    // What is refused: how far one stream is with another one when something is asked is not the same twice.
    (
        "mirror",
        &[
            "{\"name\":\"B\",\"filter_subject\":\"a\",\"subject_transforms\":[{\"src\":\"a\",\"dest\":\"b\"}]}",
            "{\"name\":\"x.y\"}",
            "{}",
        ],
    ),
    (
        "sources",
        &[
            "[{\"name\":\"A\"},{\"name\":\"A\"}]",
            "[{\"name\":\"x.y\"}]",
            "[null]",
            "[{\"name\":\"B\",\"subject_transforms\":[{\"src\":\"b.*\",\"dest\":\"c.{{wildcard(2)}}\"}]}]",
            "[{\"name\":\"B\",\"subject_transforms\":[{\"src\":\"b.>\",\"dest\":\"\"},{\"src\":\"b.x\",\"dest\":\"\"}]}]",
            "[{\"name\":\"B\",\"consumer\":{\"name\":\"C\",\"deliver_subject\":\"d.*\"}}]",
            "[{\"name\":\"B\",\"external\":{\"api\":\"$JS.API\"}}]",
        ],
    ),
    ("placement", &["{}", "{\"cluster\":\"c\"}"]),
    ("persist_mode", &["\"default\"", "\"async\"", "\"x\""]),
    ("retention", &["\"x\"", "1"]),
    ("storage", &["\"x\"", "null"]),
    ("max_msgs", &["\"1\"", "1.5", "null"]),
    ("bogus", &["1"]),
];

const BUCKET_FIELDS: &Fields = &[
    ("max_age", &["0", "3600000000000"]),
    ("max_bytes", &["-1", "1000"]),
    ("max_msg_size", &["-1", "100"]),
    ("storage", &["\"file\"", "\"memory\""]),
    ("duplicate_window", &["120000000000"]),
    ("allow_msg_ttl", &["true"]),
    ("subject_delete_marker_ttl", &["3600000000000"]),
    ("allow_msg_schedules", &["true"]),
];

const INFO_FIELDS: &Fields = &[
    ("deleted_details", &["true", "false"]),
    ("subjects_filter", &["\">\"", "\"a.*\"", "\"a.x\"", "\"none\"", "\"\""]),
    ("offset", &["0", "1", "100"]),
];

const BATCH_FIELDS: &Fields = &[
    ("batch", &["1", "2", "10", "-1"]),
    ("max_bytes", &["1", "1000"]),
    ("multi_last", &["[\"a.>\"]", "[\"a.x\",\"a.y\"]", "[\"none\"]"]),
    ("up_to_seq", &["2", "3", "100"]),
    ("up_to_time", &["\"2100-01-01T00:00:00Z\"", "\"2020-01-01T00:00:00Z\""]),
    ("start_time", &["\"2100-01-01T00:00:00Z\"", "\"2020-01-01T00:00:00Z\""]),
];
