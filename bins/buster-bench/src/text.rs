//! Payloads that read like what people send: events as JSON, each another one, in words that come as often as words do.
//!
//! They compress about as well as such events do, to a third or so each for itself; the same seed writes the same text.

use std::fmt::Write as _;

use crate::random::SplitMix;

const WORDS: [&str; 64] = [
    "the",
    "order",
    "of",
    "and",
    "to",
    "was",
    "in",
    "for",
    "customer",
    "is",
    "with",
    "on",
    "payment",
    "from",
    "at",
    "delivery",
    "by",
    "not",
    "this",
    "invoice",
    "shipped",
    "has",
    "address",
    "be",
    "message",
    "warehouse",
    "no",
    "received",
    "after",
    "item",
    "second",
    "item",
    "will",
    "pending",
    "account",
    "over",
    "between",
    "Lisbon",
    "returned",
    "carrier",
    "number",
    "again",
    "north",
    "reminder",
    "quantity",
    "because",
    "parcel",
    "midnight",
    "signature",
    "available",
    "Gothenburg",
    "discount",
    "yesterday",
    "heavy",
    "forklift",
    "question",
    "violet",
    "quarterly",
    "umbrella",
    "jigsaw",
    "xylophone",
    "zebra",
    "kiwi",
    "glacier",
];

/// Writes over all of a payload.
pub(crate) fn write(payload: &mut [u8], random: &mut SplitMix) {
    let mut text = String::with_capacity(payload.len() + 200);
    while text.len() < payload.len() {
        event(&mut text, random);
    }
    payload.copy_from_slice(&text.as_bytes()[..payload.len()]);
}

fn event(text: &mut String, random: &mut SplitMix) {
    let (id, customer, cents) = (random.next() >> 16, random.below(100_000), random.below(1_000_000));
    let (minute, second) = (random.below(60), random.below(60));
    let state = ["open", "paid", "shipped", "closed"][random.below(4) as usize];
    let _ = write!(
        text,
        "{{\"id\":\"{id:012x}\",\"at\":\"2026-11-29T10:{minute:02}:{second:02}Z\",\"customer\":{customer},\
         \"state\":\"{state}\",\"total\":{}.{:02},\"note\":\"",
        cents / 100,
        cents % 100
    );
    for _ in 0..12 + random.below(20) {
        text.push_str(word(random));
        text.push(' ');
    }
    text.push_str("\"}\n");
}

/// Early ones come more often.
fn word(random: &mut SplitMix) -> &'static str {
    let bound = 1 + random.below(WORDS.len() as u32);
    WORDS[random.below(bound) as usize]
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn written(bytes: usize, seed: u64) -> Vec<u8> {
        let mut payload = vec![0; bytes];
        write(&mut payload, &mut SplitMix::new(seed));
        payload
    }

    #[test]
    fn it_compresses_as_text_does() {
        let text = written(1024, 1);
        let mut pressed = Vec::new();
        flate2::read::DeflateEncoder::new(&text[..], flate2::Compression::default())
            .read_to_end(&mut pressed)
            .unwrap();
        assert!((300..600).contains(&pressed.len()), "{} of 1024", pressed.len());
        assert!(text.is_ascii() && text.starts_with(b"{\"id\":"));
    }

    #[test]
    fn a_seed_writes_its_own_text() {
        assert_eq!(written(500, 1), written(500, 1));
        assert_ne!(written(500, 1), written(500, 2));
        assert!(written(0, 1).is_empty());
    }
}
