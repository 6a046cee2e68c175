//! Values of the tree.

use std::fmt;

use crate::{ConfError, Date, Map, Position};

/// A value, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// What it is.
    pub data: Data,
    /// Where nats-server says it is: the place of its key, or in an array that of the value itself
    /// (for maps and arrays their end).
    pub position: Position,
    /// Whether it was written as `$NAME`.
    pub from_variable: bool,
}

/// What a value is.
///
/// Its `Debug` output shows of strings only the length, since the tree cannot know which are secret.
#[derive(Clone, PartialEq)]
pub enum Data {
    /// Quoted, bare or in a block.
    String(String),
    /// A whole number, its unit multiplied in.
    Integer(i64),
    /// A number with a point.
    Float(f64),
    /// `true`, `yes`, `on` and their opposites, without quotes.
    Bool(bool),
    /// A date and time in UTC.
    Date(Date),
    /// `[ .. ]`
    Array(Vec<Value>),
    /// `{ .. }`
    Map(Map),
}

impl Value {
    /// The string.
    ///
    /// # Errors
    /// [`ConfError::WrongType`] for anything else.
    pub fn as_str(&self) -> Result<&str, ConfError> {
        match &self.data {
            Data::String(text) => Ok(text),
            _ => Err(self.wrong_type(Data::STRING)),
        }
    }

    /// The whole number.
    ///
    /// # Errors
    /// [`ConfError::WrongType`] for anything else.
    pub fn as_integer(&self) -> Result<i64, ConfError> {
        match self.data {
            Data::Integer(number) => Ok(number),
            _ => Err(self.wrong_type(Data::INTEGER)),
        }
    }

    /// The number, with a point or whole.
    ///
    /// # Errors
    /// [`ConfError::WrongType`] for anything else.
    pub fn as_number(&self) -> Result<f64, ConfError> {
        match self.data {
            Data::Integer(number) => Ok(number as f64),
            Data::Float(number) => Ok(number),
            _ => Err(self.wrong_type(Data::FLOAT)),
        }
    }

    /// The truth value.
    ///
    /// # Errors
    /// [`ConfError::WrongType`] for anything else, the quoted word `"true"` included.
    pub fn as_bool(&self) -> Result<bool, ConfError> {
        match self.data {
            Data::Bool(truth) => Ok(truth),
            _ => Err(self.wrong_type(Data::BOOL)),
        }
    }

    /// The date.
    ///
    /// # Errors
    /// [`ConfError::WrongType`] for anything else.
    pub fn as_date(&self) -> Result<Date, ConfError> {
        match self.data {
            Data::Date(date) => Ok(date),
            _ => Err(self.wrong_type(Data::DATE)),
        }
    }

    /// The elements of the array.
    ///
    /// # Errors
    /// [`ConfError::WrongType`] for anything else.
    pub fn as_array(&self) -> Result<&[Self], ConfError> {
        match &self.data {
            Data::Array(values) => Ok(values),
            _ => Err(self.wrong_type(Data::ARRAY)),
        }
    }

    /// The map.
    ///
    /// # Errors
    /// [`ConfError::WrongType`] for anything else.
    pub fn as_map(&self) -> Result<&Map, ConfError> {
        match &self.data {
            Data::Map(map) => Ok(map),
            _ => Err(self.wrong_type(Data::MAP)),
        }
    }

    /// The elements of an array, or the value itself as the only one: many keys take both.
    pub fn one_or_many(&self) -> &[Self] {
        match &self.data {
            Data::Array(values) => values,
            _ => std::slice::from_ref(self),
        }
    }

    /// The error that this value is not of the wanted type, which is named as
    /// [`Data::type_name`] names it.
    pub fn wrong_type(&self, wanted: &'static str) -> ConfError {
        ConfError::WrongType { position: self.position.clone(), found: self.data.type_name(), wanted }
    }

    /// The error that the consumer refuses this value, in the consumer's words.
    pub fn refused(&self, reason: impl Into<String>) -> ConfError {
        ConfError::Refused { position: self.position.clone(), reason: reason.into() }
    }
}

impl Data {
    /// nats-server's name for strings.
    pub const STRING: &'static str = "string";
    /// nats-server's name for whole numbers.
    pub const INTEGER: &'static str = "int64";
    /// nats-server's name for numbers with a point.
    pub const FLOAT: &'static str = "float64";
    /// nats-server's name for truth values.
    pub const BOOL: &'static str = "bool";
    /// nats-server's name for dates.
    pub const DATE: &'static str = "time.Time";
    /// nats-server's name for arrays.
    pub const ARRAY: &'static str = "[]interface {}";
    /// nats-server's name for maps.
    pub const MAP: &'static str = "map[string]interface {}";

    /// The type in the words of nats-server's errors, which are Go's.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => Self::STRING,
            Self::Integer(_) => Self::INTEGER,
            Self::Float(_) => Self::FLOAT,
            Self::Bool(_) => Self::BOOL,
            Self::Date(_) => Self::DATE,
            Self::Array(_) => Self::ARRAY,
            Self::Map(_) => Self::MAP,
        }
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "String of {} bytes", text.len()),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Date(date) => write!(f, "{date}"),
            Self::Array(values) => f.debug_list().entries(values).finish(),
            Self::Map(map) => map.fmt(f),
        }
    }
}
