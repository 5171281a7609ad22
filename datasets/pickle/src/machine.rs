//! The stack machine: bytes to a tree of values. It calls nothing.

use std::collections::HashMap;
use std::io::Read;

use crate::error::{PickleError, Result};
use crate::globals::Global;
use crate::input::Input;
use crate::tree::{Id, Object, Tree, Value};

/// A pickle may make this many values: an instruction of one byte makes one of forty.
const MOST_VALUES: usize = 1 << 24;

const NONE: Id = Id(0);
const FALSE: Id = Id(1);
const TRUE: Id = Id(2);

/// Runs a pickle to its end. The tree of its values, and the one that it describes.
pub(crate) fn run(bytes: impl Read, length: Option<u64>) -> Result<(Tree, Id)> {
    let mut tree = Tree::default();
    tree.push(Value::None, 0);
    tree.push(Value::Bool(false), 0);
    tree.push(Value::Bool(true), 0);
    let input = Input::new(bytes, length);
    let mut machine = Machine { input, tree, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new(), at: 0 };
    loop {
        machine.at = machine.input.position;
        if let Some(root) = machine.step()? {
            // To the end, where a compressed file has its checksum.
            machine.tree.trailing = machine.input.rest()?;
            return Ok((machine.tree, root));
        }
        if machine.tree.len() > MOST_VALUES {
            return machine.refuse(format!("more than {MOST_VALUES} values"));
        }
    }
}

struct Machine<R> {
    input: Input<R>,
    tree: Tree,
    stack: Vec<Id>,
    /// Heights of the stack that were marked.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// Position of the instruction.
    at: u64,
}

impl<R: Read> Machine<R> {
    fn refuse<T>(&self, problem: impl Into<String>) -> Result<T> {
        Err(PickleError::new(self.at, problem))
    }

    /// Runs one instruction. The value that the pickle describes, at its end.
    fn step(&mut self) -> Result<Option<Id>> {
        match self.input.byte()? {
            // PROTO
            0x80 => {
                let protocol = self.input.byte()?;
                if protocol > 5 {
                    return self.refuse(format!("protocol {protocol}, and the latest that is read is 5"));
                }
            }
            // FRAME
            0x95 => {
                let frame = u64::from_le_bytes(self.input.array()?);
                self.input.check(frame)?;
            }
            // STOP
            b'.' => return self.pop().map(Some),
            // MARK, POP, POP_MARK, DUP
            b'(' => self.marks.push(self.stack.len()),
            b'0' => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            opcode @ (b'N' | 0x88 | 0x89 | b'K' | b'M' | b'J' | 0x8a | 0x8b | b'G' | b'I' | b'L' | b'F') => {
                self.number(opcode)?;
            }
            opcode @ (0x8c | b'X' | 0x8d | b'V' | b'S' | b'T' | b'U' | b'C' | b'B' | 0x8e | 0x96) => {
                self.string(opcode)?;
            }
            opcode @ (b')' | b't' | 0x85 | 0x86 | 0x87 | b']' | b'a' | b'e' | b'l' | b'}' | b's' | b'u' | b'd') => {
                self.container(opcode)?;
            }
            // EMPTY_SET, ADDITEMS, FROZENSET: a frame has none, so that their items are not kept.
            0x8f => self.push(Value::Set),
            0x90 => drop(self.pop_to_mark()?),
            0x91 => {
                self.pop_to_mark()?;
                self.push(Value::Set);
            }
            opcode @ (b'q' | b'r' | b'p' | 0x94 | b'h' | b'j' | b'g') => self.memory(opcode)?,
            opcode @ (b'c' | 0x93 | b'R' | 0x81 | b'b') => self.object(opcode)?,
            opcode => {
                return match named(opcode) {
                    Some(name) => self.refuse(format!("{name}, which no frame needs: nothing is run or looked up")),
                    None => self.refuse(format!("{opcode:#04x}, which is no instruction of a pickle")),
                };
            }
        }
        Ok(None)
    }

