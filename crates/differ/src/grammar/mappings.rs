//! Subjects that become others on the way, and what the functions of mappings make of them.

use crate::script::Script;
use seeded::Random;

use super::talk::{self, Hello, Talk};

pub(crate) fn script(random: &mut Random) -> Script {
    let mut talk = Talk::new(random);
    let config = config(talk.random);
    for conn in 0..2 {
        talk.connect(conn, &Hello { is_modern: true, ..Hello::default() });
    }
    talk.send(0, "SUB > 1\r\n");
    for _ in 0..talk.random.size(2, 10) {
        let conn = talk.random.size(0, 1);
        let bytes: String = (0..talk.random.size(1, 4)).map(|_| op(&mut talk)).collect();
        talk.send(conn, bytes);
    }
    talk.script(config)
}

/// No two sources overlap: nats-server tries them in any order.
const SOURCES: [(&str, usize); 10] = [
    ("m.one", 0),
    ("m.one.two", 0),
    ("x.*", 1),
    ("x.*.k", 1),
    ("y.*.*", 2),
    ("y.*.*.*", 3),
    ("z.>", 0),
    ("w.*.>", 1),
    ("v.*.mid.*", 2),
    ("u.a.*", 1),
];

/// A configuration with some mappings.
pub(crate) fn config(random: &mut Random) -> String {
    let mut text = "mappings {\n".to_owned();
    for (source, wildcards) in random.some_of(50, &SOURCES) {
        let ends_open = source.ends_with('>');
        let destination = destination(random, wildcards, ends_open);
        match random.size(0, 3) {
            0 => text += &format!("  \"{source}\": [ {{ destination: \"{destination}\", weight: 100% }} ]\n"),
            1 => text += &format!("  \"{source}\": {{ destination: \"{destination}\" , weight: 100 }}\n"),
            _ => text += &format!("  \"{source}\": \"{destination}\"\n"),
        }
    }
    text + "}\n"
}

fn destination(random: &mut Random, wildcards: usize, ends_open: bool) -> String {
    let mut tokens = vec![random.pick(&["d", "to", "m"]).to_owned()];
    for wildcard in 1..=wildcards {
        let token = match random.size(0, 9) {
            0..=3 => format!("{{{{wildcard({wildcard})}}}}"),
            4..=5 => format!("${wildcard}"),
            _ => {
                let function = random.pick(&FUNCTIONS);
                function.replace('#', &wildcard.to_string())
            }
        };
        let at = random.size(1, tokens.len());
        tokens.insert(at, token);
    }
    if random.chance(30) {
        tokens.push("end".to_owned());
    }
    if ends_open {
        tokens.push(">".to_owned());
    }
    tokens.join(".")
}

const FUNCTIONS: [&str; 11] = [
    "{{partition(4,#)}}",
    "{{Partition(10, #)}}",
    "{{split(#,-)}}",
    "{{Split(#,x)}}",
    "{{splitfromleft(#,2)}}",
    "{{splitFromRight(#,2)}}",
    "{{slicefromleft(#,2)}}",
    "{{SliceFromRight(#,3)}}",
    "{{ wildcard( # ) }}",
    "{{wildcard(#)}}",
    "{{splitfromleft(#,9)}}",
];

fn op(talk: &mut Talk<'_>) -> String {
    match talk.random.size(0, 9) {
        0..=6 => {
            let subject = mapped(talk.random);
            let reply = talk.random.chance(30).then(|| mapped(talk.random));
            talk.publish(&subject, reply.as_deref())
        }
        7 => {
            let subject = mapped(talk.random);
            talk.hpublish(&subject, None, "NATS/1.0\r\nA: b\r\n\r\n")
        }
        8 => {
            let filter = mapped(talk.random);
            talk.subscribe(&filter)
        }
        _ => {
            let subject = talk::subject(talk.random);
            talk.publish(&subject, None)
        }
    }
}

/// A subject that some source may match.
fn mapped(random: &mut Random) -> String {
    let (source, _) = random.pick(&SOURCES);
    let mut tokens: Vec<String> = Vec::new();
    for token in source.split('.') {
        match token {
            "*" => tokens.push(random.pick(&VALUES).to_owned()),
            ">" => tokens.extend((0..random.size(1, 2)).map(|_| random.pick(&VALUES).to_owned())),
            plain => tokens.push(plain.to_owned()),
        }
    }
    tokens.join(".")
}

const VALUES: [&str; 14] =
    ["a", "b", "abc", "a-b", "a-b-c", "-a", "a-", "--", "-", "xaxbx", "12345", "\u{e9}\u{e8}", "*", ">"];
