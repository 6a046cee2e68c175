//! Any tree, written in any of the ways the grammar has for it, reads as that tree.

use std::collections::BTreeMap;

use nats_conf::{Data, Date, Map, Sources, Value, parse_file};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Date(Date),
    Array(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

proptest! {
    #[test]
    fn a_tree_reads_as_it_was_written(root in keys(tree()), choices in vec(any::<u8>(), 1..200)) {
        let mut writer = Writer { choices: choices.iter().cycle(), files: BTreeMap::new(), names: 0 };
        let mut text = String::new();
        writer.document(&mut text, &root);
        let mut files = writer.files;
        files.insert("main".into(), text.clone());
        let read = |path: &str| files.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| path.to_owned());
        let map = parse_file("main", &Sources { read: &read, ..Sources::NONE });
        let map = map.map_err(|error| TestCaseError::fail(format!("{error}\n{files:?}")))?;
        prop_assert_eq!(tree_of(&map), root, "{}", text);
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        text().prop_map(Tree::Text),
        any::<i64>().prop_map(Tree::Integer),
        (-1000_i64..1000, prop::sample::select(vec![1, 1000, 1024, 1 << 20, 1 << 40, 1_000_000_000]))
            .prop_map(|(number, unit)| Tree::Integer(number * unit)),
        (-1_000_000_i32..1_000_000).prop_map(|number| Tree::Float(f64::from(number) / 64.0)),
        any::<bool>().prop_map(Tree::Bool),
        (0..10_000_u16, 1..13_u8, 1..29_u8, 0..24_u8, 0..60_u8, 0..60_u8).prop_map(
            |(year, month, day, hour, minute, second)| Tree::Date(Date {
                year,
                month,
                day,
                hour,
                minute,
                second
            })
        ),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![vec(inner.clone(), 0..6).prop_map(Tree::Array), keys(inner).prop_map(Tree::Map)]
    })
}

fn keys(inner: impl Strategy<Value = Tree>) -> impl Strategy<Value = BTreeMap<String, Tree>> {
    btree_map(prop_oneof!["[a-z_]{1,8}", "[ -&(-~]{1,6}", "[ -!#-~]{1,6}", "include"], inner, 0..6)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z.*>$/_]{0,12}",
        "[ -~\\t\\n\\r]{0,20}",
        "\\PC{0,8}",
        "\\n[a-z)]{0,4}\\n",
        "true|Off|yes|\\$2a\\$11\\$x"
    ]
}

/// Writes trees, choosing among spellings.
struct Writer<'c> {
    choices: std::iter::Cycle<std::slice::Iter<'c, u8>>,
    files: BTreeMap<String, String>,
    /// How many variables and files have names.
    names: usize,
}

