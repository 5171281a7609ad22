//! The section `parameters_schema`: what a form would show for a number. It affects no trade and is only checked.

use crate::{
    error::{Code, Error},
    program::Program,
    reader::Entry,
    sweep::{Limits, Slot},
};

pub(crate) fn check(section: &Entry<'_>, program: &Program) -> Result<(), Error> {
    for (path, entry) in section.mapping()?.entries() {
        let Some(limits) = Slot::find(path, program).and_then(|slot| slot.limits(program)) else {
            return Err(entry.fault_of_key(Code::SweepPath, format!("`{path}` leads to no number")));
        };
        check_number(&entry, limits)?;
    }
    Ok(())
}

fn check_number(entry: &Entry<'_>, limits: Limits) -> Result<(), Error> {
    let fields = entry.mapping()?;
    fields.only(&["type", "min", "max", "step", "default", "description"])?;
    let kind = fields.require("type")?;
    if kind.word(&[("int", true), ("float", false)])? != limits.whole {
        let expected = if limits.whole { "int" } else { "float" };
        return Err(kind.fault(Code::Conflict, format!("the number at this path is `{expected}`")));
    }
    if let Some(description) = fields.get("description") {
        description.text()?;
    }
    let number = |name: &str| -> Result<Option<(f64, Entry<'_>)>, Error> {
        let Some(entry) = fields.get(name) else { return Ok(None) };
        let (value, whole) = entry.number()?;
        if limits.whole && !whole {
            return Err(entry.fault(Code::BadType, "expected a whole number"));
        }
        Ok(Some((value, entry)))
    };
    if let Some((step, entry)) = number("step")?
        && !(step > 0.0 && step.is_finite())
    {
        return Err(entry.fault(Code::OutOfRange, format!("a step of {step} leads nowhere")));
    }
    let mut least = limits.least;
    for name in ["min", "default", "max"] {
        let Some((value, entry)) = number(name)? else { continue };
        if !limits.allow(value) {
            let message = format!("{value} is not from {} to {}", limits.least, limits.most);
            return Err(entry.fault(Code::OutOfRange, message));
        }
        if value < least {
            return Err(entry.fault(Code::Conflict, "`min` <= `default` <= `max` must hold"));
        }
        least = value;
    }
    Ok(())
}
