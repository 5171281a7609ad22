//! Records how a file was read, so that nothing is assumed silently.

use std::fmt;

use serde::Serialize;

use crate::compression::Compression;
use crate::input::Input;
use crate::source::Format;
use crate::time::TimeForm;

/// How a file was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The file's name, without its folder.
    pub file: String,
    /// Of a list of sources the one that answered; `None` where there was no choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What it holds.
    pub format: Format,
    /// How it is packed; `None` for a plain file.
    pub compression: Option<Compression>,
    /// How its moments are written; `None` where no time column was read.
    pub time_form: Option<TimeForm>,
    /// Whether it has no header and its columns were known by their number (Binance klines).
    pub assumed_names: bool,
}

impl Reading {
    pub(crate) fn new(input: &Input, format: Format, compression: Option<Compression>) -> Self {
        let path = input.path();
        let file =
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        Self {
            file,
            source: input.source().map(str::to_owned),
            format,
            compression,
            time_form: None,
            assumed_names: false,
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.format.name())?;
        if let Some(compression) = self.compression {
            write!(f, " in {}", compression.name())?;
        }
        if let Some(source) = &self.source {
            write!(f, " of {source}")?;
        }
        if self.assumed_names {
            f.write_str(if self.format == Format::Json {
                ", no names, columns of candles"
            } else {
                ", no header, columns of Binance klines"
            })?;
        }
        if let Some(form) = self.time_form {
            write!(f, ", {}", form.text())?;
        }
        Ok(())
    }
}
