//! The values that a pickle describes. They are stored in one table and refer to each other by index, so a reference
//! costs nothing, a list may contain itself, and dropping them takes no stack, however deeply they are nested.

use crate::error::{PickleError, Result};
use crate::globals::Global;

/// Place of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) u32);

#[derive(Debug)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits.
    Long,
    Float(f64),
    Text(Box<str>),
    Bytes(Vec<u8>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Set,
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Object(Box<Object>),
}

/// What a call would make: nothing is called.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) function: Global,
    pub(crate) arguments: Vec<Id>,
    pub(crate) state: Option<Id>,
}

impl Value {
    /// What it is, in a message.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Bool(_) => "a flag".to_owned(),
            Self::Int(_) | Self::Long => "an integer".to_owned(),
            Self::Float(_) => "a float".to_owned(),
            Self::Text(_) => "text".to_owned(),
            Self::Bytes(_) => "bytes".to_owned(),
            Self::Tuple(items) => format!("a tuple of {}", items.len()),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Set => "a set".to_owned(),
            Self::Dict(items) => format!("a dictionary of {}", items.len()),
            Self::Global(global) => format!("the name {global:?}"),
            Self::Object(object) => format!("an object of {:?}", object.function),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tree {
    values: Vec<Value>,
    offsets: Vec<u64>,
    /// Bytes after the pickle's end.
    pub(crate) trailing: u64,
}

impl Tree {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn push(&mut self, value: Value, offset: u64) -> Id {
        let id = Id(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(value);
        self.offsets.push(offset);
        id
    }

    pub(crate) fn get(&self, id: Id) -> &Value {
        &self.values[id.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> &mut Value {
        &mut self.values[id.0 as usize]
    }

    /// An error at the instruction that made the value.
    pub(crate) fn wrong(&self, id: Id, expected: &str) -> PickleError {
        PickleError::new(self.offsets[id.0 as usize], format!("{} where {expected} must be", self.get(id).kind()))
    }

    pub(crate) fn refuse<T>(&self, id: Id, problem: impl Into<String>) -> Result<T> {
        Err(PickleError::new(self.offsets[id.0 as usize], problem))
    }

    pub(crate) fn text(&self, id: Id) -> Result<&str> {
        match self.get(id) {
            Value::Text(text) => Ok(text),
            _ => Err(self.wrong(id, "text")),
        }
    }

    pub(crate) fn int(&self, id: Id) -> Result<i64> {
        match self.get(id) {
            Value::Int(int) => Ok(*int),
            _ => Err(self.wrong(id, "an integer")),
        }
    }

    /// A count or position.
    pub(crate) fn size(&self, id: Id) -> Result<usize> {
        usize::try_from(self.int(id)?).map_err(|_| self.wrong(id, "a size"))
    }

    pub(crate) fn bytes(&self, id: Id) -> Result<&[u8]> {
        match self.get(id) {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.wrong(id, "bytes")),
        }
    }

    /// The items of a tuple or list.
    pub(crate) fn items(&self, id: Id) -> Result<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => Ok(items),
            _ => Err(self.wrong(id, "a tuple or list")),
        }
    }

    pub(crate) fn dict(&self, id: Id) -> Result<&[(Id, Id)]> {
        match self.get(id) {
            Value::Dict(items) => Ok(items),
            _ => Err(self.wrong(id, "a dictionary")),
        }
    }

    pub(crate) fn object(&self, id: Id) -> Option<&Object> {
        match self.get(id) {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The last value under a key of text; later ones replace earlier ones in Python as well.
    pub(crate) fn find(&self, dict: Id, key: &str) -> Result<Option<Id>> {
        let is_key = |id: Id| matches!(self.get(id), Value::Text(text) if &**text == key);
        Ok(self.dict(dict)?.iter().rev().find(|(id, _)| is_key(*id)).map(|(_, value)| *value))
    }

    /// The value under a key that has to be there.
    pub(crate) fn entry(&self, dict: Id, key: &str) -> Result<Id> {
        match self.find(dict, key)? {
            Some(value) => Ok(value),
            None => self.refuse(dict, format!("a dictionary without `{key}`")),
        }
    }

    /// The state that an object was built with.
    pub(crate) fn state(&self, id: Id) -> Result<Id> {
        match self.object(id).and_then(|object| object.state) {
            Some(state) => Ok(state),
            None => Err(self.wrong(id, "an object with a state")),
        }
    }

    /// The argument of a call at a position.
    pub(crate) fn argument(&self, id: Id, at: usize) -> Result<Id> {
        match self.object(id).and_then(|object| object.arguments.get(at)) {
            Some(argument) => Ok(*argument),
            None => self.refuse(id, format!("{} with too few arguments", self.get(id).kind())),
        }
    }
}
