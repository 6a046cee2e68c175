//! The files of a crate, and which of them import which.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::source::{Named, Source, child};

/// Names that are handed on are followed so far, so that two that name each other end.
const HANDED_ON_MAX: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Graph {
    files: Vec<File>,
    /// Which file each module stands in; the crate's root is the module without a name.
    modules: HashMap<String, usize>,
    /// What a `use` in a module gives a name to, by module and name.
    names: HashMap<(String, String), Named>,
    /// For each file those that it imports.
    imports: Vec<BTreeSet<usize>>,
}

#[derive(Debug)]
struct File {
    /// As in `src/a/b.rs`: `a/b.rs`.
    name: String,
    source: Source,
}

impl Graph {
    /// Reads the crate whose root file is `root`.
    pub(super) fn load(root: &Path) -> Result<Self> {
        let folder = root.parent().context("a root file without a folder")?;
        let read = |name: &str| match fs::read_to_string(folder.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading {name} in {}", folder.display())),
        };
        let name = root.file_name().context("a root file without a name")?;
        Self::read(&name.to_string_lossy(), &read).with_context(|| format!("{}", root.display()))
    }

    /// The same of files that `read` knows by their names.
    fn read(root: &str, read: &dyn Fn(&str) -> Result<Option<String>>) -> Result<Self> {
        let mut graph = Self::default();
        let mut open = vec![(String::new(), vec![root.to_owned()])];
        while let Some((module, places)) = open.pop() {
            let file = graph.files.len();
            let Some((name, text)) = first_of(places, read)? else { bail!("no file for module {module}") };
            let source = Source::read(&text, &module);
            graph.modules.insert(module, file);
            for declared in &source.modules {
                if declared.is_inline {
                    graph.modules.insert(declared.path.clone(), file);
                } else {
                    open.push((declared.path.clone(), places_of(&declared.path)));
                }
            }
            graph.files.push(File { name, source });
        }
        graph.connect();
        Ok(graph)
    }

    fn connect(&mut self) {
        for file in &self.files {
            for used in &file.source.uses {
                let place = (used.named.module.clone(), used.name.clone());
                self.names.insert(place, used.named.clone());
            }
        }
        self.imports = (0..self.files.len()).map(|file| self.imported(file)).collect();
    }

    fn imported(&self, file: usize) -> BTreeSet<usize> {
        const ROOT: usize = 0;
        let source = &self.files[file].source;
        let uses = source.uses.iter().filter(|used| file != ROOT || !used.is_public).map(|used| &used.named);
        let found = uses.chain(&source.paths).filter_map(|named| self.file_of(named, HANDED_ON_MAX));
        found.filter(|other| *other != file).collect()
    }

    /// Where what is named stands; `None` if that is in another crate.
    fn file_of(&self, named: &Named, handed_on: usize) -> Option<usize> {
        let (first, rest) = named.path.split_first()?;
        let mut at = self.first_module(&named.module, first)?;
        for (index, word) in rest.iter().enumerate() {
            if word == "super" {
                at = parent(&at).to_owned();
                continue;
            }
            let inner = child(&at, word);
            if self.modules.contains_key(&inner) {
                at = inner;
                continue;
            }
            let name = self.names.get(&(at.clone(), word.clone())).filter(|_| handed_on > 0);
            let behind = name.and_then(|name| {
                let path = name.path.iter().chain(&rest[index + 1..]).cloned().collect();
                self.file_of(&Named { module: name.module.clone(), path }, handed_on - 1)
            });
            return behind.or_else(|| self.modules.get(&at).copied());
        }
        self.modules.get(&at).copied()
    }

    /// The module that a path in `module` begins in.
    fn first_module(&self, module: &str, word: &str) -> Option<String> {
        match word {
            "crate" => Some(String::new()),
            "self" => Some(module.to_owned()),
            "super" => Some(parent(module).to_owned()),
            name => Some(child(module, name)).filter(|inner| self.modules.contains_key(inner)),
        }
    }

    pub(super) fn name(&self, file: usize) -> &str {
        &self.files[file].name
    }

    pub(super) fn imports(&self, file: usize) -> impl Iterator<Item = usize> {
        self.imports[file].iter().copied()
    }

    /// Files that import each other, two or more at a time, the most first; their files by name.
    pub(super) fn circles(&self) -> Vec<Vec<usize>> {
        let reached: Vec<BTreeSet<usize>> = (0..self.files.len()).map(|file| self.reached(file)).collect();
        let mut circles = BTreeSet::new();
        for file in 0..self.files.len() {
            let mut circle: Vec<usize> =
                reached[file].iter().copied().filter(|other| reached[*other].contains(&file)).collect();
            if circle.len() > 1 {
                circle.sort_by_key(|file| self.name(*file));
                circles.insert(circle);
            }
        }
        let mut circles: Vec<Vec<usize>> = circles.into_iter().collect();
        circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        circles
    }

