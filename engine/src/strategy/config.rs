//! A strategy as a file states it: a kind by name, its settings, and the guards around it; checked against the data
//! before a run.

use std::{any::Any, borrow::Cow, fmt::Debug, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};
use thiserror::Error;

use super::{
    Strategy,
    exits::{ExitConfig, ExitTrigger, WithExits},
    guards::Guards,
    parameters::{Parameter, Range},
    q50::Q50Config,
    registry::Registry,
    settings::{Lack, Settings},
    shared::Shared,
    side::FollowSideConfig,
    sizing::{Method, SizingConfig, WithSizing},
    threshold::ThresholdConfig,
};
use crate::{
    market::{Column, Market, Signals},
    strategy::risk::{Limited, RiskConfig},
};

/// A strategy by name and settings; what a strategy file holds. Which kinds there are is said by the [`Registry`].
#[derive(Clone, Debug)]
pub struct StrategyConfig {
    settings: Arc<dyn Erased>,
    guards: Guards,
}

/// Why a strategy cannot run on a market.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The signals have not what the strategy reads.
    #[error("strategy '{strategy}' needs {needs}, and the signals have no such column: {remedy}")]
    Column {
        /// What people call the strategy.
        strategy: String,
        /// What it reads.
        needs: String,
        /// What does without it.
        remedy: &'static str,
    },
    /// The settings need bars that have not come.
    #[error("{option} reads bars that come later, so that it cannot be run one bar at a time: set {remedy}")]
    ReadsTheFuture {
        /// The option.
        option: &'static str,
        /// What does without.
        remedy: &'static str,
    },
    /// A number of the settings makes no sense.
    #[error("{path} is {found}, expected {expected}")]
    OutOfRange {
        /// Dotted path of the number.
        path: Cow<'static, str>,
        /// What it is.
        found: String,
        /// What it may be.
        expected: String,
    },
}

impl StrategyConfig {
    /// The strategy with these settings, with no exit and no limit around it.
    #[must_use]
    pub fn new<C: Settings>(settings: C) -> Self {
        Self { settings: Arc::new(settings), guards: Guards::default() }
    }

    /// The same strategy inside these exits.
    #[must_use]
    pub fn with_exits(mut self, exits: ExitConfig) -> Self {
        self.guards.exits = exits;
        self
    }

    /// The same strategy under these limits.
    #[must_use]
    pub fn with_limits(mut self, risk: RiskConfig) -> Self {
        self.guards.risk = risk;
        self
    }

    /// The same strategy with entries of these sizes; not for one that sizes them itself.
    #[must_use]
    pub fn with_sizing(mut self, sizing: SizingConfig) -> Self {
        self.guards.sizing = Some(sizing);
        self
    }

    /// The settings, where they are of this kind.
    #[must_use]
    pub fn settings<C: Settings>(&self) -> Option<&C> {
        self.settings.as_any().downcast_ref()
    }

    /// Exits and limits around the strategy.
    #[must_use]
    pub fn guards(&self) -> &Guards {
        &self.guards
    }

