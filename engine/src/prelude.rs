//! What a strategy is written with: `use q50::engine::prelude::*`.

pub use crate::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    market::{Column, History},
    orders::{Amount, Event, OrderKind, OrderRequest, Orders, Outcome},
    strategy::{
        Guards, Registry, Settings, Strategy,
        parameters::{Bearing, Declaration, Parameter, Range, declared},
    },
    units::Fraction,
    venue::FillSide,
};
