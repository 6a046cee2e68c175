//! Taking JSON values into fields the way Go's encoding/json does, since that is what clients meet
//! elsewhere: keys match in any case, unknown ones are skipped, null leaves a field as it was, and a
//! value of another type is refused.

use serde_json::Value;

/// A value of a type its field cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongType;

/// Something a JSON value can be stored in.
pub(crate) trait Field {
    fn store(&mut self, value: Value) -> Result<(), WrongType>;
}

/// A struct whose fields are found by name.
pub(crate) trait Fields {
    /// The field of that name, which comes in lower case.
    fn field(&mut self, name: &str) -> Option<&mut dyn Field>;
}

impl<T: Fields> Field for T {
    fn store(&mut self, value: Value) -> Result<(), WrongType> {
        match value {
            Value::Null => Ok(()),
            Value::Object(members) => {
                for (key, value) in members {
                    if let Some(field) = self.field(&fold(&key)) {
                        field.store(value)?;
                    }
                }
                Ok(())
            }
            _ => Err(WrongType),
        }
    }
}

/// What Go holds behind a pointer: null takes it away.
impl<T: Fields + Default> Field for Option<T> {
    fn store(&mut self, value: Value) -> Result<(), WrongType> {
        match value {
            Value::Null => {
                *self = None;
                Ok(())
            }
            value => self.get_or_insert_default().store(value),
        }
    }
}

impl Field for bool {
    fn store(&mut self, value: Value) -> Result<(), WrongType> {
        match value {
            Value::Null => {}
            Value::Bool(value) => *self = value,
            _ => return Err(WrongType),
        }
        Ok(())
    }
}

impl Field for i64 {
    fn store(&mut self, value: Value) -> Result<(), WrongType> {
        match value {
            Value::Null => {}
            Value::Number(number) => *self = number.as_i64().ok_or(WrongType)?,
            _ => return Err(WrongType),
        }
        Ok(())
    }
}

impl Field for String {
    fn store(&mut self, value: Value) -> Result<(), WrongType> {
        match value {
            Value::Null => {}
            Value::String(value) => *self = value,
            _ => return Err(WrongType),
        }
        Ok(())
    }
}

/// Null empties a list.
impl Field for Vec<String> {
    fn store(&mut self, value: Value) -> Result<(), WrongType> {
        self.clear();
        match value {
            Value::Null => {}
            Value::Array(values) => {
                for value in values {
                    let mut item = String::new();
                    item.store(value)?;
                    self.push(item);
                }
            }
            _ => return Err(WrongType),
        }
        Ok(())
    }
}

/// Lower case as Go folds keys: beside ASCII, the long s and the kelvin sign count as s and k.
fn fold(key: &str) -> String {
    key.replace('\u{17f}', "s").replace('\u{212a}', "k").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fold_as_in_go() {
        assert_eq!(fold("No_Responders"), "no_responders");
        assert_eq!(fold("u\u{17f}er"), "user");
        assert_eq!(fold("n\u{212a}ey"), "nkey");
        assert_eq!(fold("ÄÖ"), "ÄÖ");
    }
}