    fn number(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            b'N' => self.stack.push(NONE),
            0x88 => self.stack.push(TRUE),
            0x89 => self.stack.push(FALSE),
            b'K' => {
                let int = self.input.byte()?;
                self.push(Value::Int(i64::from(int)));
            }
            b'M' => {
                let int = u16::from_le_bytes(self.input.array()?);
                self.push(Value::Int(i64::from(int)));
            }
            b'J' => {
                let int = i32::from_le_bytes(self.input.array()?);
                self.push(Value::Int(i64::from(int)));
            }
            // LONG1, LONG4
            0x8a => {
                let count = self.input.byte()?;
                self.long(u64::from(count))?;
            }
            0x8b => match u64::try_from(i32::from_le_bytes(self.input.array()?)) {
                Ok(count) => self.long(count)?,
                Err(_) => return self.refuse("an integer of a negative length"),
            },
            b'G' => {
                let float = f64::from_be_bytes(self.input.array()?);
                self.push(Value::Float(float));
            }
            // FLOAT
            b'F' => match self.input.line()?.parse() {
                Ok(float) => self.push(Value::Float(float)),
                Err(_) => return self.refuse("a float that is none"),
            },
            // INT, LONG: protocol 0 writes flags as 00 and 01, and the letter L after a long integer.
            _ => {
                let line = self.input.line()?;
                match (line.as_str(), line.trim_end_matches('L')) {
                    ("00", _) => self.stack.push(FALSE),
                    ("01", _) => self.stack.push(TRUE),
                    (_, digits) => match digits.parse() {
                        Ok(int) => self.push(Value::Int(int)),
                        Err(_) if digits.bytes().all(|b| b.is_ascii_digit() || b == b'-') => self.push(Value::Long),
                        Err(_) => return self.refuse("an integer that is none"),
                    },
                }
            }
        }
        Ok(())
    }

    /// An integer of `count` bytes, two's complement, little-endian.
    fn long(&mut self, count: u64) -> Result<()> {
        let bytes = self.input.take(count)?;
        if bytes.len() > 8 {
            self.push(Value::Long);
            return Ok(());
        }
        let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut int = [sign; 8];
        int[..bytes.len()].copy_from_slice(&bytes);
        self.push(Value::Int(i64::from_le_bytes(int)));
        Ok(())
    }

    fn string(&mut self, opcode: u8) -> Result<()> {
        let count = match opcode {
            0x8c | b'U' | b'C' => u64::from(self.input.byte()?),
            b'X' | b'B' => u64::from(u32::from_le_bytes(self.input.array()?)),
            // BINSTRING's is signed.
            b'T' => match u64::try_from(i32::from_le_bytes(self.input.array()?)) {
                Ok(count) => count,
                Err(_) => return self.refuse("text of a negative length"),
            },
            0x8d | 0x8e | 0x96 => u64::from_le_bytes(self.input.array()?),
            _ => 0,
        };
        let value = match opcode {
            // Bytes of Python 2 are text here: names of columns.
            0x8c | b'X' | 0x8d | b'T' | b'U' => Value::Text(self.input.text(count)?),
            b'C' | b'B' | 0x8e | 0x96 => Value::Bytes(self.input.take(count)?),
            b'V' => Value::Text(unicode(&self.input.line()?).ok_or_else(|| self.escape())?),
            _ => {
                let line = self.input.line()?;
                let inner = line.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                let inner = inner.or_else(|| line.strip_prefix('"')?.strip_suffix('"'));
                Value::Text(inner.filter(|text| !text.contains('\\')).ok_or_else(|| self.escape())?.into())
            }
        };
        self.push(value);
        Ok(())
    }

    fn escape(&self) -> PickleError {
        PickleError::new(self.at, "text with an escape that is not read")
    }

    fn container(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            b')' => self.push(Value::Tuple(Vec::new())),
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items));
            }
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                let from = self.floor(count)?;
                let items = self.stack.split_off(from);
                self.push(Value::Tuple(items));
            }
            b']' => self.push(Value::List(Vec::new())),
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Value::List(items));
            }
            b'}' => self.push(Value::Dict(Vec::new())),
            b'd' => {
                let items = self.pop_to_mark()?;
                let pairs = self.pairs(&items)?;
                self.push(Value::Dict(pairs));
            }
            b'a' | b'e' => {
                let items = if opcode == b'a' { vec![self.pop()?] } else { self.pop_to_mark()? };
                let list = self.top()?;
                match self.tree.get_mut(list) {
                    Value::List(list) => list.extend(items),
                    _ => return self.refuse("items for what is no list"),
                }
            }
            _ => {
                let items = if opcode == b's' {
                    let from = self.floor(2)?;
                    self.stack.split_off(from)
                } else {
                    self.pop_to_mark()?
                };
                let pairs = self.pairs(&items)?;
                let dict = self.top()?;
                match self.tree.get_mut(dict) {
                    Value::Dict(dict) => dict.extend(pairs),
                    _ => return self.refuse("entries for what is no dictionary"),
                }
            }
        }
        Ok(())
    }

    fn pairs(&self, items: &[Id]) -> Result<Vec<(Id, Id)>> {
        let (pairs, rest) = items.as_chunks::<2>();
        if rest.is_empty() {
            Ok(pairs.iter().map(|[k, v]| (*k, *v)).collect())
        } else {
            self.refuse("a key without a value")
        }
    }

    fn memory(&mut self, opcode: u8) -> Result<()> {
        let place = match opcode {
            b'q' | b'h' => u32::from(self.input.byte()?),
            b'r' | b'j' => u32::from_le_bytes(self.input.array()?),
            0x94 => u32::try_from(self.memo.len()).unwrap_or(u32::MAX),
            _ => match self.input.line()?.parse() {
                Ok(place) => place,
                Err(_) => return self.refuse("a place in the memo that is none"),
            },
        };
        if matches!(opcode, b'h' | b'j' | b'g') {
            match self.memo.get(&place) {
                Some(id) => self.stack.push(*id),
                None => return self.refuse(format!("place {place} of the memo, which holds nothing")),
            }
        } else {
            let top = self.top()?;
            self.memo.insert(place, top);
        }
        Ok(())
    }

    fn object(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.global(&module, &name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (name, module) = (self.tree.text(name)?.to_owned(), self.tree.text(module)?.to_owned());
                self.global(&module, &name)
            }
            // REDUCE, NEWOBJ
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let Value::Tuple(arguments) = self.tree.get(arguments) else {
                    return self.refuse("a call whose arguments are no tuple");
                };
                let arguments = arguments.clone();
                let function = match self.tree.get(function) {
                    Value::Global(function) => *function,
                    // `getattr(ZoneInfo, '_unpickle')`, the only one that is let through.
                    Value::Object(object) if object.function == Global::GetAttr => Global::ZoneInfo,
                    other => return self.refuse(format!("a call of {}", other.kind())),
                };
                let value = self.call(function, arguments)?;
                self.push(value);
                Ok(())
            }
            // BUILD
            _ => {
                let (state, object) = (self.pop()?, self.top()?);
                match self.tree.get_mut(object) {
                    Value::Object(object) => {
                        object.state = Some(state);
                        Ok(())
                    }
                    _ => self.refuse("a state for what is no object"),
                }
            }
        }
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let Some(global) = Global::of(module, name) else {
            let shown: String = format!("{module}.{name}").chars().take(80).collect();
            return self.refuse(format!("the name `{shown}`, which no frame needs: nothing was run"));
        };
        self.push(Value::Global(global));
        Ok(())
    }

    /// What a call stands for.
    fn call(&self, function: Global, arguments: Vec<Id>) -> Result<Value> {
        let values: Vec<&Value> = arguments.iter().map(|id| self.tree.get(*id)).collect();
        match (function, values.as_slice()) {
            // Protocol 2 has no bytes: they are text whose characters are their values.
            (Global::Encode, [Value::Text(text), Value::Text(codec)]) if matches!(&**codec, "latin1" | "latin-1") => {
                let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
                bytes.map_or_else(|| self.refuse("a character beyond latin-1"), |bytes| Ok(Value::Bytes(bytes)))
            }
            (Global::Bytes | Global::ByteArray, []) => Ok(Value::Bytes(Vec::new())),
            (Global::ByteArray, [Value::Bytes(bytes)]) => Ok(Value::Bytes(bytes.clone())),
            (Global::Set, [Value::List(_) | Value::Tuple(_)]) => Ok(Value::Set),
            (Global::GetAttr, [Value::Global(Global::ZoneInfo), Value::Text(name)]) if &**name == "_unpickle" => {
                Ok(object(function, arguments))
            }
            (Global::Slice, [_, _, _]) if values.iter().all(|v| matches!(v, Value::Int(_) | Value::None)) => {
                Ok(object(function, arguments))
            }
            (Global::Encode | Global::Bytes | Global::ByteArray | Global::Set | Global::GetAttr | Global::Slice, _) => {
                self.refuse(format!("a call of {function:?} with arguments that it does not take"))
            }
            _ => Ok(object(function, arguments)),
        }
    }

    fn push(&mut self, value: Value) {
        let id = self.tree.push(value, self.at);
        self.stack.push(id);
    }

    /// The height below which the stack belongs to an earlier mark, after `count` values were found above it.
    fn floor(&self, count: usize) -> Result<usize> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(from) if from >= floor => Ok(from),
            _ => self.refuse("an instruction that finds too little on the stack"),
        }
    }

    fn top(&self) -> Result<Id> {
        let from = self.floor(1)?;
        Ok(self.stack[from])
    }

    fn pop(&mut self) -> Result<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => self.refuse("an instruction that finds no mark"),
        }
    }
}

fn object(function: Global, arguments: Vec<Id>) -> Value {
    Value::Object(Box::new(Object { function, arguments, state: None }))
}

/// Text of protocol 0: `\u` and `\U` with hexadecimal digits, nothing else escaped (Python's raw-unicode-escape).
fn unicode(line: &str) -> Option<Box<str>> {
    let (mut text, mut rest) = (String::new(), line);
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let digits = match rest.as_bytes().get(at + 1)? {
            b'u' => 4,
            b'U' => 8,
            _ => return None,
        };
        let code = rest.get(at + 2..at + 2 + digits)?;
        text.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        rest = &rest[at + 2 + digits..];
    }
    text.push_str(rest);
    Some(text.into())
}

/// Instructions that exist and are refused.
fn named(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        b'P' => "PERSID, an object kept elsewhere",
        b'Q' => "BINPERSID, an object kept elsewhere",
        0x82..=0x84 => "EXT, a name from a registry",
        b'i' => "INST, a call",
        b'o' => "OBJ, a call",
        0x92 => "NEWOBJ_EX, a call",
        0x97 => "NEXT_BUFFER, a buffer kept outside the file",
        0x98 => "READONLY_BUFFER, a buffer kept outside the file",
        _ => return None,
    })
}
