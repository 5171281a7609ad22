//! Claims and what the record says about them.

pub mod checks;
pub mod conditions;
pub mod evidence;
pub mod facts;
pub mod figures;
pub mod file;
pub mod imported;
pub mod judge;
mod modelled;
pub mod neighbours;
pub mod perpetual;
mod probes;
pub mod reproduction;
pub mod second_opinion;
mod tables;
pub mod verdict;
pub mod verify;
pub mod worst_loss;
mod worth;

pub use checks::{Check, CheckName, State};
pub use conditions::{Condition, ConditionName, SignalsOrigin};
pub use facts::{CollectedPool, DataFacts, MARK_OFF};
pub use figures::InstrumentFigures;
pub use file::{Claim, ClaimError, PublishedTrial, Replay};
pub use imported::{Benchmark, Imported, Trading, judge_imported};
pub use perpetual::{Ablation, PerpetualFigures};
pub use reproduction::ClaimedFigure;
pub use second_opinion::SecondOpinion;
pub use verdict::Verdict;
pub use verify::{Request, Verification, VerifyError, verify};
pub use worst_loss::WorstLoss;
