//! What happened, as lines of text.

use consumers::Event;

/// Replies without times, questions without their tokens.
pub(crate) fn blanked(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        let mut tokens: Vec<&str> = word.split('.').collect();
        if word.starts_with("$JS.ACK.") {
            tokens[7] = "T";
        } else if word.starts_with("$JS.FC.") {
            tokens[4] = "X";
        }
        tokens.join(".")
    });
    words.collect::<Vec<_>>().join(" ")
}

pub(super) fn group(to: &str) -> char {
    to.chars().next().filter(|first| "dw".contains(*first)).unwrap_or('i')
}

pub(super) fn event_line(event: &Event) -> String {
    let kind = event.kind();
    let of = |delivered: &consumers::Delivered| {
        let consumers::Delivered { stream_seq, consumer_seq, deliveries } = delivered;
        format!("stream_seq={stream_seq} consumer_seq={consumer_seq} deliveries={deliveries}")
    };
    let said = match event {
        Event::MaxDeliver { stream_seq, deliveries } => {
            format!("stream_seq={stream_seq} deliveries={deliveries}")
        }
        Event::Nacked(delivered) => of(delivered),
        Event::Terminated { delivered, reason } if reason.is_empty() => of(delivered),
        Event::Terminated { delivered, reason } => format!("{} reason={reason}", of(delivered)),
        Event::Acked { delivered, .. } => of(delivered),
        Event::Pinned { group, .. } => format!("group={group}"),
        Event::Unpinned { group, reason } => format!("group={group} reason={reason}"),
        Event::Paused { is_paused, .. } => {
            return format!("CONSUMER.PAUSE paused={}", if *is_paused { "True" } else { "False" });
        }
    };
    let subject = js_proto::EventSubject::of_server(kind).to_string();
    let kind = subject.splitn(4, '.').nth(3).unwrap();
    format!("{kind} {said}")
}
