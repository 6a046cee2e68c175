//! Whether a stream goes with those that it takes messages from, as the directory knows them. What is wrong is said in
//! nats-server's order and words.

use std::collections::{BTreeSet, VecDeque};

use js_proto::{ApiError, StreamConfig, StreamSource, errors};
use subject_trie::filters_overlap;

use crate::kin::{Kin, Tie};
use crate::letters::Extent;
use crate::link_request;
use crate::stream_directory::StreamDirectory;

/// Streams that a stream may take messages from, also by others, so that it is looked at all of them.
const VISITED_MAX: usize = 10_000;

/// What one is told that takes messages from where no request goes.
fn not_served(prefix: &str) -> ApiError {
    let prefix = nats_proto::quote(prefix.as_bytes());
    errors::STREAM_INVALID_CONFIG.with(&[&format_args!(
        "stream external api prefix {prefix} is not served: the account imports no such service"
    )])
}

/// What the origin of a mirror says of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// Whether its messages can be got directly, if it is there.
    pub(crate) mirror_direct: Option<bool>,
}

/// Whether a stream that is settled goes with others of its account, on a server of that domain. Requests for streams of
/// other accounts go to subjects that are `imported`.
pub(crate) fn check(
    directory: &StreamDirectory,
    account: usize,
    config: &StreamConfig,
    domain: &str,
    imported: &dyn Fn(&[u8]) -> bool,
    is_pedantic: bool,
) -> Result<Inherited, ApiError> {
    let find = |name: &str| directory.find(account, name).map(|entry| &entry.extent);
    let mut inherited = Inherited::default();
    let mut subjects = Vec::new();
    if let Some(origin) = config
        .mirror
        .as_ref()
        .filter(|mirror| mirror.external.is_none())
        .and_then(|mirror| find(&mirror.name))
    {
        subjects.extend(&origin.subjects);
        check_size(config, origin, &errors::MIRROR_MAX_MESSAGE_SIZE_TOO_BIG)?;
        let is_direct = origin.kin.is_direct;
        if is_pedantic && config.mirror_direct != is_direct {
            let reason = "origin stream has direct get set, mirror has it disabled";
            return Err(errors::PEDANTIC.with(&[&reason]));
        }
        inherited.mirror_direct = Some(is_direct);
    }
    for source in config.sources.iter().filter(|source| source.external.is_none()) {
        let Some(origin) = find(&source.name) else { continue };
        subjects.extend(&origin.subjects);
        check_size(config, origin, &errors::SOURCE_MAX_MESSAGE_SIZE_TOO_BIG)?;
    }
    for source in config.mirror.iter().chain(&config.sources) {
        check_external(source, &subjects, domain, imported)?;
    }
    check_circle(config, &find)?;
    Ok(inherited)
}

fn check_size(config: &StreamConfig, origin: &Extent, error: &js_proto::KnownError) -> Result<(), ApiError> {
    let (own, there) = (config.max_msg_size, origin.kin.max_msg_size);
    if own > 0 && there > 0 && own < there { Err(error.error()) } else { Ok(()) }
}

/// What is elsewhere has to be on this server after all or in an account of which the API is imported, and no subject may
/// be taken for one that is delivered.
fn check_external(
    source: &StreamSource,
    subjects: &[&String],
    domain: &str,
    imported: &dyn Fn(&[u8]) -> bool,
) -> Result<(), ApiError> {
    let Some(external) = &source.external else { return Ok(()) };
    let prefix = &external.deliver;
    if !prefix.is_empty()
        && let Some(subject) =
            subjects.iter().find(|subject| overlap(subject, &format!("{prefix}.{subject}")))
    {
        return Err(errors::STREAM_EXTERNAL_DEL_PREFIX_OVERLAPS.with(&[prefix, subject]));
    }
    let is_here = !domain.is_empty() && external.api == format!("$JS.{domain}.API");
    let asked = || link_request::api(source, &format!("CONSUMER.CREATE.{}", source.name));
    if is_here || imported(asked().as_bytes()) { Ok(()) } else { Err(not_served(&external.api)) }
}

/// Whether messages of the stream come back to it.
fn check_circle<'d>(
    config: &StreamConfig,
    find: &impl Fn(&str) -> Option<&'d Extent>,
) -> Result<(), ApiError> {
    let circle = || Err(errors::STREAM_INVALID_CONFIG.with(&[&"detected cycle"]));
    let kin = Kin::of(config);
    let mut to_visit = VecDeque::from([(&config.subjects, &kin)]);
    let mut visited = BTreeSet::new();
    while let Some((subjects, kin)) = to_visit.pop_front() {
        // As nats-server has it, what is taken is held against the subjects of who takes it.
        let comes_back =
            |tie: &Tie| tie.filter.is_empty() || subjects.iter().any(|subject| overlap(subject, &tie.filter));
        let mirror = kin.mirror.iter().map(|tie| (tie, true));
        for (tie, is_mirror) in kin.sources.iter().map(|tie| (tie, false)).chain(mirror) {
            if tie.is_elsewhere {
                continue;
            }
            if tie.stream == config.name {
                if is_mirror || comes_back(tie) {
                    return circle();
                }
            } else if visited.insert(tie.stream.as_str())
                && let Some(extent) = find(&tie.stream)
            {
                if visited.len() > VISITED_MAX {
                    return circle();
                }
                to_visit.push_back((&extent.subjects, &extent.kin));
            }
        }
    }
    Ok(())
}

