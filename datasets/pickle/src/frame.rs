//! A frame: columns in blocks of one kind, put in their places beside the row labels.
//!
//! `pandas/core/internals/managers.py` (`BlockManager.__reduce__`, `__setstate__`).

use crate::array::{Array, values};
use crate::error::Result;
use crate::globals::Global;
use crate::index::{self, Index, Level};
use crate::tree::{Id, Tree, Value};
use crate::values::Values;

/// Keys under which dictionaries hold their frame, in the order of preference.
const KEYS: [&str; 2] = ["signals", "macro_features"];

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name, of pairs the second.
    pub name: String,
    /// A value a row.
    pub values: Values,
}

/// A frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Number of rows.
    pub rows: usize,
    /// Levels of the labels of rows; none where the rows are numbered.
    pub levels: Vec<Level>,
    /// Columns in their order, no two of one name.
    pub columns: Vec<Column>,
    /// Bytes after the end of the pickle, which mean nothing.
    pub trailing: u64,
}

pub(crate) fn frame(tree: &Tree, root: Id, key: Option<&str>) -> Result<Frame> {
    let id = chosen(tree, root, key)?;
    let state = tree.state(id)?;
    let manager = tree.find(state, "_mgr")?.map_or_else(|| tree.entry(state, "_data"), Ok)?;
    if tree.object(manager).is_none_or(|object| object.function != Global::BlockManager) {
        return Err(tree.wrong(manager, "the blocks of a frame"));
    }
    let (blocks, axes) = parts(tree, manager)?;
    let [names, rows] = tree.items(axes)? else { return Err(tree.wrong(axes, "two axes")) };
    let (names, index) = (column_names(tree, *names)?, Index::of(tree, *rows)?);
    let rows = index.len();
    let mut columns: Vec<Option<Values>> = vec![None; names.len()];
    for block in blocks {
        fill(tree, &block, rows, &mut columns)?;
    }
    let columns = names.into_iter().zip(columns).map(|(name, values)| match values {
        Some(values) => Ok(Column { name, values }),
        None => tree.refuse(manager, format!("no values for column `{name}`")),
    });
    Ok(Frame { rows, columns: columns.collect::<Result<_>>()?, levels: index.into_levels(), trailing: tree.trailing })
}

/// The frame among what the pickle holds.
fn chosen(tree: &Tree, root: Id, key: Option<&str>) -> Result<Id> {
    let is_frame = |id: Id| tree.object(id).is_some_and(|object| object.function == Global::DataFrame);
    let Value::Dict(entries) = tree.get(root) else {
        return match (is_frame(root), key) {
            (true, None) => Ok(root),
            (true, Some(key)) => tree.refuse(root, format!("a frame, and no dictionary with `{key}`")),
            (false, _) => tree.refuse(root, format!("{} instead of a pandas DataFrame", tree.get(root).kind())),
        };
    };
    let wanted = key.map_or(KEYS.as_slice().to_vec(), |key| vec![key]);
    for key in wanted {
        if let Some(id) = tree.find(root, key)? {
            return if is_frame(id) { Ok(id) } else { Err(tree.wrong(id, "a pandas DataFrame")) };
        }
    }
    let frames: Vec<&str> =
        entries.iter().filter(|(_, id)| is_frame(*id)).filter_map(|(key, _)| tree.text(*key).ok()).take(8).collect();
    tree.refuse(root, format!("a dictionary; the keys of its frames are: {}", frames.join(", ")))
}

/// Values of a block, and the columns that they belong to.
struct Block {
    values: Id,
    place: Id,
}

