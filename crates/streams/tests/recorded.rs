//! Conversations with nats-server 2.14.5, played to a stream: what it answers is what was recorded.
//!
//! `testdata/recorded.txt` has those that one stream alone can answer. `>` is done, `<` is what was answered: to what
//! is published its acknowledgement, to requests the members of their answers that are a stream's. `*` was published
//! again: where, which sequence, the one of its subject before it, and how much of it. `{{rep x n}}` stands for so many
//! of a character. One answer is left out: that nats-server forgets after kill -9 when the last message came, if that
//! one was deleted.

use js_proto::{ConfigLimits, MsgDeleteRequest, MsgGetRequest, StreamConfig, StreamPurgeRequest};
use log_format::{Record, Salt};
use nats_proto::go_json::{Fields, read_into};
use serde_json::{Value, json};
use stream_index::{Filter, Place, State, Steps, Walk};
use streams::{
    Answer, Around, BEHAVIOUR_LEVEL, BatchDecision, BatchLimits, BatchRoom, Decision, Effect, Fired, Found,
    Incoming, Purge, Said, Shelf, Stream, StreamMeta,
};

const RECORDED: &str = include_str!("../testdata/recorded.txt");

const SALT: Salt = Salt::of_segment(&[1; 16], 1);

const MILLISECOND: i64 = 1_000_000;

#[test]
fn a_stream_answers_as_recorded() {
    let mut failed = Vec::new();
    let mut cases = 0;
    for case in RECORDED.split("# ").skip(1) {
        let (name, steps) = case.split_once('\n').unwrap();
        cases += 1;
        if let Err(differs) = play(steps) {
            failed.push(format!("{name}: {differs}"));
        }
    }
    assert_eq!(cases, 117);
    assert!(failed.is_empty(), "{} cases differ:\n{}", failed.len(), failed.join("\n"));
}

/// A stream and a log that keeps its records.
struct Rig {
    now: i64,
    meta: StreamMeta,
    stream: Stream<()>,
    log: Vec<Vec<u8>>,
    published_again: Vec<String>,
}

fn play(steps: &str) -> Result<(), String> {
    let mut rig: Option<Rig> = None;
    let mut given = None;
    let mut again = Vec::new();
    for line in steps.lines() {
        let line = expanded(line);
        let (mark, rest) = line.split_at(2);
        if mark == "* " {
            again.push(rest.to_owned());
            continue;
        }
        if mark == "< " {
            let expected: Value = serde_json::from_str(rest).unwrap();
            let answer = given.take().expect("there is an answer to something only");
            compare(&answer, &expected)
                .map_err(|differs| format!("{differs}\n    {answer}\n    {expected}"))?;
            continue;
        }
        let (verb, arguments) = rest.split_once(' ').unwrap_or((rest, ""));
        given = match (verb, &mut rig) {
            ("create", rig) => {
                *rig = Some(Rig::new(read(arguments)));
                None
            }
            ("step", Some(rig)) => {
                let published = std::mem::take(&mut rig.published_again);
                if published != std::mem::take(&mut again) {
                    return Err(format!("published again: {published:?}"));
                }
                rig.pass(10)
            }
            ("wait", Some(rig)) => rig.pass(arguments.parse().unwrap()),
            (verb, Some(rig)) => rig.act(verb, arguments),
            (verb, None) => panic!("{verb} without a stream"),
        };
    }
    Ok(())
}

fn expanded(line: &str) -> String {
    let Some((before, rest)) = line.split_once("{{rep ") else { return line.to_owned() };
    let (repeated, behind) = rest.split_once("}}").unwrap();
    let (text, times) = repeated.split_once(' ').unwrap();
    format!("{before}{}{}", text.repeat(times.parse().unwrap()), expanded(behind))
}

fn read<T: Fields + Default>(text: &str) -> T {
    let mut value = T::default();
    read_into(text.as_bytes(), &mut value).unwrap();
    value
}

/// Members that nobody recorded may be anything; none may be missing.
fn compare(answer: &Value, expected: &Value) -> Result<(), String> {
    for (name, value) in expected.as_object().unwrap() {
        if answer.get(name) != Some(value) {
            return Err(format!("{name} differs"));
        }
    }
    let is_error = |value: &Value| value.get("error").is_some();
    let has_other = |name| answer.get(name) != expected.get(name);
    if is_error(answer) != is_error(expected) || has_other("duplicate") || has_other("val") {
        return Err("another kind of answer".into());
    }
    Ok(())
}

impl Rig {
    fn new(config: StreamConfig) -> Self {
        let config = config.settled(&ConfigLimits::default(), false).expect("it was accepted");
        let meta = StreamMeta {
            id: 1,
            level: BEHAVIOUR_LEVEL,
            created: 0,
            lane: 0,
            id_key: [7; 16],
            is_whole: true,
            config,
        };
        let stream = Stream::new(meta.clone());
        Self {
            now: 1_700_000_000_000 * MILLISECOND,
            meta,
            stream,
            log: Vec::new(),
            published_again: Vec::new(),
        }
    }

