//! Taking JSON into fields the way Go's encoding/json does, since that is what clients meet elsewhere.
//!
//! First the whole text has to be JSON; then keys match in any case, unknown ones are skipped whatever their
//! values are, null leaves a field as it was, and a value of another type is refused. Errors are in Go's
//! words, which nats-server logs.

mod grammar;
mod value;

use std::fmt::Write as _;

pub(crate) use self::grammar::check;
pub use self::value::Value;

/// The body of a CONNECT or an INFO, or the options of a request, could not be read. Shown, it is what nats-server
/// says of it: in its log, since it closes such connections without a word, or in its answer to a request.
///
/// Of the body that may quote a character, an escape sequence, or a
/// number where another number belongs: never a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not JSON.
    #[error("{0}")]
    Syntax(String),
    /// JSON, but not an object, or a field holds a value of another type than its own.
    #[error("{0}")]
    WrongType(String),
}

/// Reads the text into the fields.
///
/// # Errors
///
/// It is not JSON, or a value in it is of another type than its field. Some fields may have been filled then.
pub fn read_into<T: Fields>(text: &[u8], fields: &mut T) -> Result<(), BodyError> {
    check(text).map_err(BodyError::Syntax)?;
    fields.store(Value::of(text)).map_err(|wrong| BodyError::WrongType(wrong.words(fields.go_type())))
}

/// A value of a type its field cannot hold.
#[derive(Debug, PartialEq, Eq)]
pub struct WrongType {
    /// What Go calls the value.
    value: String,
    /// What Go calls the field's type.
    wanted: &'static str,
    /// Where it stands, the innermost name first.
    path: Vec<String>,
}

impl WrongType {
    fn new(value: Value<'_>, wanted: &'static str) -> Self {
        Self { value: value.kind().into(), wanted, path: Vec::new() }
    }

    fn within(mut self, name: impl Into<String>) -> Self {
        self.path.push(name.into());
        self
    }

    /// What Go says of it, in the struct of that type.
    fn words(&self, within: &str) -> String {
        let within = within.trim_start_matches("server.");
        let mut words = format!("json: cannot unmarshal {} into ", self.value);
        // Writing to a string cannot fail.
        let _ = match &self.path[..] {
            [] => write!(words, "Go value of type {}", self.wanted),
            [innermost, ..] => {
                let is_index = innermost.bytes().all(|byte| byte.is_ascii_digit());
                let what = if is_index { "" } else { "Go struct field " };
                let path: Vec<_> = self.path.iter().rev().map(String::as_str).collect();
                write!(words, "{what}{within}.{} of type {}", path.join("."), self.wanted)
            }
        };
        words
    }
}

/// Something a JSON value can be stored in.
pub trait Field {
    /// Takes the value over. `null` leaves most fields as they were.
    ///
    /// # Errors
    ///
    /// The value is of another type.
    fn store(&mut self, value: Value<'_>) -> Result<(), WrongType>;
}

/// A struct whose fields are found by name.
pub trait Fields {
    /// What Go calls its type, as `server.Info`.
    fn go_type(&self) -> &'static str;

    /// The field of that name, which comes in lower case.
    fn field(&mut self, name: &str) -> Option<&mut dyn Field>;
}

impl<T: Fields> Field for T {
    fn store(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        if value.is_null() {
            return Ok(());
        }
        let members = value.members().ok_or_else(|| WrongType::new(value, self.go_type()))?;
        for (name, value) in members {
            let name = name.text();
            if let Some(field) = self.field(&fold(&name)) {
                field.store(value).map_err(|wrong| wrong.within(name))?;
            }
        }
        Ok(())
    }
}

/// What Go holds behind a pointer: null takes it away.
impl<T: Fields + Default> Field for Option<T> {
    fn store(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        if value.is_null() {
            *self = None;
            return Ok(());
        }
        self.get_or_insert_default().store(value)
    }
}

impl Field for bool {
    fn store(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        if !value.is_null() {
            *self = value.bool().ok_or_else(|| WrongType::new(value, "bool"))?;
        }
        Ok(())
    }
}

/// A whole number of one of Go's types.
fn store_number<T: std::str::FromStr>(
    field: &mut T,
    value: Value<'_>,
    wanted: &'static str,
) -> Result<(), WrongType> {
    if value.is_null() {
        return Ok(());
    }
    let wrong = || WrongType::new(value, wanted);
    let number = value.number().ok_or_else(wrong)?;
    *field = number.parse().map_err(|_| WrongType { value: format!("number {number}"), ..wrong() })?;
    Ok(())
}

impl Field for i64 {
    fn store(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        store_number(self, value, "int")
    }
}

impl Field for i32 {
    fn store(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        store_number(self, value, "int32")
    }
}

impl Field for u64 {
    fn store(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        store_number(self, value, "uint64")
    }
}

impl Field for u8 {
    fn store(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        store_number(self, value, "uint8")
    }
}

impl Field for String {
    fn store(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        if !value.is_null() {
            *self = value.string().ok_or_else(|| WrongType::new(value, "string"))?;
        }
        Ok(())
    }
}

/// Null empties a list.
impl Field for Vec<String> {
    fn store(&mut self, value: Value<'_>) -> Result<(), WrongType> {
        self.clear();
        if value.is_null() {
            return Ok(());
        }
        let elements = value.elements().ok_or_else(|| WrongType::new(value, "[]string"))?;
        for (at, value) in elements.enumerate() {
            let mut item = String::new();
            item.store(value).map_err(|wrong| wrong.within(at.to_string()))?;
            self.push(item);
        }
        Ok(())
    }
}

/// Lower case as Go folds keys: beside ASCII, the long s and the kelvin sign count as s and k.
pub(crate) fn fold(key: &str) -> String {
    key.replace('\u{17f}', "s").replace('\u{212a}', "k").to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
