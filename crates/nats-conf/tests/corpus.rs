//! Real-looking configuration files, and what nats-server makes of them (`testdata/README.md`).

use std::fs;
use std::path::{Path, PathBuf};

use nats_conf::{ConfError, Data, Map, Sources, Value, parse_file};

const VARIABLES: [(&str, &str); 11] = [
    ("NATS_HOST", "b.example.org"),
    ("NATS_NUMBER", "22"),
    ("NATS_SIZE", "2MB"),
    ("NATS_WORDS", "[x, \"y z\", 3 ]"),
    ("NATS_MAP", "{ k: v, n { m: no } }"),
    ("NATS_CHAIN", "$NATS_NUMBER"),
    ("NATS_EMPTY", ""),
    ("NATS_QUOTED", "'3 x'"),
    ("NATS_CYCLE", "$NATS_CIRCLE"),
    ("NATS_CIRCLE", "$NATS_CYCLE"),
    ("NATS_BROKEN", "[1"),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// Reads a file as if its folder were the working directory.
fn read(folder: &Path, name: &str) -> Result<Map, ConfError> {
    let read = |path: &str| {
        fs::read(folder.join(path)).map_err(|_| format!("open {path}: no such file or directory"))
    };
    let env =
        |name: &str| VARIABLES.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    parse_file(name, &Sources { read: &read, env: &env })
}

/// The names of a folder's configuration files.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".conf")).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

fn beside(folder: &Path, name: &str, extension: &str) -> String {
    let path = folder.join(name).with_extension(extension);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn good_files_become_the_trees_nats_server_sees() {
    let good = folder("good");
    for name in names(&good) {
        assert_eq!(read(&good, &name).expect(&name).to_json(), beside(&good, &name, "json"), "{name}");
    }
    let include = folder("good/include");
    let tree = read(&include, "main.conf").expect("includes are read");
    assert_eq!(tree.to_json(), beside(&include, "main.conf", "json"));
}

#[test]
fn bad_files_are_refused_where_and_as_nats_server_refuses_them() {
    let bad = folder("bad");
    for name in names(&bad) {
        let error = read(&bad, &name).expect_err(&name);
        assert_eq!(format!("{error}\n"), beside(&bad, &name, "txt"), "{name}");
        assert_eq!(&*error.position().expect("it is in the file").file, name);
    }
}

#[test]
fn keys_stand_where_nats_server_says() {
    let places = folder("places");
    let mut bogus = String::new();
    list_bogus(&read(&places, "unknown.conf").unwrap(), &mut bogus);
    assert_eq!(bogus, beside(&places, "unknown.conf", "txt"));
}

/// Lists the keys whose names tell that nobody knows them.
fn list_bogus(map: &Map, out: &mut String) {
    for entry in map {
        if entry.key.to_lowercase().starts_with("bogus") {
            *out += &format!("{}\n", entry.unknown_field());
        }
        list_bogus_in(&entry.value, out);
    }
}

fn list_bogus_in(value: &Value, out: &mut String) {
    match &value.data {
        Data::Map(map) => list_bogus(map, out),
        Data::Array(values) => values.iter().for_each(|value| list_bogus_in(value, out)),
        _ => {}
    }
}

#[test]
fn array_elements_stand_where_nats_server_says() {
    let tree = read(&folder("places"), "elements.conf").unwrap();
    let users = tree.get("authorization").unwrap().as_map().unwrap().get("users").unwrap();
    let places = users.as_array().unwrap().iter().map(|user| {
        let place = &user.position;
        (place.line, place.column, user.data.type_name())
    });
    let expected = [
        (1, 25, Data::INTEGER),
        (1, 28, Data::STRING),
        (2, 6, Data::STRING),
        (2, 15, Data::INTEGER),
        (4, 3, Data::STRING),
        (5, 3, Data::ARRAY),
        (6, 4, Data::MAP),
        (8, 7, Data::STRING),
        (9, 2, Data::BOOL),
        (9, 7, Data::FLOAT),
    ];
    assert_eq!(places.collect::<Vec<_>>(), expected);
}