    fn act(&mut self, verb: &str, arguments: &str) -> Option<Value> {
        self.now += MILLISECOND;
        let answer = match verb {
            "pub" => self.publish(arguments),
            "purge" => {
                let StreamPurgeRequest { seq, filter, keep } = read(arguments);
                let purge = Purge { filter: filter.into_bytes().into(), before: seq, keep };
                self.decide(|stream, now, log| append(stream.decide_purge(now, purge), log))
            }
            "delete" => {
                let MsgDeleteRequest { seq, no_erase } = read(arguments);
                self.decide(|stream, now, log| append(stream.decide_delete(now, seq, !no_erase), log))
            }
            "update" => {
                let old = self.stream.config();
                let new =
                    old.updated(read(arguments), &ConfigLimits::default(), false).expect("it was accepted");
                self.decide(|stream, now, log| append(stream.decide_update(now, new), log))
            }
            "info" => return Some(told_state(&self.stream)),
            "get" => return Some(self.get(&read(arguments))),
            "restart" => {
                self.restart();
                return None;
            }
            verb => panic!("{verb}"),
        };
        Some(told(answer))
    }

    fn publish(&mut self, arguments: &str) -> Answer {
        let (subject, texts) = arguments.split_once(' ').unwrap();
        let mut texts = serde_json::Deserializer::from_str(texts).into_iter::<String>();
        let [header, payload] = [(); 2].map(|()| texts.next().unwrap().unwrap());
        let publish = Incoming {
            now: self.now,
            subject: subject.as_bytes(),
            header: header.as_bytes(),
            payload: payload.as_bytes(),
        };
        let mut around = Around {
            is_server_full: false,
            account_bytes_left: None,
            // Consumers are another matter.
            has_interest: &mut |_| false,
            random: &mut || 0,
            shelf: &mut Records(self.log.clone()),
            payload_bytes_max: 1 << 20,
        };
        let answer = match self.stream.decide(&publish, &mut around) {
            Decision::OfBatch => self.publish_in_batch(&publish, &mut around),
            decision => {
                let answer = append(decision, &mut self.log);
                if answer.is_none() {
                    self.stream.on_appended(last_place(&self.log), Some(()));
                }
                answer
            }
        };
        answer.unwrap_or_else(|| self.commit())
    }

    fn publish_in_batch(&mut self, publish: &Incoming<'_>, around: &mut Around<'_>) -> Option<Answer> {
        let limits = BatchLimits { open_max: 50, messages_max: 1_000, patience: 10_000 * MILLISECOND };
        let room = BatchRoom { limits, may_begin: true, bytes_left: usize::MAX };
        match self.stream.decide_batch(publish, around, &room) {
            BatchDecision::Append(unit) => {
                let log = &mut self.log;
                let write = |record: Record<'_>| {
                    write(&record, log);
                    last_place(log)
                };
                let places: Vec<Place> = unit.records().map(write).collect();
                self.stream.on_unit_appended(&places, Some(()));
                None
            }
            BatchDecision::Answer(answer) => Some(answer),
            BatchDecision::Later => panic!("all is committed"),
        }
    }

    /// Gives a command, and what it came to once all is committed.
    fn decide(
        &mut self,
        give: impl FnOnce(&mut Stream<()>, i64, &mut Vec<Vec<u8>>) -> Option<Answer>,
    ) -> Answer {
        if let Some(answer) = give(&mut self.stream, self.now, &mut self.log) {
            return answer;
        }
        self.stream.on_appended(last_place(&self.log), Some(()));
        self.commit()
    }

    /// What was appended is committed: what it came to.
    fn commit(&mut self) -> Answer {
        let mut effects = Vec::new();
        self.stream.commit(&mut effects);
        while self.stream.is_busy() {
            self.stream.work(&mut Steps::new(1_000), &mut effects);
        }
        let mut told = None;
        for effect in effects {
            match effect {
                Effect::Answer { answer, .. } => told = Some(answer),
                Effect::Republish { row, subject, last_seq, is_headers_only } => {
                    let subject = String::from_utf8(subject.into()).unwrap();
                    let what = if is_headers_only { "headers" } else { "all" };
                    self.published_again.push(format!("{subject} {} {last_seq} {what}", row.seq));
                }
                _ => {}
            }
        }
        told.expect("whoever waits is told")
    }

    /// Time goes by, and what is to happen then happens.
    fn pass(&mut self, milliseconds: i64) -> Option<Value> {
        let until = self.now + milliseconds * MILLISECOND;
        while let Some(deadline) = self.stream.next_deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            while self.stream.expire(self.now).map(|record| write(&record, &mut self.log)).is_some() {
                self.stream.on_appended(last_place(&self.log), None);
            }
            while self.stream.commit(&mut Vec::new()) {}
            self.keep_schedules();
        }
        self.now = until;
        None
    }

    fn keep_schedules(&mut self) {
        loop {
            let mut around = Around {
                is_server_full: false,
                account_bytes_left: None,
                has_interest: &mut |_| false,
                random: &mut || 0,
                shelf: &mut Records(self.log.clone()),
                payload_bytes_max: 1 << 20,
            };
            let Fired::Append(record) = self.stream.fire(self.now, &mut around) else { return };
            write(&record, &mut self.log);
            self.stream.on_appended(last_place(&self.log), None);
            while self.stream.commit(&mut Vec::new()) {}
        }
    }

    fn get(&self, request: &MsgGetRequest) -> Value {
        let index = self.stream.index();
        let row = if request.last_by_subj.is_empty() {
            index.get(request.seq)
        } else {
            let filter = Filter::new([request.last_by_subj.as_bytes()]);
            match index.last(&filter, u64::MAX, &mut Steps::new(1_000)) {
                Walk::Found(row) => Some(row),
                _ => None,
            }
        };
        let Some(row) = row else { return json!({ "none": true }) };
        let (record, _) = Record::read(&self.log[row.place.offset as usize], SALT).unwrap();
        let subject = String::from_utf8(record.subject.to_vec()).unwrap();
        assert_eq!((record.subject, record.seq), (index.subject(row.subject), row.seq));
        let header = without_next_time(str::from_utf8(record.header).unwrap());
        let data = String::from_utf8_lossy(record.payload);
        json!({ "subject": subject, "seq": row.seq, "hdrs": header.trim_end(), "data": data })
    }

    fn restart(&mut self) {
        self.stream = Stream::new(self.meta.clone());
        for (at, bytes) in self.log.iter().enumerate() {
            let (record, _) = Record::read(bytes, SALT).unwrap();
            let place = Place { segment: 0, offset: at as u32 };
            self.stream.replay(&record, place, &mut Vec::new()).unwrap();
        }
    }
}

