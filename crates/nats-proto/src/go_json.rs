//! Taking JSON into fields, and writing it, the way Go's encoding/json does, since that is what clients meet
//! elsewhere.
//!
//! When read, first the whole text has to be JSON; then keys match in any case, unknown ones are skipped
//! whatever their values are, null leaves a field as it was, and a value of another type is refused. Errors are
//! in Go's words, which nats-server logs.

mod fields;
mod grammar;
mod mismatch;
mod value;
mod write;

pub use self::fields::Item;
pub(crate) use self::grammar::check;
use self::grammar::{Mistake, front};
pub use self::mismatch::Mismatch;
use self::mismatch::What;
pub use self::value::Value;
pub use self::write::{compact, compact_within, pretty};

/// The body of a CONNECT or an INFO, or the options of a request, could not be read. Shown, it is what nats-server
/// says of it: in its log, since it closes such connections without a word, or in its answer to a request.
///
/// Of the body that may quote a character, an escape sequence, a key or the value of an option, or a
/// number where another number belongs: never a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not JSON.
    #[error("{0}")]
    Syntax(String),
    /// JSON, but not an object, or a field holds a value of another type than its own.
    #[error("{0}")]
    WrongType(String),
    /// A key that has no field, where it has to have one, or a value that a field does not know.
    #[error("{0}")]
    Unknown(String),
}

/// Reads the text into the fields.
///
/// # Errors
///
/// It is not JSON, or a value in it is of another type than its field. Some fields may have been filled then.
pub fn read_into<T: Fields>(text: &[u8], fields: &mut T) -> Result<(), BodyError> {
    check(text).map_err(BodyError::Syntax)?;
    fields.store(Value::of(text)).map_err(|mismatch| mismatch.error(fields.go_type()))
}

/// Reads a text that is one value, of any type.
///
/// # Errors
///
/// It is not JSON, or of another type. Some of it may have been stored then.
pub fn read_value_into<T: Field>(text: &[u8], field: &mut T) -> Result<(), BodyError> {
    check(text).map_err(BodyError::Syntax)?;
    field.store(Value::of(text)).map_err(|mismatch| mismatch.error(""))
}

/// Reads values into the fields, one after the other as far as the text goes, which may be nothing. Their keys have
/// to be those of fields.
///
/// # Errors
///
/// As for [`read_into`], and a key is no field's.
pub fn read_strictly_into<T: Fields>(text: &[u8], fields: &mut T) -> Result<(), BodyError> {
    let mut rest = text;
    let end = |rest: &[u8]| text.len() - rest.len();
    while let Some(len) = front(rest).map_err(|mistake| in_stream(mistake, end(rest)))? {
        let value = Value::of(&rest[..len]).strictly();
        fields.store(value).map_err(|mismatch| mismatch.error(fields.go_type()))?;
        rest = &rest[len..];
    }
    Ok(())
}

/// What Go says of a mistake in what is to be one value after the other, from that byte on.
fn in_stream(mistake: Mistake, from: usize) -> BodyError {
    BodyError::Syntax(match mistake.at {
        None => "unexpected EOF".into(),
        // The number of bytes read when it was seen.
        Some(at) => format!("{} at offset {}", mistake.words, from + at + 1),
    })
}

/// Something a JSON value can be stored in.
pub trait Field {
    /// Takes the value over. `null` leaves most fields as they were.
    ///
    /// # Errors
    ///
    /// The value is of another type, or unknown.
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch>;
}

/// A struct whose fields are found by name.
pub trait Fields {
    /// What Go calls its type, as `server.Info`.
    fn go_type(&self) -> &'static str;

    /// The field of that name, which comes in lower case.
    fn field(&mut self, name: &str) -> Option<&mut dyn Field>;

    /// What Go calls the type of the field of that name, where it is not what [`Field`] takes it for.
    fn go_type_of(&self, _name: &str) -> Option<&'static str> {
        None
    }
}

impl<T: Fields> Field for T {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        if value.is_null() {
            return Ok(());
        }
        let members = value.members().ok_or_else(|| Mismatch::of_type(value, self.go_type()))?;
        for (name, value) in members {
            let name = name.text();
            let folded = fold(&name);
            let go_type = self.go_type_of(&folded);
            match self.field(&folded) {
                Some(field) => {
                    field.store(value).map_err(|mismatch| mismatch.wanting(go_type).within(name))?;
                }
                None if value.is_strict() => return Err(Mismatch::new(What::Key(name))),
                None => {}
            }
        }
        Ok(())
    }
}

/// What Go holds behind a pointer: null takes it away.
impl<T: Field + Default> Field for Option<T> {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        if value.is_null() {
            *self = None;
            return Ok(());
        }
        self.get_or_insert_default().store(value)
    }
}

/// Lower case as Go folds keys: beside ASCII, the long s and the kelvin sign count as s and k.
pub(crate) fn fold(key: &str) -> String {
    key.replace('\u{17f}', "s").replace('\u{212a}', "k").to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