impl Writer<'_> {
    fn one_of<'a>(&mut self, options: &[&'a str]) -> &'a str {
        let choice = *self.choices.next().expect("there is a choice, again and again");
        options[usize::from(choice) % options.len()]
    }

    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn document(&mut self, out: &mut String, map: &BTreeMap<String, Tree>) {
        match self.one_of(&["", "", "{"]) {
            "{" => {
                *out += self.one_of(&["{", "\n{\n ", "{ # JSON\n"]);
                self.entries(out, map);
                *out += self.one_of(&["}", "}\n", "}// end"]);
            }
            _ => self.entries(out, map),
        }
    }

    fn entries(&mut self, out: &mut String, map: &BTreeMap<String, Tree>) {
        for (key, tree) in map {
            *out += self.one_of(&["", " ", "\n", "# note\n", "// note: { [\r\n", "\t"]);
            if self.one_of(&["", "", "", "", "include"]) == "include" {
                self.include(out, key, tree);
                continue;
            }
            let value = self.value(out, tree);
            self.entry(out, key, &value);
        }
    }

    fn entry(&mut self, out: &mut String, key: &str, value: &str) {
        self.key(out, key);
        *out += self.one_of(&[":", " =", " : ", "= ", " ", "\t"]);
        *out += value;
        let ends = if value.ends_with(")") {
            &["\n"][..]
        } else {
            &["\n", ",", " ;", " # note\n", ", // note\n", "\r\n"]
        };
        *out += self.one_of(ends);
    }

    /// The entry moves to a file of its own.
    fn include(&mut self, out: &mut String, key: &str, tree: &Tree) {
        let mut text = String::new();
        let value = self.value(&mut text, tree);
        self.entry(&mut text, key, &value);
        let name = self.name("file");
        *out += self.one_of(&["include ", "INCLUDE\t"]);
        *out += &self.one_of(&["@\n", "'@'\n", "\"./@\"\n", "./x/../@\n"]).replace('@', &name);
        self.files.insert(name, text);
    }

    fn key(&mut self, out: &mut String, key: &str) {
        let plain = key.chars().all(|c| c.is_ascii_lowercase() || c == '_') && key != "include";
        match self.one_of(&["bare", "'", "\""]) {
            "bare" if plain => *out += key,
            "'" if !key.contains('\'') => *out += &format!("'{key}'"),
            _ if !key.contains('"') => *out += &format!("\"{key}\""),
            // Keys know no escapes, so none with both kinds of quotes is generated.
            _ => *out += &format!("'{key}'"),
        }
    }

    /// The text of a value; what must stand before it goes to `before`.
    fn value(&mut self, before: &mut String, tree: &Tree) -> String {
        let value = match tree {
            Tree::Text(text) => self.text(text),
            Tree::Integer(number) => self.integer(*number),
            Tree::Float(number) => format!("{number:.6}"),
            Tree::Bool(true) => self.one_of(&["true", "Yes", "ON"]).into(),
            Tree::Bool(false) => self.one_of(&["FALSE", "no", "off"]).into(),
            Tree::Date(date) => date.to_string(),
            Tree::Array(trees) => self.array(before, trees),
            Tree::Map(map) => {
                let mut out = String::from(self.one_of(&["{", "{ ", "{\n"]));
                self.entries(&mut out, map);
                out + self.one_of(&["}", " }", "\n}"])
            }
        };
        if self.one_of(&["", "", "", "", "", "$"]) != "$" {
            return value;
        }
        let name = self.name(VARIABLE);
        self.entry(before, &name, &value);
        format!("${name}")
    }

    fn array(&mut self, before: &mut String, trees: &[Tree]) -> String {
        let mut out = String::from(self.one_of(&["[", "[ ", "[\n", "[ # note\n"]));
        for (place, tree) in trees.iter().enumerate() {
            let value = self.value(before, tree);
            out += &value;
            if value.ends_with(')') {
                // A block ends with its line, and so does the array's element.
                out.push('\n');
            } else if place + 1 < trees.len() {
                out += self.one_of(&[", ", "\n", " ,\n", " // note\n", ","]);
            }
        }
        out + self.one_of(&["]", " ]", "\n]", " #]\n]"])
    }

    fn integer(&mut self, number: i64) -> String {
        let units: [(&[&str], i64); 4] = [
            (&["k", "K"], 1000),
            (&["kb", "Ki", "KIB"], 1024),
            (&["m", "M"], 1_000_000),
            (&["gb", "Gi", "giB"], 1 << 30),
        ];
        for (names, unit) in units {
            if number % unit == 0 && self.one_of(&["", "unit"]) == "unit" {
                return format!("{}{}", number / unit, self.one_of(names));
            }
        }
        number.to_string()
    }

    fn text(&mut self, text: &str) -> String {
        let first =
            text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '*' | '>'));
        let word = text.chars().all(|c| c.is_ascii_alphanumeric() || ".*>$/_".contains(c));
        let truth = ["true", "false", "yes", "no", "on", "off"].contains(&&*text.to_lowercase());
        let block =
            text.len() > 1 && text.starts_with('\n') && text.ends_with('\n') && !text.contains("\n)\n");
        match self.one_of(&["bare", "'", "\"", "("]) {
            "bare" if first && word && !truth || text.starts_with("$2a$") => text.into(),
            "(" if block => format!("({text})"),
            "'" if !text.contains('\'') => format!("'{text}'"),
            _ => self.escaped(text),
        }
    }

    fn escaped(&mut self, text: &str) -> String {
        let mut out = String::from("\"");
        for c in text.chars() {
            match c {
                '"' => out += "\\\"",
                '\\' => out += "\\\\",
                '\n' => out += self.one_of(&["\\n", "\n", "\\x0a"]),
                '\t' => out += self.one_of(&["\\t", "\t", "\\x09"]),
                '\r' => out += self.one_of(&["\\r", "\r", "\\x0D"]),
                c => out.push(c),
            }
        }
        out + "\""
    }
}

/// What the names of keys begin with that only serve as variables.
const VARIABLE: &str = "variable_";

fn tree_of(map: &Map) -> BTreeMap<String, Tree> {
    let own = map.iter().filter(|entry| !entry.used_as_variable);
    own.map(|entry| (entry.key.clone(), tree_of_value(&entry.value))).collect()
}

fn tree_of_value(value: &Value) -> Tree {
    match &value.data {
        Data::String(text) => Tree::Text(text.clone()),
        Data::Integer(number) => Tree::Integer(*number),
        Data::Float(number) => Tree::Float(*number),
        Data::Bool(truth) => Tree::Bool(*truth),
        Data::Date(date) => Tree::Date(*date),
        Data::Array(values) => Tree::Array(values.iter().map(tree_of_value).collect()),
        Data::Map(map) => Tree::Map(tree_of(map)),
    }
}
