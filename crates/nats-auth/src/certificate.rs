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
    pub subject: Vec<Vec<PeerAttribute>>,
    /// The subject as Go prints it, of attributes that have a place there: those of a kind together.
    pub printed: String,
}

/// One attribute of a certificate's subject, if its value is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAttribute {
    /// Its short name in capitals, as `CN`; `None` if it has none.
    pub name: Option<&'static str>,
    /// Its value.
    pub value: String,
}

/// A name of the holder, from the one looked at first to the one looked at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PeerName {
    /// A user of this name.
    Plain(String),
    /// A user whose name is this as a distinguished name.
    Distinguished(LdapName),
}

impl PeerFacts {
    /// What the certificate calls its holder, in the order in which nats-server looks.
    pub(crate) fn names(&self) -> Vec<PeerName> {
        let names = self.emails.iter().chain(&self.dns_names).chain(&self.uris);
        let mut found: Vec<PeerName> = names.cloned().map(PeerName::Plain).collect();
        found.extend(LdapName::of_subject(&self.subject).map(PeerName::Distinguished));
        let printed = self.printed.clone();
        let attributes = self.subject.iter().flatten();
        let domain: Vec<String> = attributes
            .filter(|attribute| attribute.name == Some("DC"))
            .map(|attribute| format!("DC={}", attribute.value))
            .collect();
        if !domain.is_empty() {
            found.push(PeerName::Plain(format!("{printed},{}", domain.join(","))));
        }
        found.push(PeerName::Plain(printed));
        found
    }
}

/// A name as RFC 4514 writes it: relative names, the most specific first, each a set of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LdapName {
    /// Types in upper case.
    relative: Vec<Vec<(String, String)>>,
}

impl LdapName {
    /// `None` if the subject has an attribute that has no short name.
    fn of_subject(subject: &[Vec<PeerAttribute>]) -> Option<Self> {
        let pair = |attribute: &PeerAttribute| Some((attribute.name?.to_owned(), attribute.value.clone()));
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

    fn subject(sets: &[&[(&'static str, &str)]]) -> Vec<Vec<PeerAttribute>> {
        let attribute = |(name, value): &(&'static str, &str)| PeerAttribute {
            name: Some(name),
            value: (*value).to_owned(),
        };
        sets.iter().map(|set| set.iter().map(attribute).collect()).collect()
    }

    fn facts() -> PeerFacts {
        PeerFacts {
            emails: vec!["a@b.c".into()],
            dns_names: vec!["host".into()],
            uris: vec!["spiffe://x/y".into()],
            subject: subject(&[
                &[("DC", "com")],
                &[("DC", "example")],
                &[("O", "Acme, Inc")],
                &[("OU", "one")],
                &[("OU", "two")],
                &[("CN", "bob")],
            ]),
            printed: "CN=bob,OU=one+OU=two,O=Acme\\, Inc".into(),
        }
    }

    #[test]
    fn names_are_looked_at_in_the_peers_order() {
        let found = facts().names();
        let names: Vec<&str> = found
            .iter()
            .map(|name| match name {
                PeerName::Plain(name) => name.as_str(),
                PeerName::Distinguished(_) => "(distinguished)",
            })
            .collect();
        let printed = facts().printed;
        let with_domain = format!("{printed},DC=com,DC=example");
        assert_eq!(names, ["a@b.c", "host", "spiffe://x/y", "(distinguished)", &with_domain, &printed]);
    }

    #[test]
    fn a_user_named_like_the_subject_is_found_in_any_order() {
        let of_certificate = LdapName::of_subject(&facts().subject).unwrap();
        let named = |text: &str| LdapName::parse(text).unwrap();
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
            assert!(LdapName::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_attribute_without_a_short_name_makes_no_distinguished_name() {
        let address = PeerAttribute { name: None, value: "a@b".into() };
        assert!(LdapName::of_subject(&[vec![address]]).is_none());
    }
}
