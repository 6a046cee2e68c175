//! The subject of a certificate, in the forms that nats-server has for it.
//!
//! `/connz` and the log show it as the `pkix.Name` of Go 1.27 does: nine attributes have names and a fixed order,
//! several values of one stand together, others come behind them, and the text begins with what comes last.

use std::fmt;

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::x509::X509Name;

/// The attributes that have names, in their order.
const COMMON: [(&str, &str); 9] = [
    ("2.5.4.6", "C"),
    ("2.5.4.8", "ST"),
    ("2.5.4.7", "L"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.17", "POSTALCODE"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "SERIALNUMBER"),
];

/// Of these only the last value counts.
const SINGLE: [&str; 2] = ["2.5.4.3", "2.5.4.5"];

/// It has a name, but no place among the others.
const DOMAIN_COMPONENT: &str = "0.9.2342.19200300.100.1.25";

/// One attribute of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its object identifier, as `2.5.4.3`.
    pub oid: String,
    /// Its value.
    pub value: String,
}

impl Attribute {
    /// Its short name, as `CN`, if it has one.
    pub fn short_name(&self) -> Option<&'static str> {
        common_name(&self.oid).or_else(|| (self.oid == DOMAIN_COMPONENT).then_some("DC"))
    }
}

/// A name as X.509 has it: sets of attributes, the most general first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DistinguishedName {
    sets: Vec<Vec<Attribute>>,
}

impl DistinguishedName {
    pub(crate) fn of(name: &X509Name<'_>) -> Self {
        let set = |set: &x509_parser::x509::RelativeDistinguishedName<'_>| {
            let attribute = |pair: &x509_parser::x509::AttributeTypeAndValue<'_>| Attribute {
                oid: pair.attr_type().to_id_string(),
                value: text(pair.attr_value()),
            };
            set.iter().map(attribute).collect()
        };
        Self { sets: name.iter_rdn().map(set).collect() }
    }

    /// The sets of attributes, in the certificate's order.
    pub fn sets(&self) -> &[Vec<Attribute>] {
        &self.sets
    }

    /// The name without the attributes that Go has no names for.
    pub fn common(&self) -> String {
        let mut text = String::new();
        write_sets(&mut text, &self.ordered()).expect("a string takes everything");
        text
    }

    fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.sets.iter().flatten()
    }

    /// The common attributes, one set for each kind.
    fn ordered(&self) -> Vec<Vec<&Attribute>> {
        let values = |(oid, _): (&str, &str)| {
            let mut values: Vec<_> = self.attributes().filter(|attribute| attribute.oid == oid).collect();
            if SINGLE.contains(&oid) {
                values.drain(..values.len().saturating_sub(1));
                values.retain(|attribute| !attribute.value.is_empty());
            }
            values
        };
        COMMON.into_iter().map(values).filter(|values| !values.is_empty()).collect()
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = self.attributes().filter(|attribute| common_name(&attribute.oid).is_none());
        let others = others.map(|other| vec![other]);
        let sets: Vec<Vec<&Attribute>> = others.chain(self.ordered()).collect();
        write_sets(f, &sets)
    }
}

fn common_name(oid: &str) -> Option<&'static str> {
    COMMON.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name)
}

fn write_sets(f: &mut impl fmt::Write, sets: &[Vec<&Attribute>]) -> fmt::Result {
    for (index, set) in sets.iter().rev().enumerate() {
        for (position, attribute) in set.iter().enumerate() {
            match (index, position) {
                (0, 0) => {}
                (_, 0) => f.write_char(',')?,
                _ => f.write_char('+')?,
            }
            write_attribute(f, attribute)?;
        }
    }
    Ok(())
}

