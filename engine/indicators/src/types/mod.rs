//! The built-in types, one a file.

mod adaptive_rsi;
mod adx;
mod atr;
mod bbands;
mod cci;
mod dema;
mod donchian;
mod ema;
mod frama;
mod ichimoku;
mod kama;
mod kc;
mod macd;
mod mfi;
mod obv;
mod roc;
mod rsi;
mod sma;
mod stoch;
mod tema;
mod vidya;
mod volsma;
mod vwap;
mod willr;
mod wma;

use crate::formula::Formula;

/// All of them.
pub(crate) const ALL: [&dyn Formula; 25] = [
    &sma::Sma,
    &wma::Wma,
    &ema::ExponentialMean,
    &dema::Dema,
    &tema::Tema,
    &rsi::Rsi,
    &macd::Macd,
    &stoch::Stoch,
    &cci::Cci,
    &willr::Willr,
    &roc::Roc,
    &adx::Adx,
    &atr::Atr,
    &bbands::Bbands,
    &kc::Kc,
    &donchian::Donchian,
    &ichimoku::Ichimoku,
    &obv::Obv,
    &vwap::Vwap,
    &mfi::Mfi,
    &volsma::Volsma,
    &kama::Kama,
    &vidya::Vidya,
    &frama::Frama,
    &adaptive_rsi::AdaptiveRsi,
];
