//! The functions that a destination may name, and what each does.

use super::TransformError;

/// What is done with the source tokens a destination token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Wildcard,
    Partition { buckets: i32 },
    Random { buckets: i32 },
    Split { at: Box<str> },
    SplitFromLeft { at: i32 },
    SplitFromRight { at: i32 },
    SliceFromLeft { size: i32 },
    SliceFromRight { size: i32 },
    Left { size: i32 },
    Right { size: i32 },
}

/// The functions of a wildcard and a number.
type OfNumber = fn(i32) -> Function;
const OF_NUMBER: [(&str, OfNumber); 6] = [
    ("splitFromLeft", |at| Function::SplitFromLeft { at }),
    ("splitFromRight", |at| Function::SplitFromRight { at }),
    ("sliceFromLeft", |size| Function::SliceFromLeft { size }),
    ("sliceFromRight", |size| Function::SliceFromRight { size }),
    ("left", |size| Function::Left { size }),
    ("right", |size| Function::Right { size }),
];

impl Function {
    /// Reads a token, if it is a function, with the numbers of the wildcards it names.
    pub(super) fn read(token: &str) -> Result<Option<(Self, Vec<i64>)>, TransformError> {
        if let Some(number) = token.strip_prefix('$') {
            // Subjects may begin with `$` for other reasons.
            return Ok(number.parse().ok().map(|number| (Self::Wildcard, vec![number])));
        }
        let Some(call) = token.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) else {
            return Ok(None);
        };
        if call.is_empty() {
            return Ok(None);
        }
        let unknown = || TransformError::UnknownFunction(token.to_owned());
        let (name, args) = call
            .trim()
            .split_once('(')
            .and_then(|(name, rest)| Some((name.trim_end(), rest.strip_suffix(')')?)))
            .ok_or_else(unknown)?;
        let args: Vec<&str> = args
            .split(',')
            .enumerate()
            .map(|(at, arg)| if at == 0 { arg } else { arg.trim_start() })
            .collect();
        Self::of_call(token, name, &args)?.map(Some).ok_or_else(unknown)
    }

    fn of_call(token: &str, name: &str, args: &[&str]) -> Result<Option<(Self, Vec<i64>)>, TransformError> {
        let bad = || TransformError::BadArgument(token.to_owned());
        let number = |arg: &str| arg.trim_matches(' ').parse::<i64>().map_err(|_| bad());
        let buckets = |arg: &str| number(arg).and_then(|it| i32::try_from(it).map_err(|_| bad()));
        let takes = |count: usize| match args.len() {
            given if given < count => Err(TransformError::NotEnoughArguments(token.to_owned())),
            given if given > count => Err(TransformError::TooManyArguments(token.to_owned())),
            _ => Ok(()),
        };
        if is_named(name, "wildcard") {
            if args == [""] {
                return Err(TransformError::NotEnoughArguments(token.to_owned()));
            }
            takes(1)?;
            return Ok(Some((Self::Wildcard, vec![number(args[0])?])));
        }
        if is_named(name, "partition") {
            let buckets = buckets(args[0])?;
            let numbers = args[1..].iter().map(|arg| number(arg)).collect::<Result<_, _>>()?;
            return Ok(Some((Self::Partition { buckets }, numbers)));
        }
        if is_named(name, "random") {
            takes(1).map_err(|_| TransformError::NotEnoughArguments(token.to_owned()))?;
            return Ok(Some((Self::Random { buckets: buckets(args[0])? }, Vec::new())));
        }
        if is_named(name, "split") {
            takes(2)?;
            let wildcard = number(args[0])?;
            if args[1].contains([' ', '.']) {
                return Err(bad());
            }
            return Ok(Some((Self::Split { at: args[1].into() }, vec![wildcard])));
        }
        let Some((_, make)) = OF_NUMBER.iter().find(|(known, _)| is_named(name, known)) else {
            return Ok(None);
        };
        takes(2)?;
        let wildcard = number(args[0])?;
        Ok(Some((make(buckets(args[1])?), vec![wildcard])))
    }

    /// Appends what becomes of the named tokens of a subject.
    pub(super) fn apply<'t>(
        &self,
        subject: &[u8],
        mut named: impl ExactSizeIterator<Item = &'t [u8]>,
        random: &mut impl FnMut() -> u32,
        into: &mut Vec<u8>,
    ) {
        match self {
            Self::Partition { buckets } => {
                let hash =
                    if named.len() == 0 { partition_hash(subject) } else { partition_hash(named.flatten()) };
                // A negative count is taken as the number with the same bits, as nats-server does.
                let bucket = hash.checked_rem(*buckets as u32).unwrap_or(0);
                return into.extend_from_slice(bucket.to_string().as_bytes());
            }
            Self::Random { buckets } => {
                let bucket = (random() >> 1).checked_rem(buckets.unsigned_abs()).unwrap_or(0);
                return into.extend_from_slice(bucket.to_string().as_bytes());
            }
            _ => {}
        }
        let token = named.next().unwrap_or_default();
        let cut = |at: i32| usize::try_from(at).ok().filter(|at| (1..token.len()).contains(at));
        match self {
            Self::Split { at } => split(token, at.as_bytes(), into),
            Self::SplitFromLeft { at } => match cut(*at) {
                Some(at) => join([&token[..at], &token[at..]], into),
                None => into.extend_from_slice(token),
            },
            Self::SplitFromRight { at } => match cut(*at) {
                Some(at) => join([&token[..token.len() - at], &token[token.len() - at..]], into),
                None => into.extend_from_slice(token),
            },
            Self::SliceFromLeft { size } => match cut(*size) {
                Some(size) => join(token.chunks(size), into),
                None => into.extend_from_slice(token),
            },
            Self::SliceFromRight { size } => match cut(*size) {
                Some(size) => join(token.rchunks(size).rev(), into),
                None => into.extend_from_slice(token),
            },
            Self::Left { size } => into.extend_from_slice(&token[..cut(*size).unwrap_or(token.len())]),
            Self::Right { size } => {
                into.extend_from_slice(&token[cut(*size).map_or(0, |size| token.len() - size)..]);
            }
            Self::Wildcard | Self::Partition { .. } | Self::Random { .. } => into.extend_from_slice(token),
        }
    }
}