fn parts(tree: &Tree, manager: Id) -> Result<(Vec<Block>, Id)> {
    let arguments = tree.object(manager).map_or(&[][..], |object| &object.arguments);
    if let [blocks, axes] = arguments {
        let block = |id: &Id| match tree.object(*id) {
            Some(object) if object.function == Global::UnpickleBlock => {
                Ok(Block { values: tree.argument(*id, 0)?, place: tree.argument(*id, 1)? })
            }
            _ => Err(tree.wrong(*id, "a block of columns")),
        };
        return Ok((tree.items(*blocks)?.iter().map(block).collect::<Result<_>>()?, *axes));
    }
    // pandas before 1.3
    let state = tree.state(manager)?;
    let [_, _, _, versions] = tree.items(state)? else { return Err(tree.wrong(state, "the blocks of a frame")) };
    let parts = tree.entry(*versions, "0.14.1")?;
    let block = |id: &Id| Ok(Block { values: tree.entry(*id, "values")?, place: tree.entry(*id, "mgr_locs")? });
    let blocks = tree.items(tree.entry(parts, "blocks")?)?.iter().map(block).collect::<Result<_>>()?;
    Ok((blocks, tree.entry(parts, "axes")?))
}

fn column_names(tree: &Tree, id: Id) -> Result<Vec<String>> {
    let labels = match Index::of(tree, id)? {
        Index::Range { rows: 0, .. } => return Ok(Vec::new()),
        Index::Range { .. } => return tree.refuse(id, "columns that are numbered; give them names"),
        // Of pairs such as (feature, name) the last.
        Index::Levels(mut levels) => levels.pop().map(|level| level.values),
    };
    let names: Option<Vec<String>> = match labels {
        Some(Values::Text(names)) => names.into_iter().collect(),
        _ => None,
    };
    let Some(names) = names else { return tree.refuse(id, "columns whose names are not text") };
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => tree.refuse(id, format!("two columns of the name `{}`", pair[0])),
        None => Ok(names),
    }
}

/// Puts the columns of a block into their places.
fn fill(tree: &Tree, block: &Block, rows: usize, columns: &mut [Option<Values>]) -> Result<()> {
    let places = places(tree, block.place, columns.len())?;
    let array = Array::of(tree, block.values)?;
    let wide = array.as_ref().is_some_and(|array| array.shape.len() == 2);
    let whole = match &array {
        Some(array) if wide => array.columns() == places.len() && array.rows() == rows,
        _ => places.len() == 1,
    };
    if !whole {
        return tree.refuse(block.values, format!("a block that is not of {} columns and {rows} rows", places.len()));
    }
    for (at, place) in places.into_iter().enumerate() {
        let values = match &array {
            Some(array) if wide => array.column(tree, at)?,
            _ => values(tree, block.values)?,
        };
        if values.len() != rows {
            return tree.refuse(block.values, format!("{} values for {rows} rows", values.len()));
        }
        match columns.get_mut(place) {
            Some(empty @ None) => *empty = Some(values),
            Some(Some(_)) => return tree.refuse(block.place, "two blocks for one column"),
            None => return tree.refuse(block.place, format!("a place beyond the {} columns", columns.len())),
        }
    }
    Ok(())
}

/// The columns of a block: a slice, or an array of positions; at most `most`.
fn places(tree: &Tree, id: Id, most: usize) -> Result<Vec<usize>> {
    let beyond = || tree.wrong(id, "places of columns that are there");
    if tree.object(id).is_some_and(|object| object.function == Global::Slice) {
        let part = |at: usize, default: i64| {
            let part = tree.argument(id, at)?;
            if matches!(tree.get(part), Value::None) { Ok(default) } else { tree.int(part) }
        };
        let (start, step) = (part(0, 0)?, part(2, 1)?);
        let stop = part(1, i64::try_from(most).unwrap_or(i64::MAX))?;
        let count = index::rows(start, stop, step).filter(|count| *count <= most).ok_or_else(beyond)?;
        let place = |at: usize| usize::try_from(i64::try_from(at).ok()?.checked_mul(step)?.checked_add(start)?).ok();
        return (0..count).map(|at| place(at).ok_or_else(beyond)).collect();
    }
    match values(tree, id)? {
        Values::Int(places) if places.len() <= most => {
            places.into_iter().map(|place| usize::try_from(place.unwrap_or(-1)).map_err(|_| beyond())).collect()
        }
        _ => Err(beyond()),
    }
}