fn write_attribute(f: &mut impl fmt::Write, attribute: &Attribute) -> fmt::Result {
    let Attribute { oid, value } = attribute;
    let Some(name) = common_name(oid) else {
        write!(f, "{oid}=#")?;
        return der_string(value).iter().try_for_each(|byte| write!(f, "{byte:02x}"));
    };
    write!(f, "{name}=")?;
    for (at, c) in value.char_indices() {
        let is_special = match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => true,
            ' ' => at == 0 || at + 1 == value.len(),
            '#' => at == 0,
            _ => false,
        };
        if is_special {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    Ok(())
}

/// A text in DER, as Go writes it: printable if it is, and UTF-8 otherwise.
fn der_string(text: &str) -> Vec<u8> {
    let is_printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    let tag = if text.bytes().all(is_printable) { Tag::PrintableString } else { Tag::Utf8String };
    let mut der = vec![tag.0 as u8];
    match u8::try_from(text.len()) {
        Ok(short @ ..0x80) => der.push(short),
        _ => {
            let length = text.len().to_be_bytes();
            let skipped = length.iter().take_while(|byte| **byte == 0).count();
            der.push(0x80 | (length.len() - skipped) as u8);
            der.extend_from_slice(&length[skipped..]);
        }
    }
    der.extend_from_slice(text.as_bytes());
    der
}

fn text(value: &Any<'_>) -> String {
    if value.tag() == Tag::BmpString {
        let units = value.data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        return char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    }
    String::from_utf8_lossy(value.data).into_owned()
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::FromDer;

    use super::*;

    fn der(tag: u8, body: &[u8]) -> Vec<u8> {
        let len = u8::try_from(body.len()).unwrap();
        let mut der = if len < 0x80 { vec![tag, len] } else { vec![tag, 0x81, len] };
        der.extend_from_slice(body);
        der
    }

    const C: &[u8] = &[0x55, 4, 6];
    const O: &[u8] = &[0x55, 4, 10];
    const OU: &[u8] = &[0x55, 4, 11];
    const ST: &[u8] = &[0x55, 4, 8];
    const L: &[u8] = &[0x55, 4, 7];
    const CN: &[u8] = &[0x55, 4, 3];
    const TITLE: &[u8] = &[0x55, 4, 12];
    const DC: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25];

    /// A name of sets of attributes, all UTF-8.
    fn name_in_der(sets: &[&[(&[u8], &str)]]) -> Vec<u8> {
        let attribute =
            |(oid, value): &(&[u8], &str)| der(0x30, &[der(6, oid), der(12, value.as_bytes())].concat());
        let set = |set: &&[(&[u8], &str)]| der(0x31, &set.iter().flat_map(attribute).collect::<Vec<u8>>());
        der(0x30, &sets.iter().flat_map(set).collect::<Vec<u8>>())
    }

    fn parsed(sets: &[&[(&[u8], &str)]]) -> DistinguishedName {
        DistinguishedName::of(&X509Name::from_der(&name_in_der(sets)).unwrap().1)
    }

    /// The texts are Go's for the same bytes.
    #[test]
    fn texts_are_those_of_go() {
        let usual =
            parsed(&[&[(CN, "localhost")], &[(O, "Acme"), (OU, "dev")], &[(OU, "ops, eu")], &[(C, "US")]]);
        assert_eq!(usual.to_string(), "CN=localhost,OU=dev+OU=ops\\, eu,O=Acme,C=US");
        assert_eq!(usual.common(), usual.to_string());

        let whole = parsed(&[
            &[(C, "US")],
            &[(ST, "CA")],
            &[(L, "Los Angeles")],
            &[(O, "NATS")],
            &[(OU, "NATS")],
            &[(CN, "localhost")],
            &[(DC, "foo3")],
            &[(DC, "foo4")],
        ]);
        assert_eq!(whole.common(), "CN=localhost,OU=NATS,O=NATS,L=Los Angeles,ST=CA,C=US");

        let odd = parsed(&[
            &[(DC, "org")],
            &[(DC, "OpenSSL")],
            &[(TITLE, "Dr. \u{e9}")],
            &[(CN, " first")],
            &[(O, "#one"), (O, "two ")],
            &[(CN, "*<a>\"b\";c\\+\u{e9} ")],
        ]);
        assert_eq!(
            odd.to_string(),
            r#"CN=*\<a\>\"b\"\;c\\\+é\ ,O=\#one+O=two\ ,2.5.4.12=#0c0644722e20c3a9,0.9.2342.19200300.100.1.25=#13074f70656e53534c,0.9.2342.19200300.100.1.25=#13036f7267"#
        );
        assert_eq!(odd.common(), r#"CN=*\<a\>\"b\"\;c\\\+é\ ,O=\#one+O=two\ "#);
        let names: Vec<_> = odd.attributes().map(Attribute::short_name).collect();
        let (dc, o, cn) = (Some("DC"), Some("O"), Some("CN"));
        assert_eq!(names, [dc, dc, None, cn, o, o, cn]);
    }

    #[test]
    fn texts_have_the_lengths_of_der() {
        assert_eq!(der_string("ab"), [19, 2, b'a', b'b']);
        assert_eq!(der_string(&"*".repeat(300))[..4], [12, 0x82, 1, 44]);
        assert_eq!(der_string(&"a".repeat(200))[..3], [19, 0x81, 200]);
    }
}
