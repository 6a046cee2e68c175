//! Maps of the tree, and finding the keys that nobody knows.

use std::collections::BTreeMap;

use crate::{ConfError, Value};

/// Keys and values, in the order of the text.
///
/// Keys are kept as written and told apart by case, as variables are. [`Map::get`] and [`Fields`] ignore
/// case, as options do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    entries: Vec<Entry>,
    /// The place of each key in `entries`.
    places: BTreeMap<String, usize>,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key as written, without quotes.
    pub key: String,
    /// Its value; the value's position is that of the key.
    pub value: Value,
    /// Whether some `$key` refers to it. Such a key need not be known to anybody.
    pub used_as_variable: bool,
}

impl Map {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in the order of the text. A key that was given again stands where it stood first, with
    /// its last value.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// The value of a key in any case. Of keys that differ only in case, the last in the text.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().rfind(|entry| entry.is(key)).map(|entry| &entry.value)
    }

    /// The entries for a consumer that ticks off what it knows.
    pub fn fields(&self) -> Fields<'_> {
        Fields { map: self, known: vec![false; self.len()] }
    }

    /// The entry with exactly this key.
    pub(crate) fn exact_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.places.get(key).map(|&place| &mut self.entries[place])
    }

    /// Sets a key; an earlier value of it is replaced.
    pub(crate) fn set(&mut self, entry: Entry) {
        if let Some(earlier) = self.exact_mut(&entry.key) {
            *earlier = entry;
            return;
        }
        self.places.insert(entry.key.clone(), self.entries.len());
        self.entries.push(entry);
    }

    /// The entries in the order of their keys' bytes.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = &Entry> {
        self.places.values().map(|&place| &self.entries[place])
    }
}

impl IntoIterator for Map {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'m> IntoIterator for &'m Map {
    type Item = &'m Entry;
    type IntoIter = std::slice::Iter<'m, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Entry {
    /// Whether this is the key, in any case.
    pub fn is(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    /// The error that nobody knows this key.
    pub fn unknown_field(&self) -> ConfError {
        ConfError::UnknownField { position: self.value.position.clone(), field: self.key.clone() }
    }
}

/// A map whose consumer ticks off the keys it knows, to find the others.
#[derive(Debug)]
pub struct Fields<'m> {
    map: &'m Map,
    known: Vec<bool>,
}

impl<'m> Fields<'m> {
    /// The value of a key in any case, which is ticked off. Of keys that differ only in case, and of
    /// several names for the same thing, the last in the text.
    pub fn take(&mut self, names: &[&str]) -> Option<&'m Entry> {
        let mut found = None;
        for (entry, known) in self.map.iter().zip(&mut self.known) {
            if names.iter().any(|name| entry.is(name)) {
                *known = true;
                found = Some(entry);
            }
        }
        found
    }

    /// The entries not taken yet that no variable refers to. To nats-server they are an error each
    /// ([`Entry::unknown_field`]).
    pub fn unknown(&self) -> impl Iterator<Item = &'m Entry> {
        let entries = self.map.iter().zip(&self.known);
        entries.filter(|(entry, known)| !**known && !entry.used_as_variable).map(|(entry, _)| entry)
    }
}