    /// The family that its trials belong to: the name of its kind.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.settings.name()
    }

    /// What people call the strategy.
    #[must_use]
    pub fn label(&self) -> String {
        self.settings.label()
    }

    /// Whether the strategy may send short sales.
    #[must_use]
    pub fn shorts(&self) -> bool {
        self.settings.shorts()
    }

    /// How many numbers somebody chose that conditions compare with; 0 where the kind has a fixed number of options.
    #[must_use]
    pub fn constants(&self) -> usize {
        self.settings.constants()
    }

    /// Whether conditions read more of the bars than closes.
    #[must_use]
    pub fn reads_bars(&self) -> bool {
        self.settings.reads_bars()
    }

    /// The same strategy without permission to send short sales.
    #[must_use]
    pub fn without_shorting(&self) -> Self {
        Self { settings: self.settings.without_shorting(), guards: self.guards }
    }

    /// The same strategy without what is spelling.
    #[must_use]
    pub fn canonical(&self) -> Self {
        Self { settings: self.settings.canonical(), guards: self.guards }
    }

    /// The distance of the bars that the strategy is made for, milliseconds; `None` for any.
    #[must_use]
    pub fn interval_ms(&self) -> Option<i64> {
        self.settings.interval_ms()
    }

    /// Hours between the settlements of funding that it keeps away from; `None` where it takes no notice of them.
    #[must_use]
    pub fn funding_hours(&self) -> Option<u32> {
        self.settings.funding_hours()
    }

    /// What the number at `path` may be that is no field of the settings but stands inside one.
    #[must_use]
    pub fn number_at(&self, path: &str) -> Option<Range> {
        self.settings.number_at(path)
    }

    /// The same strategy with these values at paths that [`StrategyConfig::number_at`] knows.
    ///
    /// # Errors
    /// The rule between numbers that they break together.
    pub fn with_numbers(&self, numbers: &[(&str, f64)]) -> Result<Self, String> {
        Ok(Self { settings: self.settings.with_numbers(numbers)?, guards: self.guards })
    }

    /// Whether the strategy asks the venue to close positions inside a bar.
    #[must_use]
    pub fn rests_orders(&self) -> bool {
        self.settings.rests_orders() || self.guards.exits.trigger == ExitTrigger::Intrabar
    }

    /// Whether the strategy places orders of its own, beside its decisions.
    #[must_use]
    pub fn places_orders(&self) -> bool {
        self.settings.stream(&self.guards).places_orders()
    }

    /// The numbers of the settings, in the order of the strategy file.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        [self.settings.parameters(), self.guards.parameters()].concat()
    }

    /// The signal columns that the strategy reads of those that are `there`.
    #[must_use]
    pub fn reads(&self, there: &Signals<'_>) -> Vec<Column> {
        let by_regime = self.guards.sizing.is_some_and(|sizing| sizing.by_regime);
        let volatility: &[Column] = if by_regime { &[Column::VolRaw, Column::VolRisk] } else { &[] };
        // A volatility that is not there is computed from closes.
        let read = |columns: &[Column]| -> Vec<Column> {
            let needed = self.sized_by(Method::needs);
            columns.iter().copied().filter(|column| there.has(*column) || needed.contains(column)).collect()
        };
        union(union(self.settings.reads(there), &read(self.sized_by(Method::reads))), &read(volatility))
    }

    /// Columns of the method that sizes the entries.
    fn sized_by(&self, columns: fn(Method) -> &'static [Column]) -> &'static [Column] {
        self.guards.sizing.map_or(&[], |sizing| columns(sizing.method))
    }

    /// Those of them without which it would hold on every bar.
    #[must_use]
    pub fn needs(&self, there: &Signals<'_>) -> Vec<Column> {
        union(self.settings.needs(there), self.sized_by(Method::needs))
    }

    /// Refuses a number out of its range, and a strategy whose columns are not there: it would hold on every bar and look
    /// like a result.
    ///
    /// # Errors
    /// Names the number, or the missing column and the setting that does without it.
    pub fn check(&self, signals: &Signals<'_>) -> Result<(), ConfigError> {
        for Parameter { path, range, value, .. } in self.parameters() {
            if let Some(found) = value.filter(|&value| !range.contains(value)) {
                let (found, expected) = (format!("{found:?}"), range.to_string());
                return Err(ConfigError::OutOfRange { path, found, expected });
            }
        }
        if let Some(sizing) = &self.guards.sizing {
            self.check_sizing(sizing)?;
        }
        let not_sized = self.sized_by(Method::needs).iter().find(|&&column| !signals.has(column)).map(|column| {
            let remedy = "give a file of quantile forecasts with --signals, or another sizing.method";
            Lack { needs: format!("the column '{}'", column.name()), remedy }
        });
        match self.settings.lacks(signals).or(not_sized) {
            Some(Lack { needs, remedy }) => Err(ConfigError::Column { strategy: self.label(), needs, remedy }),
            None => Ok(()),
        }
    }

    /// Refuses sizes that could never be found: the strategy would hold on every bar and look like a result.
    fn check_sizing(&self, sizing: &SizingConfig) -> Result<(), ConfigError> {
        let refuse = |path: &'static str, found: &str, expected: &str| {
            Err(ConfigError::OutOfRange { path: path.into(), found: found.to_owned(), expected: expected.to_owned() })
        };
        let ExitConfig { stop_loss, trailing_stop, .. } = self.guards.exits;
        let has_stop = stop_loss.or(trailing_stop).is_some() || self.settings.rests_orders();
        match sizing.method {
            method if !method.is_textbook() => {
                let names: Vec<&str> = Method::ALL.iter().filter(|m| m.is_textbook()).map(|m| m.name()).collect();
                refuse("sizing.method", method.name(), &format!("one that needs no q50: {}", names.join(", ")))
            }
            Method::Kelly if sizing.win_rate.is_none() || sizing.payoff.is_none() => {
                refuse("sizing.win_rate or sizing.payoff", "absent", "both: kelly begins with them")
            }
            Method::FixedFractional if !has_stop => {
                refuse("exits.stop_loss", "absent", "the stop by which fixed_fractional measures its sizes")
            }
            _ => Ok(()),
        }
    }

    /// The strategy before its first bar, to be fed one bar after the other.
    ///
    /// # Errors
    /// The settings read the future.
    pub fn stream(&self) -> Result<Box<dyn Strategy + Send>, ConfigError> {
        match self.settings.reads_the_future() {
            Some([option, remedy]) => Err(ConfigError::ReadsTheFuture { option, remedy }),
            None => Ok(self.settings.stream(&self.guards)),
        }
    }

    /// The strategy on `market`, with the columns that depend on the data alone computed.
    #[must_use]
    pub fn prepare(&self, market: &Market<'_>) -> Box<dyn Strategy + Send> {
        self.prepare_with(market, &Shared::default())
    }

    /// The strategy on `market`, with the columns that depend on the data alone taken from `shared`, which computes them
    /// the first time they are asked for. They must be of this market.
    #[must_use]
    pub fn prepare_with(&self, market: &Market<'_>, shared: &Shared) -> Box<dyn Strategy + Send> {
        self.settings.on_columns(&self.guards, market, shared)
    }

    /// Gives `host` the strategy of [`StrategyConfig::prepare_with`], those of q50 by their own type: a loop is then
    /// compiled for each and follows no pointer, which a sweep spends a tenth of its time on.
    pub fn host_with(&self, market: &Market<'_>, shared: &Shared, host: impl Host) {
        let guards = &self.guards;
        if let Some(q50) = self.settings::<Q50Config>() {
            return host.run(&mut guarded(q50.columns(guards, market, shared), guards));
        }
        if !self.settings.guarded(guards) {
            if let Some(threshold) = self.settings::<ThresholdConfig>() {
                return host.run(&mut threshold.strategy(guards));
            }
            if let Some(side) = self.settings::<FollowSideConfig>() {
                return host.run(&mut side.strategy(guards));
            }
        }
        host.run(self.prepare_with(market, shared).as_mut());
    }
}

