//! What Go's basic types take.

use std::collections::BTreeMap;

use super::mismatch::What;
use super::{Field, Mismatch, Value};

impl Field for bool {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        if !value.is_null() {
            *self = value.bool().ok_or_else(|| Mismatch::of_type(value, "bool"))?;
        }
        Ok(())
    }
}

/// A whole number of one of Go's types.
fn store_number<T: std::str::FromStr>(
    field: &mut T,
    value: Value<'_>,
    wanted: &'static str,
) -> Result<(), Mismatch> {
    if value.is_null() {
        return Ok(());
    }
    let wrong = || Mismatch::of_type(value, wanted);
    let number = value.number().ok_or_else(wrong)?;
    let does_not_fit = |_| Mismatch::new(What::Type { value: format!("number {number}"), wanted });
    *field = number.parse().map_err(does_not_fit)?;
    Ok(())
}

impl Field for i64 {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        store_number(self, value, "int")
    }
}

impl Field for i32 {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        store_number(self, value, "int32")
    }
}

impl Field for u64 {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        store_number(self, value, "uint64")
    }
}

impl Field for u16 {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        store_number(self, value, "uint16")
    }
}

impl Field for u8 {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        store_number(self, value, "uint8")
    }
}

impl Field for String {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        if !value.is_null() {
            *self = value.string().ok_or_else(|| Mismatch::of_type(value, "string"))?;
        }
        Ok(())
    }
}

/// What lists and maps hold.
pub trait Item: Field + Default {
    /// What Go calls a list of them.
    const LIST: &'static str;
    /// What Go calls a map from strings to them.
    const MAP: &'static str;
}

impl Item for String {
    const LIST: &'static str = "[]string";
    const MAP: &'static str = "map[string]string";
}

impl Item for u64 {
    const LIST: &'static str = "[]uint64";
    const MAP: &'static str = "map[string]uint64";
}

/// Null empties a list.
impl<T: Item> Field for Vec<T> {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        self.clear();
        if value.is_null() {
            return Ok(());
        }
        let elements = value.elements().ok_or_else(|| Mismatch::of_type(value, T::LIST))?;
        for (at, value) in elements.enumerate() {
            let mut item = T::default();
            item.store(value).map_err(|mismatch| mismatch.within(at.to_string()))?;
            self.push(item);
        }
        Ok(())
    }
}

/// Null empties a map; anything else is added to what is there.
impl<T: Item> Field for BTreeMap<String, T> {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        if value.is_null() {
            self.clear();
            return Ok(());
        }
        let members = value.members().ok_or_else(|| Mismatch::of_type(value, T::MAP))?;
        for (name, value) in members {
            let mut item = T::default();
            item.store(value).map_err(|mismatch| mismatch.within(name.text()))?;
            self.insert(name.text(), item);
        }
        Ok(())
    }
}
