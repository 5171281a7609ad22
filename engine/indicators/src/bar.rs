//! The part of a bar that an indicator reads.

/// One bar; prices in quote units for one unit of base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Epoch milliseconds (UTC) at which the bar opened.
    pub open_time: i64,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Units of base that were traded; `NaN` where the record does not say.
    pub volume: f64,
}

impl Bar {
    /// Mean of highest, lowest and last price: the typical price.
    #[must_use]
    pub fn typical(&self) -> f64 {
        (self.high + self.low + self.close) / 3.0
    }
}

/// The number of a bar that an indicator is computed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    #[default]
    Close,
    /// Traded units.
    Volume,
    /// Mean of highest and lowest price.
    Hl2,
    /// Mean of highest, lowest and last price.
    Hlc3,
    /// Mean of the four prices.
    Ohlc4,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 8] =
        [Self::Open, Self::High, Self::Low, Self::Close, Self::Volume, Self::Hl2, Self::Hlc3, Self::Ohlc4];

    /// Its word in strategy files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::Volume => "volume",
            Self::Hl2 => "hl2",
            Self::Hlc3 => "hlc3",
            Self::Ohlc4 => "ohlc4",
        }
    }

    /// The source with this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.word() == word)
    }

    /// Its value at `bar`.
    #[must_use]
    pub fn of(self, bar: &Bar) -> f64 {
        match self {
            Self::Open => bar.open,
            Self::High => bar.high,
            Self::Low => bar.low,
            Self::Close => bar.close,
            Self::Volume => bar.volume,
            Self::Hl2 => (bar.high + bar.low) / 2.0,
            Self::Hlc3 => bar.typical(),
            Self::Ohlc4 => (bar.open + bar.high + bar.low + bar.close) / 4.0,
        }
    }
}
