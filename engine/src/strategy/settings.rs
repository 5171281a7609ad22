//! The interface for strategies: what a kind of strategy declares about itself, so that the command line, searches,
//! checks and reports need to know nothing else about it.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Shared, Strategy,
    guards::Guards,
    parameters::{Parameter, Range},
};
use crate::market::{Column, Market, Signals};

/// The settings of one kind of strategy, as its files have them, and everything that the rest has to know of it.
///
/// A file is `kind = NAME` with these settings beside it, and with the sections `exits` and `risk`, which every strategy
/// may have. Settings are written in the order of their fields: that form is the identity of a trial.
///
/// ```
/// use q50_engine::{
///     decision::{Budget, Decision, Intent, Order, Reason},
///     ledger::Account,
///     market::History,
///     strategy::{Guards, Settings, Strategy, StrategyConfig},
///     units::Fraction,
/// };
/// use serde::{Deserialize, Serialize};
///
/// /// Buys after a fall and sells after a rise.
/// #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Contrarian {}
///
/// impl Settings for Contrarian {
///     const NAME: &'static str = "contrarian";
///     const WORDS: &'static str = "buys after a fall and sells after a rise";
///     type Strategy = Self;
///
///     fn strategy(&self, _: &Guards) -> Self {
///         self.clone()
///     }
/// }
///
/// impl Strategy for Contrarian {
///     fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
///         let [.., before, last] = history.closes() else { return Decision::Hold(Reason::WarmUp) };
///         match account.position > 0.0 {
///             false if last < before => {
///                 let order = Order::Buy(Budget::Cash(Fraction::ONE));
///                 Decision::Act(Intent { order, reason: Reason::EnterLong })
///             }
///             true if last > before => {
///                 Decision::Act(Intent { order: Order::Sell(Fraction::ONE), reason: Reason::ExitLong })
///             }
///             _ => Decision::Hold(Reason::Neutral),
///         }
///     }
/// }
///
/// assert_eq!(StrategyConfig::new(Contrarian {}).family(), "contrarian");
/// ```
pub trait Settings: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Name in strategy files, on the command line and in the trial ledger.
    const NAME: &'static str;
    /// What it does, in a line of help.
    const WORDS: &'static str;
    /// Whether it always runs inside exits and limits, whose sections then are always written. Otherwise it does where one
    /// is set.
    const GUARDED: bool = false;
    /// Whether `sizing` is a section of these settings; otherwise that section sizes what the strategy enters.
    const SIZES_ITSELF: bool = false;

    /// The strategy, one bar at a time.
    type Strategy: Strategy + Send + 'static;

    /// What people call this one: the name of its kind, where it has none of its own.
    fn label(&self) -> String {
        Self::NAME.to_owned()
    }

    /// The strategy before its first bar. It has to know of the exits around it only where its sizes depend on them.
    fn strategy(&self, guards: &Guards) -> Self::Strategy;

    /// The same strategy on columns of `market`, row `t` of which follows from the rows up to `t` only and is what the
    /// stream makes of them, to the bit; columns that no setting changes are kept in `shared`. `None`, which is always
    /// right: as the stream.
    fn on_columns(&self, _guards: &Guards, _market: &Market<'_>, _shared: &Shared) -> Option<Box<dyn Strategy + Send>> {
        None
    }

    /// The option that needs bars which come later, so that there is no stream, and the one that does not.
    fn reads_the_future(&self) -> Option<[&'static str; 2]> {
        None
    }

    /// The numbers of these settings, in the order of the strategy file.
    fn parameters(&self) -> Vec<Parameter> {
        Vec::new()
    }

    /// What the number at `path` may be that is no field of these settings but stands inside one, as those of a program do;
    /// `None` where the path leads to none.
    fn number_at(&self, _path: &str) -> Option<Range> {
        None
    }

    /// The same settings with these values at paths that [`Settings::number_at`] knows.
    ///
    /// # Errors
    /// The rule between numbers that they break together.
    fn with_numbers(&self, _numbers: &[(&str, f64)]) -> Result<Self, String> {
        Ok(self.clone())
    }

    /// The signal columns that it reads of those that are `there`; its values of these are the identity of a trial.
    fn reads(&self, _there: &Signals<'_>) -> Vec<Column> {
        Vec::new()
    }

    /// Those of [`Settings::reads`] without which it would hold on every bar.
    fn needs(&self, there: &Signals<'_>) -> Vec<Column> {
        self.reads(there)
    }

    /// What it needs and is not `there`.
    fn lacks(&self, there: &Signals<'_>) -> Option<Lack> {
        let missing = self.needs(there).into_iter().find(|&column| !there.has(column))?;
        let needs = format!("the column '{}'", missing.name());
        Some(Lack { needs, remedy: "give a file that has it with --signals" })
    }

    /// The distance of the bars that it is made for, milliseconds; `None` for any.
    fn interval_ms(&self) -> Option<i64> {
        None
    }

    /// Hours between the settlements of funding that it keeps away from; `None` where it takes no notice of them.
    fn funding_hours(&self) -> Option<u32> {
        None
    }

    /// Whether it asks the venue to close positions inside a bar, whatever the exits around it do.
    fn rests_orders(&self) -> bool {
        false
    }

    /// Whether it may send short sales.
    fn shorts(&self) -> bool {
        false
    }

    /// How many numbers somebody chose that conditions compare with: enough of them describe a record by heart.
    fn constants(&self) -> usize {
        0
    }

    /// Whether its conditions read more of the bars than closes: opens, highs, lows or volumes.
    fn reads_bars(&self) -> bool {
        false
    }

    /// The same settings without permission to sell short, where that is the market's to give; not where it is the
    /// strategy's own choice which sides it enters.
    #[must_use]
    fn without_shorting(self) -> Self {
        self
    }

    /// The form in which a trial is known: the same settings without what is spelling.
    #[must_use]
    fn canonical(self) -> Self {
        self
    }
}

/// What a strategy needs and the signals have not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What it needs.
    pub needs: String,
    /// What does without it.
    pub remedy: &'static str,
}
