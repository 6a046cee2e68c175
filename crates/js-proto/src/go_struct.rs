//! Structs that are told once: a row for each field says its name in Rust, its type and its key in JSON.
//!
//! From the rows come the struct, a reader with the rules of Go's JSON (`nats_proto::go_json`), and a writer that
//! keeps their order, as Go does.

use std::collections::BTreeMap;

use nats_proto::go_json::{Field, Fields};
use serde::ser::SerializeMap;

/// A struct whose members can stand among those of another.
pub trait Members: Fields {
    /// Writes them, in order.
    ///
    /// # Errors
    ///
    /// The map takes no more.
    fn write_members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// What can stand in a struct as if its members were that struct's.
pub(crate) trait Embedded {
    fn member(&mut self, name: &str) -> Option<&mut dyn Field>;
    fn go_type_of_member(&self, name: &str) -> Option<&'static str>;
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl<T: Members> Embedded for T {
    fn member(&mut self, name: &str) -> Option<&mut dyn Field> {
        self.field(name)
    }

    fn go_type_of_member(&self, name: &str) -> Option<&'static str> {
        self.go_type_of(name)
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.write_members(map)
    }
}

/// It is there as soon as one of its members is.
impl<T: Members + Default> Embedded for Option<T> {
    fn member(&mut self, name: &str) -> Option<&mut dyn Field> {
        T::default().field(name)?;
        self.get_or_insert_default().field(name)
    }

    fn go_type_of_member(&self, name: &str) -> Option<&'static str> {
        T::default().go_type_of(name)
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.as_ref().map_or(Ok(()), |members| members.write_members(map))
    }
}

/// Whether Go's `omitempty` writes it.
pub(crate) trait IsSet {
    fn is_set(&self) -> bool;
}

impl IsSet for bool {
    fn is_set(&self) -> bool {
        *self
    }
}

impl IsSet for String {
    fn is_set(&self) -> bool {
        !self.is_empty()
    }
}

impl<T> IsSet for Vec<T> {
    fn is_set(&self) -> bool {
        !self.is_empty()
    }
}

impl<K, V> IsSet for BTreeMap<K, V> {
    fn is_set(&self) -> bool {
        !self.is_empty()
    }
}

impl<T> IsSet for Option<T> {
    fn is_set(&self) -> bool {
        self.is_some()
    }
}

macro_rules! number_is_set {
    ($($number:ty)*) => {
        $(
            impl IsSet for $number {
                fn is_set(&self) -> bool {
                    *self != Self::default()
                }
            }
        )*
    };
}

number_is_set!(u16 i32 i64 u64 crate::Nanos);

/// Makes structs of rows: `field: Type = "key";`. Behind the key may stand `if set`, for what is left out when it
/// is zero, and `as "int64"`, where Go calls the type otherwise than `Field` does. `= flat;` is for what Go embeds.
macro_rules! go_structs {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident = $go_type:literal {
            $( $(#[$field_meta:meta])* $field:ident: $type:ty = $($how:tt $(if $set:ident)? $(as $go:literal)?)?; )*
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl ::nats_proto::go_json::Fields for $name {
            fn go_type(&self) -> &'static str {
                $go_type
            }

            fn field(&mut self, name: &str) -> Option<&mut dyn ::nats_proto::go_json::Field> {
                $( $crate::go_struct::find!(self, name, $field, $($how)?); )*
                None
            }

            #[allow(unused_variables, reason = "most have no field whose type is called otherwise")]
            fn go_type_of(&self, name: &str) -> Option<&'static str> {
                $( $crate::go_struct::go_type!(self, name, $field, $($how $(as $go)?)?); )*
                None
            }
        }

        impl $crate::go_struct::Members for $name {
            fn write_members<M: ::serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $( $crate::go_struct::write!(self, map, $field, $($how $(if $set)?)?); )*
                Ok(())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $crate::go_struct::Members::write_members(self, &mut map)?;
                map.end()
            }
        }
    )* };
}

/// Returns the field if it has that name.
macro_rules! find {
    ($self:ident, $name:ident, $field:ident, flat) => {
        if let Some(field) = $crate::go_struct::Embedded::member(&mut $self.$field, $name) {
            return Some(field);
        }
    };
    ($self:ident, $name:ident, $field:ident, $key:literal) => {
        if $name == $key {
            return Some(&mut $self.$field);
        }
    };
}

/// Returns what Go calls the type of the field if it has that name.
macro_rules! go_type {
    ($self:ident, $name:ident, $field:ident, flat) => {
        if let Some(go_type) = $crate::go_struct::Embedded::go_type_of_member(&$self.$field, $name) {
            return Some(go_type);
        }
    };
    ($self:ident, $name:ident, $field:ident, $key:literal) => {};
    ($self:ident, $name:ident, $field:ident, $key:literal as $go:literal) => {
        if $name == $key {
            return Some($go);
        }
    };
}

/// Writes the field.
macro_rules! write {
    ($self:ident, $map:ident, $field:ident, flat) => {
        $crate::go_struct::Embedded::write(&$self.$field, $map)?;
    };
    ($self:ident, $map:ident, $field:ident, $key:literal) => {
        $map.serialize_entry($key, &$self.$field)?;
    };
    ($self:ident, $map:ident, $field:ident, $key:literal if set) => {
        if $crate::go_struct::IsSet::is_set(&$self.$field) {
            $map.serialize_entry($key, &$self.$field)?;
        }
    };
}

pub(crate) use {find, go_structs, go_type, write};