/// What runs a strategy, whatever its type is.
pub trait Host {
    /// Runs `strategy` from its first bar on.
    fn run<S: Strategy + ?Sized>(self, strategy: &mut S);
}

impl PartialEq for StrategyConfig {
    fn eq(&self, other: &Self) -> bool {
        self.guards == other.guards && self.settings.equals(other.settings.as_any())
    }
}

impl Serialize for StrategyConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            kind: &'static str,
            #[serde(flatten)]
            settings: &'a dyn erased_serde::Serialize,
            #[serde(flatten)]
            guards: Option<&'a Guards>,
        }
        let guards = self.settings.guarded(&self.guards).then_some(&self.guards);
        Written { kind: self.family(), settings: self.settings.as_serialize(), guards }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StrategyConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut options = Map::deserialize(deserializer)?;
        let kinds = Registry::installed();
        let (read, sizes_itself) = match options.remove("kind") {
            Some(Value::String(name)) => {
                let read = kinds.reader(&name).ok_or_else(|| {
                    let names: Vec<String> = kinds.kinds().iter().map(|kind| format!("`{}`", kind.name())).collect();
                    D::Error::custom(format!("unknown variant `{name}`, expected one of {}", names.join(", ")))
                })?;
                (read, kinds.sizes_itself(&name))
            }
            _ => return Err(D::Error::missing_field("kind")),
        };
        let mut guards = Map::new();
        let sizing = (!sizes_itself).then_some("sizing");
        for section in ["exits", "risk"].into_iter().chain(sizing) {
            guards.extend(options.remove_entry(section));
        }
        let guards = serde_json::from_value(Value::Object(guards)).map_err(D::Error::custom)?;
        let settings = read(options).map_err(D::Error::custom)?;
        Ok(Self { settings: settings.into(), guards })
    }
}

