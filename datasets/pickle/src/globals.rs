//! The names that frames need; no others are allowed.

/// An allowed name of Python, by what it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    Ndarray,
    Dtype,
    Reconstruct,
    FromBuffer,
    DataFrame,
    BlockManager,
    UnpickleBlock,
    NdArrayBacked,
    NewIndex,
    NewDatetimeIndex,
    Index,
    DatetimeIndex,
    MultiIndex,
    RangeIndex,
    DatetimeArray,
    StringArray,
    ArrowStringArray,
    MaskedArray,
    Categorical,
    /// A type of pandas that has nothing to read.
    PandasDtype,
    DatetimeTzDtype,
    CategoricalDtype,
    Na,
    /// A time zone or an offset: a label, because instants are stored in UTC.
    Zone,
    ZoneInfo,
    GetAttr,
    Frequency,
    Slice,
    Bytes,
    ByteArray,
    Set,
    Encode,
    Datetime,
    Timestamp,
    ArrowArray,
    ArrowType,
    ArrowBuffer,
}

impl Global {
    /// The name, if it is allowed. A dot in `name` would be a chain of attributes, and no allowed name has one.
    pub(crate) fn of(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("numpy", "ndarray") => Self::Ndarray,
            ("numpy", "dtype") => Self::Dtype,
            ("numpy._core.multiarray" | "numpy.core.multiarray", "_reconstruct") => Self::Reconstruct,
            ("numpy._core.numeric" | "numpy.core.numeric", "_frombuffer") => Self::FromBuffer,
            ("pandas" | "pandas.core.frame", "DataFrame") => Self::DataFrame,
            ("pandas.core.internals.managers", "BlockManager") => Self::BlockManager,
            ("pandas._libs.internals", "_unpickle_block") => Self::UnpickleBlock,
            ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked") => Self::NdArrayBacked,
            ("pandas.core.indexes.base", "_new_Index") => Self::NewIndex,
            ("pandas.core.indexes.datetimes", "_new_DatetimeIndex") => Self::NewDatetimeIndex,
            ("pandas" | "pandas.core.indexes.base", "Index") => Self::Index,
            ("pandas.core.indexes.numeric", "Int64Index" | "Float64Index" | "UInt64Index") => Self::Index,
            ("pandas" | "pandas.core.indexes.datetimes", "DatetimeIndex") => Self::DatetimeIndex,
            ("pandas" | "pandas.core.indexes.multi", "MultiIndex") => Self::MultiIndex,
            ("pandas" | "pandas.core.indexes.range", "RangeIndex") => Self::RangeIndex,
            ("pandas.arrays" | "pandas.core.arrays.datetimes", "DatetimeArray") => Self::DatetimeArray,
            ("pandas.arrays" | "pandas.core.arrays.string_", "StringArray") => Self::StringArray,
            ("pandas.arrays" | "pandas.core.arrays.string_arrow", "ArrowStringArray") => Self::ArrowStringArray,
            ("pandas.arrays" | "pandas.core.arrays.boolean", "BooleanArray") => Self::MaskedArray,
            ("pandas.arrays" | "pandas.core.arrays.integer", "IntegerArray") => Self::MaskedArray,
            ("pandas.arrays" | "pandas.core.arrays.floating", "FloatingArray") => Self::MaskedArray,
            ("pandas" | "pandas.core.arrays.categorical", "Categorical") => Self::Categorical,
            ("pandas" | "pandas.core.dtypes.dtypes", "DatetimeTZDtype") => Self::DatetimeTzDtype,
            ("pandas" | "pandas.core.dtypes.dtypes", "CategoricalDtype") => Self::CategoricalDtype,
            ("pandas" | "pandas.core.arrays.string_", "StringDtype") => Self::PandasDtype,
            ("pandas" | "pandas.core.arrays.boolean", "BooleanDtype") => Self::PandasDtype,
            ("pandas" | "pandas.core.arrays.floating", "Float32Dtype" | "Float64Dtype") => Self::PandasDtype,
            ("pandas" | "pandas.core.arrays.integer", "Int8Dtype" | "Int16Dtype" | "Int32Dtype" | "Int64Dtype") => {
                Self::PandasDtype
            }
            ("pandas" | "pandas.core.arrays.integer", "UInt8Dtype" | "UInt16Dtype" | "UInt32Dtype" | "UInt64Dtype") => {
                Self::PandasDtype
            }
            ("pandas" | "pandas._libs.missing", "NA") => Self::Na,
            ("pytz", "_UTC" | "_p" | "FixedOffset") | ("datetime", "timezone" | "timedelta") => Self::Zone,
            ("zoneinfo", "ZoneInfo") => Self::ZoneInfo,
            ("builtins" | "__builtin__", "getattr") => Self::GetAttr,
            ("builtins" | "__builtin__", "slice") => Self::Slice,
            ("builtins" | "__builtin__", "bytes") => Self::Bytes,
            ("builtins" | "__builtin__", "bytearray") => Self::ByteArray,
            ("builtins" | "__builtin__", "set" | "frozenset") => Self::Set,
            ("_codecs", "encode") => Self::Encode,
            ("datetime", "datetime") => Self::Datetime,
            ("pandas._libs.tslibs.timestamps", "_unpickle_timestamp") => Self::Timestamp,
            ("pyarrow.lib", "_restore_array") => Self::ArrowArray,
            ("pyarrow.lib", "type_for_alias") => Self::ArrowType,
            ("pyarrow.lib", "py_buffer") => Self::ArrowBuffer,
            ("pandas._libs.tslibs.offsets", name) if is_identifier(name) => Self::Frequency,
            _ => return None,
        })
    }
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with('_') && !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())
}
