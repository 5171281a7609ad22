//! The quotes of the vendor's JavaScript client (SDK 1.20.0), number by number.
//!
//! The client's integers have no bound: rows that leave `u64` are marked in the file and must be refused here.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

mod chain;

use q50_pumpswap::Bps;
use q50_pumpswap::amm::{AmmConfig, AmmError, Order, PoolState, Version, max_in, min_out};
use q50_testing::{field, parsed, real_json};
use serde_json::Value;
use std::collections::HashMap;

/// `⌈amount · bps / 10,000⌉`, written apart from the engine's.
fn ceil_bps(amount: u64, bps: u64) -> u64 {
    u64::try_from((u128::from(amount) * u128::from(bps)).div_ceil(10_000)).unwrap()
}

/// The client bounds an order by `⌊x · factor / 10^9⌋`, the factor truncated from a double.
fn by_factor(amount: u64, row: &Value) -> u128 {
    u128::from(amount) * field::<u128>(row, "slippage_factor_1e9") / 1_000_000_000
}

struct Case<'a> {
    row: &'a Value,
    pool: PoolState,
    config: &'a AmmConfig,
    amount: u64,
}

impl Case<'_> {
    fn swap(&self, order: Order) -> Result<q50_pumpswap::amm::Swap, AmmError> {
        self.pool.swap(self.config, Version::V1, order)
    }

    fn expect(&self, key: &str, got: impl Into<u128>) {
        assert_eq!(got.into(), parsed::<u128>(&self.row["out"][key]), "{key} of {}", self.row);
    }

    fn expect_fees(&self, fees: [u64; 3]) {
        for (key, fee) in ["lp_fee", "protocol_fee", "creator_fee"].into_iter().zip(fees) {
            self.expect(key, fee);
        }
    }

    fn rates(&self) -> [u64; 3] {
        let rates = self.pool.charged_rates(self.config).unwrap();
        [rates.lp.0, rates.protocol.0, rates.creator.0]
    }

    fn buy(&self) {
        let swap = self.swap(Order::buy(self.amount)).unwrap_or_else(|error| panic!("{error}: {}", self.row));
        self.expect("internalQuoteAmount", swap.raw_quote);
        self.expect("uiQuote", swap.user_quote);
        self.expect("maxQuote", by_factor(swap.user_quote, self.row));
        self.expect_fees([swap.fees.lp, swap.fees.protocol, swap.fees.creator]);
    }

    /// The client quotes a spend that buys nothing, or nets one unit; the program refuses both.
    fn spend(&self) {
        let out = parsed::<u64>(&self.row["out"]["base"]);
        let net = parsed::<u64>(&self.row["out"]["internalQuoteWithoutFees"]);
        match self.swap(Order::spend(self.amount)) {
            Ok(swap) => {
                assert_eq!((swap.base, swap.raw_quote), (out, net), "{}", self.row);
                let [lp, protocol, creator] = self.rates().map(|bps| ceil_bps(net, bps));
                self.expect_fees([lp, protocol, creator]);
                // The program takes its fees before the last correction of the net amount: by at most one unit more.
                let charged = [swap.fees.lp, swap.fees.protocol, swap.fees.creator];
                for (charged, recomputed) in charged.into_iter().zip([lp, protocol, creator]) {
                    assert!(charged - recomputed <= 1, "{charged} charged, {recomputed} recomputed: {}", self.row);
                }
                assert!(swap.user_quote <= self.amount);
            }
            Err(error) => {
                let covers_fees = error != AmmError::BuyNotEnoughQuoteTokensToCoverFees;
                assert!(!covers_fees || error == AmmError::BuySlippageBelowMinBaseAmountOut, "{error}: {}", self.row);
                assert!(out == 0 && (covers_fees || net == 0), "{error}: {}", self.row);
            }
        }
        self.expect("maxQuote", by_factor(self.amount, self.row));
    }

    fn sell(&self) {
        let swap = self.swap(Order::sell(self.amount)).unwrap_or_else(|error| panic!("{error}: {}", self.row));
        self.expect("internalQuoteAmountOut", swap.raw_quote);
        self.expect("uiQuote", swap.user_quote);
        self.expect("minQuote", by_factor(swap.user_quote, self.row));
        self.expect_fees([swap.fees.lp, swap.fees.protocol, swap.fees.creator]);
    }

    fn sell_for_quote(&self) {
        let sell = self.pool.sell_for_quote_out(self.config, self.amount);
        let sell = sell.unwrap_or_else(|error| panic!("{error}: {}", self.row));
        self.expect("internalRawQuote", sell.raw_quote);
        self.expect("base", sell.base_in);
        self.expect("minQuote", by_factor(self.amount, self.row));
        self.expect_fees(self.rates().map(|bps| ceil_bps(sell.raw_quote, bps)));
    }
}

