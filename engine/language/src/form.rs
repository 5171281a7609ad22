//! The section `parameters_schema`: what a form would show for a number. It affects no trade and is only checked.

use q50_engine::strategy::parameters::Range;

use crate::{
    error::{Code, Error},
    program::Program,
    reader::Entry,
    slot::Slot,
};

pub(crate) fn check(section: &Entry<'_>, program: &Program) -> Result<(), Error> {
    for (path, entry) in section.mapping()?.entries() {
        let Some(range) = Slot::find(path, program).and_then(|slot| slot.range(program)) else {
            return Err(entry.fault_of_key(Code::SweepPath, format!("`{path}` leads to no number")));
        };
        check_number(&entry, range)?;
    }
    Ok(())
}

fn check_number(entry: &Entry<'_>, range: Range) -> Result<(), Error> {
    let fields = entry.mapping()?;
    fields.only(&["type", "min", "max", "step", "default", "description"])?;
    let kind = fields.require("type")?;
    if kind.word(&[("int", true), ("float", false)])? != range.is_whole() {
        let expected = if range.is_whole() { "int" } else { "float" };
        return Err(kind.fault(Code::Conflict, format!("the number at this path is `{expected}`")));
    }
    if let Some(description) = fields.get("description") {
        description.text()?;
    }
    let number = |name: &str| -> Result<Option<(f64, Entry<'_>)>, Error> {
        let Some(entry) = fields.get(name) else { return Ok(None) };
        let (value, whole) = entry.number()?;
        if range.is_whole() && !whole {
            return Err(entry.fault(Code::BadType, "expected a whole number"));
        }
        Ok(Some((value, entry)))
    };
    if let Some((step, entry)) = number("step")?
        && !(step > 0.0 && step.is_finite())
    {
        return Err(entry.fault(Code::OutOfRange, format!("a step of {step} leads nowhere")));
    }
    let mut least = f64::NEG_INFINITY;
    for name in ["min", "default", "max"] {
        let Some((value, entry)) = number(name)? else { continue };
        if !range.contains(value) {
            return Err(entry.fault(Code::OutOfRange, format!("{value} is not {range}")));
        }
        if value < least {
            return Err(entry.fault(Code::Conflict, "`min` <= `default` <= `max` must hold"));
        }
        least = value;
    }
    Ok(())
}
