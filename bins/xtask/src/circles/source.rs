//! What the text of one file declares and names.

use super::lex::{Token, tokens};

#[derive(Debug, Default, PartialEq)]
pub(super) struct Source {
    /// Modules that the file declares, those in files of their own and those in braces.
    pub(super) modules: Vec<Declared>,
    pub(super) uses: Vec<Used>,
    /// Other paths with `::` in them.
    pub(super) paths: Vec<Named>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Declared {
    /// From the crate's root: `a::b`.
    pub(super) path: String,
    pub(super) is_inline: bool,
}

#[derive(Debug, PartialEq)]
pub(super) struct Used {
    pub(super) named: Named,
    /// The name that it has here.
    pub(super) name: String,
    pub(super) is_public: bool,
}

/// A path as it stands in the text, and the module it stands in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub(super) module: String,
    pub(super) path: Vec<String>,
}

impl Source {
    /// Reads the text of the file that is module `module`.
    pub(super) fn read(text: &str, module: &str) -> Self {
        let mut reader =
            Reader { tokens: &tokens(text), modules: vec![(0, module.to_owned())], ..Reader::default() };
        while let Some(token) = reader.next() {
            reader.on_token(token);
        }
        reader.source
    }
}

/// The module `name` within `module`.
pub(super) fn child(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

/// Words that an item begins with, so that a comma does not end it.
const ITEM_WORDS: [&str; 15] = [
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "macro_rules",
    "mod",
    "pub",
    "static",
    "struct",
    "trait",
    "type",
    "unsafe",
    "use",
];

#[derive(Default)]
struct Reader<'t> {
    tokens: &'t [Token<'t>],
    source: Source,
    depth: usize,
    /// The modules in braces that are open, and the file's own below: how deep their insides are.
    modules: Vec<(usize, String)>,
    is_public: bool,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<Token<'t>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(*first)
    }

    fn take(&mut self, token: Token<'_>) -> bool {
        let is_next = self.tokens.first() == Some(&token);
        if is_next {
            self.tokens = &self.tokens[1..];
        }
        is_next
    }

    fn module(&self) -> String {
        self.modules.last().map(|(_, path)| path.clone()).unwrap_or_default()
    }

    fn on_token(&mut self, token: Token<'t>) {
        match token {
            Token::Mark('#') => self.attribute(),
            Token::Mark('{') => self.depth += 1,
            Token::Mark('}') => self.close(),
            Token::Word("pub") => return self.visibility(),
            Token::Word("mod") => self.declaration(),
            Token::Word("use") => self.tree(&mut Vec::new()),
            Token::Word(word) => self.path(word),
            Token::Mark('.') if self.take(Token::Mark('.')) => {}
            // A word behind these is a field, a method or the rest of a path.
            Token::Colons | Token::Mark('.') => {
                if matches!(self.tokens.first(), Some(Token::Word(_))) {
                    self.next();
                }
            }
            Token::Mark(_) => {}
        }
        self.is_public = false;
    }

    fn close(&mut self) {
        if self.modules.len() > 1 && self.modules.last().is_some_and(|(depth, _)| *depth == self.depth) {
            self.modules.pop();
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn visibility(&mut self) {
        self.is_public = true;
        if self.take(Token::Mark('(')) {
            while self.next().is_some_and(|token| token != Token::Mark(')')) {}
        }
    }

    fn declaration(&mut self) {
        let Some(Token::Word(name)) = self.next() else { return };
        let path = child(&self.module(), name);
        let is_inline = self.take(Token::Mark('{'));
        if is_inline {
            self.depth += 1;
            self.modules.push((self.depth, path.clone()));
        }
        self.source.modules.push(Declared { path, is_inline });
    }

    /// An attribute, and with `#[cfg(test)]` what it stands before.
    fn attribute(&mut self) {
        self.take(Token::Mark('!'));
        if !self.take(Token::Mark('[')) {
            return;
        }
        let before = self.tokens;
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                Some(Token::Mark('[')) => depth += 1,
                Some(Token::Mark(']')) => depth -= 1,
                Some(_) => {}
                None => return,
            }
        }
        if is_for_tests(&before[..before.len() - self.tokens.len()]) {
            self.skip();
        }
    }

    /// An item to its end, or a field, a variant or a statement.
    fn skip(&mut self) {
        while self.take(Token::Mark('#')) {
            self.attribute();
        }
        let is_item = matches!(self.tokens.first(), Some(Token::Word(word)) if ITEM_WORDS.contains(word));
        let mut depth = 0;
        while let Some(token) = self.tokens.first() {
            match token {
                Token::Mark('{' | '(' | '[') => depth += 1,
                Token::Mark('}' | ')' | ']') if depth == 0 => return,
                Token::Mark(mark @ ('}' | ')' | ']')) => {
                    depth -= 1;
                    if depth == 0 && *mark == '}' && is_item {
                        self.next();
                        return;
                    }
                }
                Token::Mark(';') if depth == 0 => return,
                Token::Mark(',') if depth == 0 && !is_item => return,
                _ => {}
            }
            self.next();
        }
    }

    /// What stands behind `use`, or within its braces, up to the mark that ends it. `above` is the path so far.
    fn tree(&mut self, above: &mut Vec<&'t str>) {
        let start = above.len();
        let mut name = None;
        while let Some(token) = self.next() {
            match token {
                Token::Word("as") => name = self.tokens.first().copied(),
                Token::Word(word) if name.is_none() => above.push(word),
                Token::Mark('*') => above.push("*"),
                Token::Mark('{') => {
                    self.tree(above);
                    above.truncate(start);
                }
                Token::Mark(end @ (',' | '}' | ';')) => {
                    if above.len() > start {
                        self.used(above, name.take());
                    }
                    above.truncate(start);
                    if end != ',' {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    fn used(&mut self, path: &[&str], name: Option<Token<'_>>) {
        let last = path.iter().rev().find(|word| **word != "self").copied().unwrap_or("self");
        let name = match name {
            Some(Token::Word(name)) => name,
            _ => last,
        };
        self.source.uses.push(Used {
            named: Named { module: self.module(), path: owned(path) },
            name: name.to_owned(),
            is_public: self.is_public,
        });
    }

    fn path(&mut self, first: &'t str) {
        let mut path = vec![first];
        while let [Token::Colons, Token::Word(word), rest @ ..] = self.tokens {
            path.push(word);
            self.tokens = rest;
        }
        if path.len() > 1 {
            self.source.paths.push(Named { module: self.module(), path: owned(&path) });
        }
    }
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|word| (*word).to_owned()).collect()
}

/// Whether these tokens of an attribute are `cfg(test)`.
fn is_for_tests(attribute: &[Token<'_>]) -> bool {
    let cfg = [Token::Word("cfg"), Token::Mark('('), Token::Word("test"), Token::Mark(')')];
    attribute.starts_with(&cfg)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `text` as module `m` names: `module: path as name` for a `use`, `module: path` for other paths.
    fn named(text: &str) -> Vec<String> {
        let source = Source::read(text, "m");
        let told = |named: &Named| format!("{}: {}", named.module, named.path.join("::"));
        let uses = source.uses.iter().map(|used| format!("{} as {}", told(&used.named), used.name));
        uses.chain(source.paths.iter().map(told)).collect()
    }

    fn modules(text: &str) -> Vec<String> {
        Source::read(text, "m").modules.into_iter().map(|declared| declared.path).collect()
    }

    #[test]
    fn a_use_names_each_leaf_of_its_tree() {
        let found = named("use crate::a::{self, B, c::{D as E, *}, f::G};\nuse super::H;");
        let expected = [
            "m: crate::a::self as a",
            "m: crate::a::B as B",
            "m: crate::a::c::D as E",
            "m: crate::a::c::* as *",
            "m: crate::a::f::G as G",
            "m: super::H as H",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_in_code_are_named_and_methods_are_not() {
        let found = named("fn f(x: &crate::a::B) -> u8 { x.c::<self::D::E>(0..super::F, child::g()) }");
        assert_eq!(found, ["m: crate::a::B", "m: self::D::E", "m: super::F", "m: child::g"]);
    }

    #[test]
    fn what_is_for_tests_is_not_read() {
        for item in [
            "mod tests { use super::*; }",
            "mod tests;",
            "use crate::{a::B, c::D};",
            "impl<A, B> crate::C<A, B> { fn f() {} }",
            "#[derive(Debug)] pub(crate) struct A(crate::B);",
            "fn f<A, B>(x: [u8; 3]) { crate::a::b(); }",
        ] {
            let text = format!("#[cfg(test)]\n{item} use x::Y; mod z;");
            assert_eq!((named(&text), modules(&text)), (vec!["m: x::Y as Y".into()], vec!["m::z".into()]));
        }
        assert_eq!(named("struct A { #[cfg(test)] b: crate::B<C, D>, e: crate::F }").len(), 1);
    }

    #[test]
    fn other_conditions_are_read() {
        assert_eq!(modules("#[cfg(any(test, feature = \"x\"))] mod a; #[cfg(not(test))] mod b;").len(), 2);
    }

    #[test]
    fn modules_in_braces_end_with_them() {
        let text = "mod a { fn f() { if x { } } mod b { use super::C; } use super::D; mod e; } use super::F;";
        assert_eq!(named(text), ["m::a::b: super::C as C", "m::a: super::D as D", "m: super::F as F"]);
        assert_eq!(modules(text), ["m::a", "m::a::b", "m::a::e"]);
    }

    #[test]
    fn what_is_handed_on_is_told_apart() {
        let source =
            Source::read("pub use a::B; pub(in crate::x) use c::D; use e::F; pub fn g() {} use h::I;", "");
        let public: Vec<bool> = source.uses.iter().map(|used| used.is_public).collect();
        assert_eq!(public, [true, true, false, false]);
        assert!(source.paths.is_empty());
    }
}