fn with_cases(test: impl Fn(Case<'_>, bool)) -> usize {
    let file = real_json("chain/sdk_quote_vectors.json");
    let configs: HashMap<&str, &Value> =
        file["fee_configs"].as_object().unwrap().iter().map(|(name, config)| (name.as_str(), config)).collect();
    let rows = file["swaps"].as_array().unwrap();
    for row in rows {
        let mut config = chain::config(row, chain::fee_config(configs[row["fee_cfg"].as_str().unwrap()]));
        // Without a fee configuration the client falls back to fixed rates, and knows no rate of the pool's own.
        config.creator_fee_configurable &= row["fee_cfg"] != "null";
        let pool = chain::pool(row, "quote_reserve");
        let fits = row["fits_u64"].as_bool().unwrap_or(false);
        test(Case { row, pool, config: &config, amount: field(row, "amount") }, fits);
    }
    rows.len()
}

/// The client quotes nothing for nothing; the program refuses an amount of zero.
fn is_refused_as_zero(case: &Case<'_>) -> bool {
    let (order, expected) = match case.row["op"].as_str().unwrap() {
        _ if case.amount != 0 => return false,
        "buyBaseInput" => (Order::buy(0), AmmError::ZeroBaseAmount),
        "buyQuoteInput" => (Order::spend(0), AmmError::ZeroQuoteAmount),
        "sellBaseInput" => (Order::sell(0), AmmError::ZeroBaseAmount),
        _ => return false,
    };
    assert_eq!(case.swap(order), Err(expected), "{}", case.row);
    true
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn rates_and_market_capitalisation_are_the_clients() {
    with_cases(|case, _| {
        assert_eq!(
            case.rates(),
            ["lp_bps", "protocol_bps", "creator_bps"].map(|key| field::<u64>(case.row, key)),
            "{}",
            case.row
        );
        assert_eq!(case.pool.market_cap().unwrap(), field::<u128>(case.row, "market_cap"), "{}", case.row);
    });
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn quotes_that_fit_u64_are_the_clients() {
    let rows = with_cases(|case, fits| match case.row["op"].as_str().unwrap() {
        _ if !fits || is_refused_as_zero(&case) => {}
        "buyBaseInput" => case.buy(),
        "buyQuoteInput" => case.spend(),
        "sellBaseInput" => case.sell(),
        "sellQuoteInput" => case.sell_for_quote(),
        op => panic!("unknown op {op}"),
    });
    println!("{rows} rows");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn what_the_client_refuses_or_overflows_is_refused() {
    with_cases(|case, fits| {
        if fits {
            return;
        }
        let error = match case.row["op"].as_str().unwrap() {
            "buyBaseInput" => case.swap(Order::buy(case.amount)).unwrap_err(),
            "buyQuoteInput" => case.swap(Order::spend(case.amount)).unwrap_err(),
            "sellBaseInput" => case.swap(Order::sell(case.amount)).unwrap_err(),
            _ => case.pool.sell_for_quote_out(case.config, case.amount).unwrap_err(),
        };
        let expected = match case.row["error"].as_str() {
            Some("Cannot buy more base tokens than the pool reserves.") => Some(6016),
            Some("Fees exceed total output; final quote is negative.") => Some(6023),
            Some("Invalid input: Desired quote amount exceeds available reserve.") => Some(6063),
            Some("Pool would be depleted; denominator is zero.") if case.row["op"] == "buyBaseInput" => Some(6025),
            // The client comes to its empty pool after what the program refuses first.
            Some("Pool would be depleted; denominator is zero.") => Some(6039),
            Some(other) => panic!("unknown error of the client: {other}"),
            None => None,
        };
        if let Some(expected) = expected {
            assert_eq!(error.code(), expected, "{}", case.row);
        }
    });
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn integer_bounds_differ_from_the_clients_by_its_float_error_only() {
    with_cases(|case, fits| {
        let (Some(percent), true) = (case.row["slippage_percent"].as_str(), fits) else { return };
        let tolerance = Bps((percent.parse::<f64>().unwrap() * 100.0).round() as u64);
        let op = case.row["op"].as_str().unwrap();
        let (key, bound) = match op {
            "buyBaseInput" => ("maxQuote", max_in(parsed(&case.row["out"]["uiQuote"]), tolerance)),
            "buyQuoteInput" => ("maxQuote", max_in(case.amount, tolerance)),
            "sellBaseInput" => ("minQuote", min_out(parsed(&case.row["out"]["uiQuote"]), tolerance)),
            _ => ("minQuote", min_out(case.amount, tolerance)),
        };
        let client = parsed::<u64>(&case.row["out"][key]);
        // One part in 10^9 of the amount, and a unit for the rounding.
        let allowed = bound / 500_000_000 + 1;
        assert!(bound.abs_diff(client) <= allowed, "{bound} against {client}: {}", case.row);
    });
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn liquidity_is_the_clients() {
    let file = real_json("chain/sdk_quote_vectors.json");
    let config = AmmConfig::default();
    for row in file["lp"].as_array().unwrap() {
        let (base, quote) = (field(row, "base_reserve"), field(row, "quote_reserve"));
        let pool = PoolState { lp_supply: field(row, "lp_supply"), ..PoolState::new(base, quote) };
        let amount = field(row, "amount");
        // The client's integers have no bound; beyond u64 the answer is a truncation.
        let expected = |part: &str, shares: &str, other: &str| -> Result<(u64, u64), AmmError> {
            let fit = |key: &str| u64::try_from(parsed::<u128>(&row[part][key])).map_err(|_| AmmError::Truncation);
            Ok((fit(shares)?, fit(other)?))
        };
        let out = pool.withdraw(&config, amount, 0, 0).unwrap_or_else(|error| panic!("{error}: {row}"));
        assert_eq!(Ok((out.base, out.quote)), expected("withdraw", "base", "quote"), "{row}");
        assert_eq!(pool.shares_for_base(amount), expected("deposit_base_input", "lpToken", "quote"), "{row}");
        assert_eq!(pool.shares_for_quote(amount), expected("deposit_quote_input", "lpToken", "base"), "{row}");
    }
}
