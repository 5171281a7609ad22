//! The labels of rows and columns.

use crate::array::{taken, values};
use crate::error::Result;
use crate::globals::Global;
use crate::tree::{Id, Tree, Value};
use crate::values::Values;

/// One level of the labels of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// A label a row.
    pub values: Values,
}

/// An index: levels of labels, or the numbers of the rows, of which there are as many as stated.
pub(crate) enum Index {
    Levels(Vec<Level>),
    Range { name: Option<String>, start: i64, step: i64, rows: usize },
}

impl Index {
    pub(crate) fn of(tree: &Tree, id: Id) -> Result<Self> {
        let Some(object) = tree.object(id) else { return Err(tree.wrong(id, "an index")) };
        if !matches!(object.function, Global::NewIndex | Global::NewDatetimeIndex) {
            return Err(tree.wrong(id, "an index"));
        }
        let (class, parts) = (tree.argument(id, 0)?, tree.argument(id, 1)?);
        let name = tree.find(parts, "name")?.map_or(Ok(None), |name| named(tree, name))?;
        match tree.get(class) {
            Value::Global(Global::RangeIndex) => {
                let part = |key: &str| tree.int(tree.entry(parts, key)?);
                let (start, stop, step) = (part("start")?, part("stop")?, part("step")?);
                match rows(start, stop, step) {
                    Some(rows) => Ok(Self::Range { name, start, step, rows }),
                    None => tree.refuse(id, "a range of rows without end"),
                }
            }
            Value::Global(Global::MultiIndex) => levels(tree, id, parts).map(Self::Levels),
            Value::Global(Global::Index | Global::DatetimeIndex) => {
                Ok(Self::Levels(vec![Level { name, values: values(tree, tree.entry(parts, "data")?)? }]))
            }
            _ => Err(tree.wrong(class, "the class of an index")),
        }
    }

    /// Number of labels.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Levels(levels) => levels.first().map_or(0, |level| level.values.len()),
            Self::Range { rows, .. } => *rows,
        }
    }

    /// Its levels; the plain numbers of rows are none.
    pub(crate) fn into_levels(self) -> Vec<Level> {
        match self {
            Self::Levels(levels) => levels,
            Self::Range { name: None, .. } => Vec::new(),
            Self::Range { name, start, step, rows } => {
                let label = |row: usize| i64::try_from(row).ok()?.checked_mul(step)?.checked_add(start);
                vec![Level { name, values: Values::Int((0..rows).map(label).collect()) }]
            }
        }
    }
}

/// Number of steps from `start` to before `stop`; `None` where the step is 0.
pub(crate) fn rows(start: i64, stop: i64, step: i64) -> Option<usize> {
    let distance = i128::from(stop) - i128::from(start);
    let (distance, step) = if step < 0 { (-distance, -i128::from(step)) } else { (distance, i128::from(step)) };
    if step == 0 {
        None
    } else {
        usize::try_from(distance.max(0).div_euclid(step) + i128::from(distance.max(0) % step > 0)).ok()
    }
}

/// The labels of an index of one level.
pub(crate) fn only_level(tree: &Tree, id: Id) -> Result<Values> {
    match Index::of(tree, id)? {
        Index::Levels(mut levels) if levels.len() == 1 => Ok(levels.remove(0).values),
        Index::Range { rows: 0, .. } => Ok(Values::Text(Vec::new())),
        _ => tree.refuse(id, "an index of other than one level of labels"),
    }
}

fn levels(tree: &Tree, id: Id, parts: Id) -> Result<Vec<Level>> {
    let (labels, codes) = (tree.items(tree.entry(parts, "levels")?)?, tree.items(tree.entry(parts, "codes")?)?);
    let names = tree.items(tree.entry(parts, "names")?)?;
    if labels.len() != codes.len() || labels.len() != names.len() || labels.is_empty() {
        return tree.refuse(id, "an index whose levels, codes and names are not as many");
    }
    let mut levels: Vec<Level> = Vec::with_capacity(labels.len());
    for ((labels, codes), name) in labels.iter().zip(codes).zip(names) {
        let Values::Int(rows) = values(tree, *codes)? else { return Err(tree.wrong(*codes, "integer codes")) };
        let values = taken(tree, *codes, &only_level(tree, *labels)?, rows)?;
        if levels.first().is_some_and(|first| first.values.len() != values.len()) {
            return tree.refuse(*codes, "levels of an index of different lengths");
        }
        levels.push(Level { name: named(tree, *name)?, values });
    }
    Ok(levels)
}

fn named(tree: &Tree, id: Id) -> Result<Option<String>> {
    match tree.get(id) {
        Value::None => Ok(None),
        Value::Text(text) => Ok(Some(text.to_string())),
        Value::Int(int) => Ok(Some(int.to_string())),
        _ => Err(tree.wrong(id, "a name")),
    }
}