/// [`Settings`] of any kind.
pub(super) trait Erased: Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn label(&self) -> String;
    fn as_any(&self) -> &dyn Any;
    fn as_serialize(&self) -> &dyn erased_serde::Serialize;
    fn equals(&self, other: &dyn Any) -> bool;
    fn guarded(&self, guards: &Guards) -> bool;
    fn parameters(&self) -> Vec<Parameter>;
    fn reads(&self, there: &Signals<'_>) -> Vec<Column>;
    fn needs(&self, there: &Signals<'_>) -> Vec<Column>;
    fn lacks(&self, there: &Signals<'_>) -> Option<Lack>;
    fn shorts(&self) -> bool;
    fn constants(&self) -> usize;
    fn reads_bars(&self) -> bool;
    fn without_shorting(&self) -> Arc<dyn Erased>;
    fn canonical(&self) -> Arc<dyn Erased>;
    fn interval_ms(&self) -> Option<i64>;
    fn funding_hours(&self) -> Option<u32>;
    fn rests_orders(&self) -> bool;
    fn number_at(&self, path: &str) -> Option<Range>;
    fn with_numbers(&self, numbers: &[(&str, f64)]) -> Result<Arc<dyn Erased>, String>;
    fn reads_the_future(&self) -> Option<[&'static str; 2]>;
    fn stream(&self, guards: &Guards) -> Box<dyn Strategy + Send>;
    fn on_columns(&self, guards: &Guards, market: &Market<'_>, shared: &Shared) -> Box<dyn Strategy + Send>;
}

impl<C: Settings> Erased for C {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn label(&self) -> String {
        Settings::label(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_serialize(&self) -> &dyn erased_serde::Serialize {
        self
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref() == Some(self)
    }

    fn guarded(&self, guards: &Guards) -> bool {
        C::GUARDED || *guards != Guards::default()
    }

    fn parameters(&self) -> Vec<Parameter> {
        Settings::parameters(self)
    }

    fn reads(&self, there: &Signals<'_>) -> Vec<Column> {
        Settings::reads(self, there)
    }

    fn needs(&self, there: &Signals<'_>) -> Vec<Column> {
        Settings::needs(self, there)
    }

    fn lacks(&self, there: &Signals<'_>) -> Option<Lack> {
        Settings::lacks(self, there)
    }

    fn shorts(&self) -> bool {
        Settings::shorts(self)
    }

    fn constants(&self) -> usize {
        Settings::constants(self)
    }

    fn reads_bars(&self) -> bool {
        Settings::reads_bars(self)
    }

    fn without_shorting(&self) -> Arc<dyn Erased> {
        Arc::new(Settings::without_shorting(self.clone()))
    }

    fn canonical(&self) -> Arc<dyn Erased> {
        Arc::new(Settings::canonical(self.clone()))
    }

    fn interval_ms(&self) -> Option<i64> {
        Settings::interval_ms(self)
    }

    fn funding_hours(&self) -> Option<u32> {
        Settings::funding_hours(self)
    }

    fn rests_orders(&self) -> bool {
        Settings::rests_orders(self)
    }

    fn number_at(&self, path: &str) -> Option<Range> {
        Settings::number_at(self, path)
    }

    fn with_numbers(&self, numbers: &[(&str, f64)]) -> Result<Arc<dyn Erased>, String> {
        Ok(Arc::new(Settings::with_numbers(self, numbers)?))
    }

    fn reads_the_future(&self) -> Option<[&'static str; 2]> {
        Settings::reads_the_future(self)
    }

    fn stream(&self, guards: &Guards) -> Box<dyn Strategy + Send> {
        let strategy = self.strategy(guards);
        if self.guarded(guards) { around(strategy, guards) } else { Box::new(strategy) }
    }

    fn on_columns(&self, guards: &Guards, market: &Market<'_>, shared: &Shared) -> Box<dyn Strategy + Send> {
        match Settings::on_columns(self, guards, market, shared) {
            Some(strategy) if self.guarded(guards) => around(strategy, guards),
            Some(strategy) => strategy,
            None => Erased::stream(self, guards),
        }
    }
}

/// Sizes go around the strategy alone, exits and limits around what comes of it.
fn around<S: Strategy + Send + 'static>(strategy: S, guards: &Guards) -> Box<dyn Strategy + Send> {
    match guards.sizing {
        Some(sizing) => Box::new(guarded(WithSizing::new(strategy, sizing, guards.exits), guards)),
        None => Box::new(guarded(strategy, guards)),
    }
}

/// Exits act on what the strategy holds, limits on what comes of both.
fn guarded<S: Strategy>(strategy: S, guards: &Guards) -> Limited<WithExits<S>> {
    Limited::new(WithExits::new(strategy, guards.exits), guards.risk)
}

/// Both, each column once.
fn union(mut columns: Vec<Column>, others: &[Column]) -> Vec<Column> {
    columns.extend(others.iter().filter(|other| !columns.contains(other)).copied().collect::<Vec<_>>());
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Fraction;

    #[test]
    fn a_strategy_without_its_columns_is_refused_with_a_remedy() {
        let error = StrategyConfig::new(FollowSideConfig::default()).check(&Signals::default()).unwrap_err();
        assert!(error.to_string().contains("'side'") && error.to_string().contains("--strategy q50"), "{error}");
    }

    /// Ledgers know trials by a hash of this text.
    #[test]
    fn the_written_form_is_that_of_the_trials_on_record() {
        let written = |config: &StrategyConfig| serde_json::to_string(config).unwrap();
        let threshold = StrategyConfig::new(ThresholdConfig::default());
        assert_eq!(written(&threshold), r#"{"kind":"threshold","entry":0.75,"exit":0.25,"size":1.0}"#);
        let side = StrategyConfig::new(FollowSideConfig::default());
        assert_eq!(written(&side), r#"{"kind":"side","size":1.0,"absent":"hold","allow_short":false}"#);
        let q50 = written(&StrategyConfig::new(Q50Config::default()));
        assert!(q50.starts_with(r#"{"kind":"q50","gate":{"significance":"expected_value","#), "{q50}");
        let end = concat!(
            r#""sell":"full","allow_short":false,"absent":"hold","#,
            r#""exits":{"stop_loss":null,"trailing_stop":null,"take_profit":null,"max_hours":null,"trigger":"close"},"#,
            r#""risk":{"max_drawdown":null,"cooldown_hours":null,"max_daily_loss":null}}"#
        );
        assert!(q50.ends_with(end), "{q50}");
    }

    #[test]
    fn every_strategy_may_have_exits_and_limits_and_is_read_as_it_was_written() {
        let exits = ExitConfig { stop_loss: Some(Fraction::new(0.1)), ..ExitConfig::default() };
        let risk = RiskConfig { max_drawdown: Some(Fraction::new(0.2)), ..RiskConfig::default() };
        for kind in Registry::installed().kinds() {
            for config in [kind.default_config(), kind.default_config().with_exits(exits).with_limits(risk)] {
                let read: StrategyConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
                assert_eq!(read, config);
                assert_eq!(read.guards(), config.guards());
            }
        }
    }

    #[test]
    fn what_is_no_option_of_a_strategy_or_its_guards_is_refused() {
        for (text, words) in [
            (r#"{"kind":"threshold","enter":1.0}"#, "unknown field `enter`"),
            (r#"{"kind":"threshold","exits":{"stop":0.1}}"#, "unknown field `stop`"),
            (r#"{"kind":"treshold"}"#, "unknown variant `treshold`, expected one of `q50`, `threshold`, `side`"),
            (r#"{"entry":1.0}"#, "missing field `kind`"),
        ] {
            let error = serde_json::from_str::<StrategyConfig>(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