/// Whether `given` is `name` with the first letter of each word in either case.
fn is_named(given: &str, name: &str) -> bool {
    let is_start = |at: usize, letter: u8| at == 0 || letter.is_ascii_uppercase();
    given.len() == name.len()
        && given.bytes().zip(name.bytes()).enumerate().all(|(at, (given, letter))| {
            given == letter || (is_start(at, letter) && given.eq_ignore_ascii_case(&letter))
        })
}

fn join<'t>(pieces: impl IntoIterator<Item = &'t [u8]>, into: &mut Vec<u8>) {
    for (at, piece) in pieces.into_iter().enumerate() {
        if at > 0 {
            into.push(b'.');
        }
        into.extend_from_slice(piece);
    }
}

/// The pieces between each `at`, without empty ones. A dot comes before each piece but the first two
/// places, so that only text which begins with `at` twice begins with a dot.
fn split(token: &[u8], at: &[u8], into: &mut Vec<u8>) {
    let pieces = pieces(token, at);
    for (place, piece) in pieces.iter().enumerate() {
        into.extend_from_slice(piece);
        let opens = place == 0 && piece.is_empty();
        if !opens && pieces.get(place + 1).is_some_and(|next| !next.is_empty()) {
            into.push(b'.');
        }
    }
}

/// The text cut at each `at`; at each character if that is empty.
fn pieces<'t>(token: &'t [u8], at: &[u8]) -> Vec<&'t [u8]> {
    let mut pieces = Vec::new();
    if at.is_empty() {
        for chunk in token.utf8_chunks() {
            let characters = chunk.valid().char_indices();
            pieces.extend(characters.map(|(from, c)| &chunk.valid().as_bytes()[from..from + c.len_utf8()]));
            pieces.extend(chunk.invalid().chunks(1));
        }
        return pieces;
    }
    let mut rest = token;
    while let Some(found) = rest.windows(at.len()).position(|window| window == at) {
        pieces.push(&rest[..found]);
        rest = &rest[found + at.len()..];
    }
    pieces.push(rest);
    pieces
}

/// What `partition` counts a message's bucket from: FNV-1a of 32 bits.
pub fn partition_hash<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.into_iter().fold(0x811C_9DC5, step)
}
