//! The numbers by which a turn does one thing rather than another: what counts as little, and what as much.

/// Where a turn does one thing rather than another because there is little of something, or much.
///
/// None of them changes what clients may rely on. A simulation of short talks takes smaller ones, so that it comes
/// by all ways.
#[derive(Debug, Clone, Copy)]
pub struct Measures {
    /// What counts as little to receive, and as the start of more: some dozens of short messages.
    pub start_bytes: usize,
    /// What counts as a lot for a turn to receive: one that is part of a conversation receives less.
    pub much_bytes: usize,
    /// What counts as little of what somebody causes with a read: a few messages to a few others.
    pub little_steps: u64,
    /// Output is sent before the end of the turn when this much has gathered for each of its readers: the more one
    /// send takes, the less it costs.
    pub unflushed_per_reader: usize,
    /// Not before this much has gathered in all, though. A share of short messages makes a little less: cut in two it
    /// costs twice the sends.
    pub unflushed_bytes_min: usize,
    /// Output is sent before the end of the turn, however many its readers, when so much has gathered in all.
    pub unflushed_bytes_max: usize,
    /// A batch is sent before the end of the turn when this much has gathered for one shard: it begins on it
    /// while we go on, and finds it in a cache that both share.
    pub gathered_bytes_max: usize,
    /// Sends before others are heard, at some microseconds each. Fewer, and those who answer what they are sent are
    /// heard one by one: fan-out to a hundred readers costs twice as much with 16.
    pub sends_in_a_row_max: usize,
    /// Bytes sent before others are heard, at a tenth of a nanosecond each.
    pub bytes_in_a_row_max: usize,
}

impl Measures {
    /// Those of a server.
    pub const USUAL: Self = Self {
        start_bytes: 4 << 10,
        much_bytes: 32 << 10,
        little_steps: 16,
        unflushed_per_reader: 64 << 10,
        unflushed_bytes_min: 5 << 19,
        unflushed_bytes_max: 8 << 20,
        gathered_bytes_max: 128 << 10,
        sends_in_a_row_max: 128,
        bytes_in_a_row_max: 512 << 10,
    };
}
