//! Strategies to begin with.

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        /// Names and texts of the templates.
        pub const TEMPLATES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../templates/", $name, ".yaml")))),*];
    };
}

templates![
    "ema_cross",
    "rsi_reversion",
    "macd_cross",
    "bollinger",
    "donchian_breakout",
    "keltner_trailing",
    "multi_timeframe",
    "ichimoku",
    "stochastic",
    "kama",
    "session",
    "atr_trailing",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, Program};

    #[test]
    fn every_template_is_a_strategy_of_its_name_that_uses_all_of_its_indicators() {
        assert_eq!(TEMPLATES.len(), 12);
        for (name, text) in TEMPLATES {
            let program = Program::read(text, &Catalog::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(program.name, *name);
            assert_eq!(program.unused().count(), 0, "{name}");
            assert!(program.extent().ends.is_some(), "{name}");
        }
    }
}