fn overlap(one: &str, other: &str) -> bool {
    one == other || filters_overlap(one.as_bytes(), other.as_bytes())
}

#[cfg(test)]
mod tests {
    use fabric::ShardId;
    use js_proto::ExternalStream;

    use super::*;
    use crate::letters::NameState;

    fn source(name: &str, filter: &str) -> StreamSource {
        StreamSource { name: name.into(), filter_subject: filter.into(), ..StreamSource::default() }
    }

    fn stream(name: &str, subject: &str, sources: &[(&str, &str)]) -> StreamConfig {
        StreamConfig {
            name: name.into(),
            subjects: vec![subject.into()],
            sources: sources.iter().map(|(name, filter)| source(name, filter)).collect(),
            ..StreamConfig::default()
        }
    }

    fn directory(streams: &[StreamConfig]) -> StreamDirectory {
        let mut directory = StreamDirectory::new(1);
        for config in streams {
            let extent =
                Extent { subjects: config.subjects.clone(), kin: Kin::of(config), ..Extent::default() };
            directory.settle(1, &config.name, ShardId(0), NameState::There(extent));
        }
        directory
    }

    fn refusal(directory: &StreamDirectory, config: &StreamConfig) -> Option<String> {
        check(directory, 1, config, "hub", &|subject| subject.starts_with(b"FAR.API."), false)
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn what_would_come_back_is_refused_however_long_the_way_is() {
        let directory = directory(&[
            stream("B", "b", &[("A", "")]),
            stream("C", "c", &[("B", "")]),
            StreamConfig { mirror: Some(source("C", "")), ..stream("M", "m", &[]) },
        ]);
        for (origin, refused) in [("B", true), ("C", true), ("M", true), ("D", false)] {
            let told = refusal(&directory, &stream("A", "a", &[(origin, "")]));
            assert_eq!(told.is_some_and(|told| told.contains("detected cycle")), refused, "{origin}");
        }
        // As nats-server has it: held against the subjects of the stream that takes them.
        assert!(refusal(&directory, &stream("A", "a", &[("B", "z")])).is_some(), "B takes all of A");
        assert_eq!(
            refusal(&directory, &stream("X", "x", &[("B", ""), ("C", "")])),
            None,
            "two ways are no circle"
        );
    }

    #[test]
    fn a_mirror_inherits_whether_messages_are_got_directly() {
        let origin = StreamConfig { allow_direct: true, max_msg_size: 10, ..stream("O", "o", &[]) };
        let directory = directory(&[origin]);
        let mirror = |name: &str| StreamConfig { mirror: Some(source(name, "")), ..StreamConfig::default() };
        let told = |config: &StreamConfig, pedantic| check(&directory, 1, config, "", &|_| false, pedantic);
        assert_eq!(told(&mirror("O"), false), Ok(Inherited { mirror_direct: Some(true) }));
        assert_eq!(told(&mirror("N"), true), Ok(Inherited::default()));
        assert_eq!(told(&mirror("O"), true).unwrap_err().err_code, 10157);
        let small = StreamConfig { max_msg_size: 9, ..mirror("O") };
        assert_eq!(told(&small, false).unwrap_err().err_code, 10030);
        let small = StreamConfig { max_msg_size: 9, ..stream("S", "s", &[("O", "")]) };
        assert_eq!(told(&small, false).unwrap_err().err_code, 10046);
    }

    #[test]
    fn what_is_elsewhere_is_refused_by_name_unless_it_is_here() {
        let external = |api: &str, deliver: &str| StreamConfig {
            sources: vec![StreamSource {
                external: Some(ExternalStream { api: api.into(), deliver: deliver.into() }),
                ..source("O", "")
            }],
            ..stream("S", "s", &[("O", "")])
        };
        let directory = directory(&[stream("O", "*.x", &[])]);
        assert_eq!(refusal(&directory, &external("$JS.hub.API", "d.e")), None);
        assert_eq!(refusal(&directory, &external("FAR.API", "far")), None);
        let told = refusal(&directory, &external("$JS.x.API", "")).unwrap_or_default();
        assert!(told.contains(r#"external api prefix "$JS.x.API" is not served"#), "{told}");
    }
}