    /// What `file` imports, directly and through others.
    fn reached(&self, file: usize) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut open = vec![file];
        while let Some(file) = open.pop() {
            open.extend(self.imports(file).filter(|other| reached.insert(*other)));
        }
        reached
    }
}

/// The first of `places` that there is, and its text.
fn first_of(
    places: Vec<String>,
    read: &dyn Fn(&str) -> Result<Option<String>>,
) -> Result<Option<(String, String)>> {
    for place in places {
        if let Some(text) = read(&place)? {
            return Ok(Some((place, text)));
        }
    }
    Ok(None)
}

/// Where the file of a module may be.
fn places_of(module: &str) -> Vec<String> {
    let path = PathBuf::from_iter(module.split("::"));
    vec![format!("{}.rs", path.display()), format!("{}/mod.rs", path.display())]
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(above, _)| above)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> Graph {
        let read = |name: &str| {
            let file = files.iter().find(|(one, _)| *one == name);
            Ok(file.map(|(_, text)| (*text).to_owned()))
        };
        Graph::read("lib.rs", &read).unwrap()
    }

    /// `a.rs > b.rs` for each import.
    fn imports(files: &[(&str, &str)]) -> Vec<String> {
        let graph = graph(files);
        let of = |file| graph.imports(file).map(move |other| (file, other));
        let all = (0..graph.files.len()).flat_map(of);
        let mut told: Vec<String> =
            all.map(|(file, other)| format!("{} > {}", graph.name(file), graph.name(other))).collect();
        told.sort();
        told
    }

    #[test]
    fn a_path_leads_to_the_innermost_module_that_it_names() {
        let found = imports(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod c; use crate::b::B;"),
            ("a/c.rs", "fn f() { super::g(); crate::b::Kind::One }"),
            ("b.rs", "mod inner { use super::X; fn f() { super::super::a::c::g() } }"),
        ]);
        assert_eq!(found, ["a.rs > b.rs", "a/c.rs > a.rs", "a/c.rs > b.rs", "b.rs > a/c.rs"]);
    }

    #[test]
    fn a_name_counts_for_the_file_it_comes_from() {
        let found = imports(&[
            ("lib.rs", "mod a; mod b; mod d; pub use a::A; pub use b::c::C;"),
            ("a.rs", "use crate::C;"),
            ("b.rs", "mod c; pub(crate) use c::D;"),
            ("b/c.rs", "use crate::{A, E};"),
            ("d.rs", "use crate::b::D;"),
        ]);
        // What the root hands on is not an import of its own; `E` is the root's.
        let expected =
            ["a.rs > b/c.rs", "b.rs > b/c.rs", "b/c.rs > a.rs", "b/c.rs > lib.rs", "d.rs > b/c.rs"];
        assert_eq!(found, expected);
    }

    #[test]
    fn other_crates_do_not_count_whatever_they_are_called() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use b::X; use std::fmt; fn f() { b::g() }"),
            ("b.rs", ""),
        ];
        assert!(imports(&files).is_empty(), "`b` without `crate` is a crate, as `a` has no such child");
        assert_eq!(imports(&[("lib.rs", "mod a; use a::A;"), ("a.rs", "pub use b::A;")]), ["lib.rs > a.rs"]);
    }

    #[test]
    fn names_that_name_each_other_come_to_an_end() {
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::X;"), ("b.rs", "use crate::a::X;")];
        assert_eq!(graph(&files).circles().len(), 1);
    }

    #[test]
    fn circles_are_told_apart_and_the_largest_comes_first() {
        let graph = graph(&[
            ("lib.rs", "mod a; mod b; mod c; mod d; mod e; mod f;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "use crate::a::A; use crate::c::C;"),
            ("c.rs", "use crate::d::D;"),
            ("d.rs", "use crate::e::E;"),
            ("e.rs", "use crate::c::C; use crate::f::F;"),
            ("f.rs", ""),
        ]);
        let names = |circle: &Vec<usize>| circle.iter().map(|file| graph.name(*file)).collect::<Vec<_>>();
        let circles: Vec<_> = graph.circles().iter().map(names).collect();
        assert_eq!(circles, [vec!["c.rs", "d.rs", "e.rs"], vec!["a.rs", "b.rs"]]);
    }

    #[test]
    fn a_module_may_have_a_folder_of_its_own_and_must_have_a_file() {
        let found = imports(&[("lib.rs", "mod a;"), ("a/mod.rs", "mod b;"), ("a/b.rs", "use crate::a::X;")]);
        assert_eq!(found, ["a/b.rs > a/mod.rs"]);
        let read = |name: &str| Ok((name == "lib.rs").then(|| "mod gone;".to_owned()));
        assert!(Graph::read("lib.rs", &read).unwrap_err().to_string().contains("gone"));
    }
}