/// Records as they were written.
struct Records(Vec<Vec<u8>>);

impl Shelf for Records {
    fn read(&mut self, place: Place) -> Found<'_> {
        let (record, _) = Record::read(&self.0[place.offset as usize], SALT).unwrap();
        Found::Said(Said { header: record.header, payload: record.payload })
    }
}

/// When a schedule is kept next was recorded as `T`.
fn without_next_time(header: &str) -> String {
    let line = |line: &str| match line.strip_prefix("Nats-Schedule-Next: ") {
        Some(next) if next != "purge" => "Nats-Schedule-Next: T".to_owned(),
        _ => line.to_owned(),
    };
    header.split("\r\n").map(line).collect::<Vec<_>>().join("\r\n")
}

fn write(record: &Record<'_>, log: &mut Vec<Vec<u8>>) {
    let mut bytes = Vec::new();
    record.append_to(SALT, &mut bytes).unwrap();
    log.push(bytes);
}

fn last_place(log: &[Vec<u8>]) -> Place {
    Place { segment: 0, offset: log.len() as u32 - 1 }
}

fn append(decision: Decision<'_>, log: &mut Vec<Vec<u8>>) -> Option<Answer> {
    match decision {
        Decision::Append(record) => write(&record, log),
        Decision::Answer(answer) => return Some(answer),
        Decision::AnswerBehind(_) | Decision::Later => panic!("all is committed"),
        Decision::OfBatch => panic!("it is none of a batch"),
    }
    None
}

fn told(answer: Answer) -> Value {
    match answer {
        Answer::Stored { seq } => json!({ "seq": seq }),
        Answer::Counted { seq, sum } => json!({ "seq": seq, "val": sum }),
        Answer::Held => json!({}),
        Answer::Fast(_) => panic!("it is of no fast batch"),
        Answer::Batch { seq, id, count } => {
            json!({ "seq": seq, "batch": String::from_utf8_lossy(&id), "count": count })
        }
        Answer::Duplicate { seq } => json!({ "seq": seq, "duplicate": true }),
        Answer::Purged { messages } => json!({ "purged": messages }),
        Answer::Deleted => json!({ "deleted": true }),
        Answer::Updated => json!({ "updated": true }),
        Answer::Refused(error) => json!({
            "seq": 0,
            "error": { "code": error.code, "err_code": error.err_code, "description": error.description },
        }),
    }
}

fn told_state(stream: &Stream<()>) -> Value {
    let State { messages, bytes, first_seq, first_time, last_seq, last_time, subjects, deleted } =
        stream.state();
    let mut told = json!({
        "messages": messages,
        "bytes": bytes,
        "first_seq": first_seq,
        "last_seq": last_seq,
        "has_first_ts": first_time.is_some(),
        "has_last_ts": last_time.is_some(),
    });
    if subjects > 0 {
        told["num_subjects"] = json!(subjects);
    }
    if deleted > 0 {
        told["num_deleted"] = json!(deleted);
        told["deleted"] = json!(stream.index().deleted(0).flatten().collect::<Vec<u64>>());
    }
    told
}
