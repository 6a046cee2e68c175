//! What a start finds, kept, and the streams that it comes to.

use std::collections::BTreeSet;

use log_format::{Item, Record, Stretch};
use stream_index::{Place, Steps};
use streams::{Effect, Rebuild, Stream, StreamMeta};

const SALT: log_format::Salt = log_format::Salt::of_segment(&[9; 16], 9);

/// Something that the disk has.
pub(crate) enum Found {
    Record { place: Place, group: u32, bytes: Vec<u8>, len: usize },
    Messages(Stretch),
}

impl Found {
    pub(crate) fn new(item: Item<'_>) -> Self {
        match item {
            Item::Record { place, record, len } => {
                Self::Record { place, group: record.group, bytes: written(record), len }
            }
            Item::Messages(messages) => Self::Messages(messages),
        }
    }

    fn group(&self) -> u32 {
        match self {
            Self::Record { group, .. } => *group,
            Self::Messages(messages) => messages.group(),
        }
    }
}

pub(crate) fn of_group(found: &[Found], group: u32) -> Vec<&Found> {
    found.iter().filter(|one| one.group() == group).collect()
}

pub(crate) fn buried(effects: &[Effect<()>]) -> BTreeSet<Place> {
    let place = |effect: &Effect<()>| match effect {
        Effect::Bury(place) => Some(*place),
        _ => None,
    };
    effects.iter().filter_map(place).collect()
}

pub(crate) fn written(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.append_to(SALT, &mut bytes).expect("it is small");
    bytes
}

pub(crate) fn read(bytes: &[u8]) -> Record<'_> {
    Record::read(bytes, SALT).expect("it was just written").0
}

/// The stream that the records make, if the first of them is there.
pub(crate) fn rebuilt(records: &[&Found], effects: &mut Vec<Effect<()>>) -> Option<Stream<()>> {
    let (Found::Record { place, bytes, .. }, others) = records.split_first()? else {
        panic!("the first is its meta");
    };
    let mut rebuild = Rebuild::new(StreamMeta::read(read(bytes).payload).expect("the first is its meta"));
    rebuild.note_first_meta(*place);
    for found in others {
        let taken = match found {
            Found::Messages(messages) => rebuild.on_item(Item::Messages(messages.clone())),
            Found::Record { place, bytes, len, .. } => {
                rebuild.on_item(Item::Record { place: *place, record: &read(bytes), len: *len })
            }
        };
        taken.expect("it is of a stream");
    }
    let mut stream = rebuild.finish(effects);
    while stream.is_busy() {
        stream.work(&mut Steps::new(50), effects);
    }
    Some(stream)
}
