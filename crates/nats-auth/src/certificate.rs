//! Who a TLS client certificate says its holder is.

/// What `verify_and_map` looks at in a client's certificate, which was verified before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerFacts {
    /// E-mail addresses among the alternative names.
    pub emails: Vec<String>,
    /// DNS names among the alternative names.
    pub dns_names: Vec<String>,
    /// URIs among the alternative names.
    pub uris: Vec<String>,
    /// The subject in the order of the certificate: a list of sets of attributes.
    pub subject: Vec<Vec<Attribute>>,
}

/// One attribute of a certificate's subject, if its value is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its object identifier, as `2.5.4.3`.
    pub oid: String,
    /// Its value.
    pub value: String,
}

/// A name of the holder, from the one looked at first to the one looked at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A user of this name.
    Name(String),
    /// A user whose name is this as a distinguished name.
    Distinguished(DistinguishedName),
}

/// The attributes Go prints, in the order in which it prints them, last first.
const PRINTED: [(&str, &str); 9] = [
    ("2.5.4.6", "C"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.17", "POSTALCODE"),
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "SERIALNUMBER"),
];

/// Attributes of which Go keeps the last only.
const SINGLE: [&str; 2] = ["2.5.4.3", "2.5.4.5"];

const DOMAIN_COMPONENT: &str = "0.9.2342.19200300.100.1.25";

impl PeerFacts {
    /// What the certificate claims, in the order in which nats-server looks.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        let names = self.emails.iter().chain(&self.dns_names).chain(&self.uris);
        let mut claims: Vec<Claim> = names.cloned().map(Claim::Name).collect();
        claims.extend(DistinguishedName::of_subject(&self.subject).map(Claim::Distinguished));
        let printed = self.printed_subject();
        let attributes = self.subject.iter().flatten();
        let domain: Vec<String> = attributes
            .filter(|attribute| attribute.oid == DOMAIN_COMPONENT)
            .map(|attribute| format!("DC={}", attribute.value))
            .collect();
        if !domain.is_empty() {
            claims.push(Claim::Name(format!("{printed},{}", domain.join(","))));
        }
        claims.push(Claim::Name(printed));
        claims
    }

    /// The subject as Go prints it: attributes of a kind together, in an order of its own.
    fn printed_subject(&self) -> String {
        let mut printed = Vec::new();
        for (oid, name) in PRINTED.iter().rev() {
            let attributes = self.subject.iter().flatten();
            let mut values: Vec<&str> =
                attributes.filter(|it| it.oid == *oid).map(|it| it.value.as_str()).collect();
            if SINGLE.contains(oid) {
                values.drain(..values.len().saturating_sub(1));
            }
            if !values.is_empty() {
                let pairs = values.iter().map(|value| format!("{name}={}", escaped(value)));
                printed.push(pairs.collect::<Vec<_>>().join("+"));
            }
        }
        printed.join(",")
    }
}

fn escaped(value: &str) -> String {
    let mut text = String::new();
    for (at, letter) in value.char_indices() {
        let is_outer_blank = letter == ' ' && (at == 0 || at + 1 == value.len());
        let is_special = matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
        if is_special || is_outer_blank || (letter == '#' && at == 0) {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

/// A name as RFC 4514 writes it: relative names, the most specific first, each a set of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DistinguishedName {
    /// Types in upper case.
    relative: Vec<Vec<(String, String)>>,
}

impl DistinguishedName {
    /// `None` if the subject has an attribute that has no short name.
    fn of_subject(subject: &[Vec<Attribute>]) -> Option<Self> {
        let pair = |attribute: &Attribute| Some((short_name(&attribute.oid)?, attribute.value.clone()));
        let sets = subject.iter().rev().filter(|set| !set.is_empty());
        let relative = sets.map(|set| set.iter().map(pair).collect::<Option<Vec<_>>>());
        Some(Self { relative: relative.collect::<Option<_>>()? })
    }

    /// Reads a distinguished name; `None` if the text is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut relative = Vec::new();
        let mut set = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (kind, behind) = rest.split_once('=')?;
            let kind = kind.trim_matches(' ');
            if kind.is_empty() || kind.contains([',', '+', '\\']) || behind.starts_with('#') {
                return None;
            }
            let (value, end, behind) = read_value(behind)?;
            set.push((kind.to_uppercase(), value));
            if end != Some('+') {
                relative.push(std::mem::take(&mut set));
            }
            rest = behind;
        }
        Some(Self { relative })
    }

    /// Whether both name the same, relative names in the same order.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.relative.len() == other.relative.len()
            && self.relative.iter().zip(&other.relative).all(|(one, other)| is_same_set(one, other))
    }

    /// Whether both have the same relative names, in any order.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        let mut left: Vec<_> = other.relative.iter().collect();
        self.relative.len() == left.len()
            && self.relative.iter().all(|one| {
                let found = left.iter().position(|other| is_same_set(one, other));
                found.map(|at| left.swap_remove(at)).is_some()
            })
    }
}

