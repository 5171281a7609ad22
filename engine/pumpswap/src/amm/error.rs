//! Failures, by the program's own number and name.

use thiserror::Error;

/// Why the program refuses an instruction.
///
/// [`code`](Self::code) and [`name`](Self::name) are those that the program returns in a failed transaction; the message
/// says what it means. Failures that only depend on which accounts are passed are not here.
///
/// Source: the program's interface description, section `errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum AmmError {
    /// 6001.
    #[error("ZeroBaseAmount (6001): the base amount, or the minimum of it, is zero")]
    ZeroBaseAmount,
    /// 6002.
    #[error("ZeroQuoteAmount (6002): the quote amount, or the maximum of it, is zero")]
    ZeroQuoteAmount,
    /// 6004.
    #[error("ExceededSlippage (6004): the price is worse than the order's limit")]
    ExceededSlippage,
    /// 6016.
    #[error("BuyMoreBaseAmountThanPoolReserves (6016): the pool holds less base than the order wants")]
    BuyMoreBaseAmountThanPoolReserves,
    /// 6018.
    #[error("DisabledDeposit (6018): deposits are switched off")]
    DisabledDeposit,
    /// 6019.
    #[error("DisabledWithdraw (6019): withdrawals are switched off")]
    DisabledWithdraw,
    /// 6020.
    #[error("DisabledBuy (6020): buys are switched off")]
    DisabledBuy,
    /// 6021.
    #[error("DisabledSell (6021): sells are switched off")]
    DisabledSell,
    /// 6023. Also where the token program would refuse to hold the sum (its own error 14).
    #[error(
        "Overflow (6023): a sum or a difference leaves the range of u64 (fees above the proceeds, reserves below zero)"
    )]
    Overflow,
    /// 6024.
    #[error("Truncation (6024): an amount does not fit u64")]
    Truncation,
    /// 6025.
    #[error("DivisionByZero (6025): the pool has no base, no shares, or would be left with none")]
    DivisionByZero,
    /// 6039.
    #[error("BuyNotEnoughQuoteTokensToCoverFees (6039): the quote to spend does not cover the fees")]
    BuyNotEnoughQuoteTokensToCoverFees,
    /// 6040.
    #[error("BuySlippageBelowMinBaseAmountOut (6040): the order would get less base than its minimum")]
    BuySlippageBelowMinBaseAmountOut,
    /// 6056.
    #[error("BuybackBasisPointsOutOfRange (6056): the buyback slice is above 10,000 basis points")]
    BuybackBasisPointsOutOfRange,
    /// 6063.
    #[error("InsufficientRealQuoteReserves (6063): the vault holds less quote than the curve would pay")]
    InsufficientRealQuoteReserves,
    /// 6067.
    #[error("SeedLockViolation (6067): more pool shares than the pool counts")]
    SeedLockViolation,
    /// 6079.
    #[error("CashbackCoinNotSupported (6079): v2 trades refuse cashback coins; use the v1 instructions")]
    CashbackCoinNotSupported,
    /// 6082.
    #[error("FeeTiersEmpty (6082): the fee configuration has no tiers for this quote mint")]
    FeeTiersEmpty,
}

impl AmmError {
    /// The program's error number.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::ZeroBaseAmount => 6001,
            Self::ZeroQuoteAmount => 6002,
            Self::ExceededSlippage => 6004,
            Self::BuyMoreBaseAmountThanPoolReserves => 6016,
            Self::DisabledDeposit => 6018,
            Self::DisabledWithdraw => 6019,
            Self::DisabledBuy => 6020,
            Self::DisabledSell => 6021,
            Self::Overflow => 6023,
            Self::Truncation => 6024,
            Self::DivisionByZero => 6025,
            Self::BuyNotEnoughQuoteTokensToCoverFees => 6039,
            Self::BuySlippageBelowMinBaseAmountOut => 6040,
            Self::BuybackBasisPointsOutOfRange => 6056,
            Self::InsufficientRealQuoteReserves => 6063,
            Self::SeedLockViolation => 6067,
            Self::CashbackCoinNotSupported => 6079,
            Self::FeeTiersEmpty => 6082,
        }
    }

    /// The program's error name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ZeroBaseAmount => "ZeroBaseAmount",
            Self::ZeroQuoteAmount => "ZeroQuoteAmount",
            Self::ExceededSlippage => "ExceededSlippage",
            Self::BuyMoreBaseAmountThanPoolReserves => "BuyMoreBaseAmountThanPoolReserves",
            Self::DisabledDeposit => "DisabledDeposit",
            Self::DisabledWithdraw => "DisabledWithdraw",
            Self::DisabledBuy => "DisabledBuy",
            Self::DisabledSell => "DisabledSell",
            Self::Overflow => "Overflow",
            Self::Truncation => "Truncation",
            Self::DivisionByZero => "DivisionByZero",
            Self::BuyNotEnoughQuoteTokensToCoverFees => "BuyNotEnoughQuoteTokensToCoverFees",
            Self::BuySlippageBelowMinBaseAmountOut => "BuySlippageBelowMinBaseAmountOut",
            Self::BuybackBasisPointsOutOfRange => "BuybackBasisPointsOutOfRange",
            Self::InsufficientRealQuoteReserves => "InsufficientRealQuoteReserves",
            Self::SeedLockViolation => "SeedLockViolation",
            Self::CashbackCoinNotSupported => "CashbackCoinNotSupported",
            Self::FeeTiersEmpty => "FeeTiersEmpty",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_starts_with_the_programs_name_and_number() {
        for error in [AmmError::ZeroBaseAmount, AmmError::ExceededSlippage, AmmError::Overflow, AmmError::FeeTiersEmpty]
        {
            assert!(error.to_string().starts_with(&format!("{} ({}):", error.name(), error.code())), "{error}");
        }
    }
}
