//! The kinds of strategies known by name: those of q50, and those that a user's own program adds.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::{
    StrategyConfig, config::Erased, q50::Q50Config, settings::Settings, side::FollowSideConfig,
    threshold::ThresholdConfig,
};

/// Kinds of strategies by name.
#[derive(Clone, Debug)]
pub struct Registry {
    kinds: Vec<Kind>,
    /// Kinds whose settings are the whole rule.
    written: Vec<(&'static str, Read)>,
}

/// Settings from the options of a file.
pub(super) type Read = fn(Map<String, Value>) -> serde_json::Result<Box<dyn Erased>>;

/// One kind of strategy.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    name: &'static str,
    words: &'static str,
    default: fn() -> StrategyConfig,
    read: Read,
    sizes_itself: bool,
}

fn read<C: Settings>(options: Map<String, Value>) -> serde_json::Result<Box<dyn Erased>> {
    Ok(Box::new(serde_json::from_value::<C>(Value::Object(options))?))
}

impl Kind {
    fn of<C: Settings + Default>() -> Self {
        Self {
            name: C::NAME,
            words: C::WORDS,
            default: || StrategyConfig::new(C::default()),
            read: read::<C>,
            sizes_itself: C::SIZES_ITSELF,
        }
    }

    /// Name in strategy files, on the command line and in the trial ledger.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does, in a line.
    #[must_use]
    pub fn words(&self) -> &'static str {
        self.words
    }

    /// The strategy where nothing is said.
    #[must_use]
    pub fn default_config(&self) -> StrategyConfig {
        (self.default)()
    }
}

impl Default for Registry {
    /// The strategies of q50.
    fn default() -> Self {
        Self { kinds: Vec::new(), written: Vec::new() }
            .with::<Q50Config>()
            .with::<ThresholdConfig>()
            .with::<FollowSideConfig>()
    }
}

impl Registry {
    /// These kinds and that of `C`.
    ///
    /// # Panics
    /// There is a kind of that name.
    #[must_use]
    pub fn with<C: Settings + Default>(mut self) -> Self {
        assert!(self.reader(C::NAME).is_none(), "two strategies are called {}", C::NAME);
        self.kinds.push(Kind::of::<C>());
        self
    }

    /// These kinds and that of `C`, whose settings are the whole rule, as a program in a file is: such a strategy has no
    /// default, and so cannot be named, and it knows nothing that its settings do not say.
    ///
    /// # Panics
    /// There is a kind of that name.
    #[must_use]
    pub fn with_written<C: Settings>(mut self) -> Self {
        const { assert!(!C::SIZES_ITSELF, "what is written has no section `sizing` of its own") };
        assert!(self.reader(C::NAME).is_none(), "two strategies are called {}", C::NAME);
        self.written.push((C::NAME, read::<C>));
        self
    }

    /// Whether the settings of the kind of this name are the whole rule.
    #[must_use]
    pub fn is_written(&self, name: &str) -> bool {
        self.written.iter().any(|(written, _)| *written == name)
    }

    /// Whether `sizing` is a section of the settings of the kind of this name.
    pub(super) fn sizes_itself(&self, name: &str) -> bool {
        self.kind(name).is_some_and(|kind| kind.sizes_itself)
    }

    /// What reads the settings of the kind of this name.
    pub(super) fn reader(&self, name: &str) -> Option<Read> {
        let written = self.written.iter().find(|(written, _)| *written == name);
        self.kind(name).map(|kind| kind.read).or(written.map(|(_, read)| *read))
    }

    /// The kind of this name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// Every kind, in the order in which they were added.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Makes these the kinds of the whole process, for files and names that are read from now on. Once, before the first is
    /// read; where nobody does, the strategies of q50 are known.
    ///
    /// # Panics
    /// A registry is in use already.
    pub fn install(self) {
        assert!(REGISTRY.set(self).is_ok(), "strategies are registered once, before the first is read");
    }

    /// The kinds of this process.
    #[must_use]
    pub fn installed() -> &'static Self {
        REGISTRY.get_or_init(Self::default)
    }
}

static REGISTRY: OnceLock<Registry> = OnceLock::new();