fn short_name(oid: &str) -> Option<String> {
    let known = PRINTED.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name);
    let name = known.or_else(|| (oid == DOMAIN_COMPONENT).then_some("DC"));
    name.map(str::to_owned)
}

fn is_same_set(one: &[(String, String)], other: &[(String, String)]) -> bool {
    one.len() == other.len()
        && one.iter().all(|pair| other.contains(pair))
        && other.iter().all(|pair| one.contains(pair))
}

/// A value up to a comma or a plus, what ended it and what is behind. `None` if an escape is none.
fn read_value(text: &str) -> Option<(String, Option<char>, &str)> {
    let mut value = Vec::new();
    let mut blanks = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b',' | b'+' => {
                value.truncate(value.len() - blanks);
                return Some((String::from_utf8(value).ok()?, Some(char::from(*byte)), &text[at..]));
            }
            b'\\' => {
                blanks = 0;
                let escaped = bytes.get(at)?;
                if b" \"#+,;<=>\\".contains(escaped) {
                    value.push(*escaped);
                    at += 1;
                } else {
                    value.push(u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?);
                    at += 2;
                }
            }
            b' ' if value.is_empty() => {}
            byte => {
                blanks = if *byte == b' ' { blanks + 1 } else { 0 };
                value.push(*byte);
            }
        }
    }
    value.truncate(value.len() - blanks);
    Some((String::from_utf8(value).ok()?, None, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(sets: &[&[(&str, &str)]]) -> Vec<Vec<Attribute>> {
        let attribute =
            |(oid, value): &(&str, &str)| Attribute { oid: (*oid).to_owned(), value: (*value).to_owned() };
        sets.iter().map(|set| set.iter().map(attribute).collect()).collect()
    }

    fn facts() -> PeerFacts {
        PeerFacts {
            emails: vec!["a@b.c".into()],
            dns_names: vec!["host".into()],
            uris: vec!["spiffe://x/y".into()],
            subject: subject(&[
                &[("0.9.2342.19200300.100.1.25", "com")],
                &[("0.9.2342.19200300.100.1.25", "example")],
                &[("2.5.4.10", "Acme, Inc")],
                &[("2.5.4.11", "one")],
                &[("2.5.4.11", "two")],
                &[("2.5.4.3", "bob")],
            ]),
        }
    }

    #[test]
    fn names_are_looked_at_in_the_peers_order() {
        let claims = facts().claims();
        let names: Vec<&str> = claims
            .iter()
            .map(|claim| match claim {
                Claim::Name(name) => name.as_str(),
                Claim::Distinguished(_) => "(distinguished)",
            })
            .collect();
        let printed = "CN=bob,OU=one+OU=two,O=Acme\\, Inc";
        let with_domain = format!("{printed},DC=com,DC=example");
        assert_eq!(names, ["a@b.c", "host", "spiffe://x/y", "(distinguished)", &with_domain, printed]);
    }

    #[test]
    fn a_user_named_like_the_subject_is_found_in_any_order() {
        let of_certificate = DistinguishedName::of_subject(&facts().subject).unwrap();
        let named = |text: &str| DistinguishedName::parse(text).unwrap();
        let straight = named("cn=bob, OU=two,OU=one, O=Acme\\, Inc ,DC=example,dc=com");
        assert!(straight.equals(&of_certificate) && straight.matches(&of_certificate));
        let mixed = named("CN=bob,DC=com,DC=example,O=Acme\\2c Inc,OU=one,OU=two");
        assert!(!mixed.equals(&of_certificate) && mixed.matches(&of_certificate));
        assert!(!named("CN=bob,DC=com").matches(&of_certificate));
        assert!(named("A=1+B=2").equals(&named("b=2+a=1")));
    }

    #[test]
    fn text_that_is_no_name_is_none() {
        for text in ["bob", "=x", "CN=#04", "CN=a\\", "CN=a\\zz", "CN=a,b"] {
            assert!(DistinguishedName::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_attribute_without_a_short_name_makes_no_distinguished_name() {
        assert!(DistinguishedName::of_subject(&subject(&[&[("1.2.840.113549.1.9.1", "a@b")]])).is_none());
    }
}
