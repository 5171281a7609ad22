//! What holds for every pool and every order, not only for those that were recorded.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use q50_pumpswap::Bps;
use q50_pumpswap::amm::{
    AmmConfig, AmmError, BPS, DisabledInstructions, FeeConfig, FeeRates, FeeTier, FeeTiers, Order, PoolOrigin,
    PoolState, QuoteMint, Side, Swap, Version, max_in, min_out,
};

/// Every property is tried on this many pools and orders.
const CASES: u32 = 10_000;

/// Any magnitude with equal chance, so that dust and the ends of `u64` are met as often as usual amounts.
fn any_magnitude() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => (0_u32..64, any::<u64>()).prop_map(|(shift, bits)| bits >> shift),
        1 => (0_u64..4).prop_map(|below| u64::MAX - below),
        1 => 0_u64..4,
    ]
}

/// Reserves as pools have them: from dust to 10^18.
fn reserve() -> impl Strategy<Value = u64> {
    (0_u32..60, any::<u64>()).prop_map(|(shift, bits)| (bits >> 4 >> shift).max(1))
}

fn rates(limit: u64) -> impl Strategy<Value = FeeRates> {
    (0..=limit, 0..=limit, 0..=limit).prop_map(|(lp, protocol, creator)| FeeRates::new(lp, protocol, creator))
}

/// Mainnet's schedules, or one rate for all, as high as 30 % in sum.
fn config() -> impl Strategy<Value = AmmConfig> {
    let fees = prop_oneof![Just(FeeConfig::default()), rates(1_000).prop_map(FeeConfig::uniform)];
    (fees, 0..=BPS, any::<bool>()).prop_map(|(fees, buyback, creator_fee_configurable)| AmmConfig {
        fees,
        buyback: Bps(buyback),
        creator_fee_configurable,
        ..AmmConfig::default()
    })
}

/// A pool in working order: its effective and real reserves are in range. It may be boosted, or hold un-swept fees.
fn pool() -> impl Strategy<Value = PoolState> {
    let vaults = (reserve(), reserve(), reserve(), 0_u64..1_000, 0_u64..1_000);
    let kind = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 0_u64..=1_000, any::<u64>());
    (vaults, kind).prop_map(|((base, quote, boost, protocol, creator), kind)| {
        let (graduated, has_coin_creator, is_mayhem, boosted, creator_fee, base_supply) = kind;
        // Thousandths of the vault are un-swept fees, at most a half.
        let (protocol_fees, creator_fees) = (quote / 2_000 * protocol / 2, quote / 2_000 * creator / 2);
        let boost = if boosted { i128::from(boost) } else { 0 };
        PoolState {
            virtual_quote: boost - i128::from(protocol_fees) - i128::from(creator_fees),
            protocol_fees,
            creator_fees,
            base_supply,
            origin: if graduated { PoolOrigin::Graduated } else { PoolOrigin::ThirdParty },
            has_coin_creator,
            is_mayhem,
            creator_fee: Bps(creator_fee),
            ..PoolState::new(base, quote)
        }
    })
}

/// A pool of which nothing is known.
fn any_pool() -> impl Strategy<Value = PoolState> {
    let amounts =
        (any_magnitude(), any_magnitude(), any_magnitude(), any_magnitude(), any_magnitude(), any_magnitude());
    let virtual_quote = prop_oneof![any::<i128>(), any::<i64>().prop_map(i128::from), Just(i128::MIN), Just(0)];
    let kind = (any::<[bool; 4]>(), 0_usize..3, any_magnitude());
    (amounts, virtual_quote, kind).prop_map(|(amounts, virtual_quote, (flags, mint, creator_fee))| PoolState {
        base_vault: amounts.0,
        quote_vault: amounts.1,
        virtual_quote,
        protocol_fees: amounts.2,
        creator_fees: amounts.3,
        base_supply: amounts.4,
        lp_supply: amounts.5,
        origin: if flags[0] { PoolOrigin::Graduated } else { PoolOrigin::ThirdParty },
        quote_mint: [QuoteMint::Sol, QuoteMint::Usdc, QuoteMint::Other][mint],
        has_coin_creator: flags[1],
        is_mayhem: flags[2],
        is_cashback: flags[3],
        creator_fee: Bps(creator_fee),
    })
}

/// A configuration of which nothing is known.
fn any_config() -> impl Strategy<Value = AmmConfig> {
    let any_rates = || any::<[u64; 3]>().prop_map(|[lp, protocol, creator]| FeeRates::new(lp, protocol, creator));
    let usual = || prop_oneof![rates(10_000), any_rates()];
    let tiers = || {
        let tier = (any::<u128>(), 0_u32..128, usual())
            .prop_map(|(bits, shift, rates)| FeeTier { threshold: bits >> shift, rates });
        prop::collection::vec(tier, 0..5).prop_map(FeeTiers::new)
    };
    let fees = (usual(), tiers(), tiers(), usual()).prop_map(|(flat, sol_tiers, stable_tiers, exotic)| FeeConfig {
        flat,
        sol_tiers,
        stable_tiers,
        exotic,
    });
    (fees, any_magnitude(), any::<bool>(), 0_u8..32).prop_map(|(fees, buyback, creator_fee_configurable, disabled)| {
        AmmConfig { fees, buyback: Bps(buyback), creator_fee_configurable, disabled: DisabledInstructions(disabled) }
    })
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V1), Just(Version::V2)]
}

/// An order of each kind.
fn order() -> impl Strategy<Value = Order> {
    (0..3, any_magnitude()).prop_map(|(kind, amount)| match kind {
        0 => Order::buy(amount),
        1 => Order::spend(amount),
        _ => Order::sell(amount),
    })
}

/// `E·B`, or nothing where a reserve is out of range.
fn product(pool: &PoolState) -> Option<u128> {
    pool.effective_quote().ok().map(|effective| u128::from(effective) * u128::from(pool.base_vault))
}

fn quote(pool: &PoolState, config: &AmmConfig, order: Order) -> Result<Swap, AmmError> {
    pool.swap(config, Version::V1, order)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, max_global_rejects: 20 * CASES, ..ProptestConfig::default() })]

    #[test]
    fn the_product_of_the_reserves_never_falls_in_a_trade(
        pool in pool(), config in config(), version in version(), order in order()
    ) {
        if let Ok(swap) = pool.swap(&config, version, order)
            && let (Some(before), Some(after)) = (product(&pool), product(&swap.after))
        {
            prop_assert!(after >= before, "{before} fell to {after} in {swap:?}");
        }
    }

    #[test]
    fn a_buy_sold_again_never_gains(
        pool in pool(), config in config(), first in version(), second in version(), order in order()
    ) {
        let order = match order { Order::Sell { base_in, .. } => Order::buy(base_in), buy => buy };
        if let Ok(bought) = pool.swap(&config, first, order)
            && let Ok(sold) = bought.after.swap(&config, second, Order::sell(bought.base))
        {
            prop_assert!(sold.user_quote <= bought.user_quote, "{bought:?} then {sold:?}");
        }
    }

    #[test]
    fn a_sell_bought_back_never_gains(
        pool in pool(), config in config(), first in version(), second in version(), amount in any_magnitude()
    ) {
        if let Ok(sold) = pool.swap(&config, first, Order::sell(amount)) {
            // With what the sell brought, no more base than was given comes back.
            if let Ok(bought) = sold.after.swap(&config, second, Order::spend(sold.user_quote)) {
                prop_assert!(bought.base <= amount, "{sold:?} then {bought:?}");
            }
            // And the same base costs no less than it brought.
            if let Ok(bought) = sold.after.swap(&config, second, Order::buy(amount)) {
                prop_assert!(bought.user_quote >= sold.user_quote, "{sold:?} then {bought:?}");
            }
        }
    }

    #[test]
    fn a_larger_buy_costs_no_less(pool in pool(), config in config(), a in any_magnitude(), b in any_magnitude()) {
        let (small, large) = (a.min(b), a.max(b));
        if let (Ok(small), Ok(large)) = (quote(&pool, &config, Order::buy(small)), quote(&pool, &config, Order::buy(large))) {
            prop_assert!(small.raw_quote <= large.raw_quote && small.user_quote <= large.user_quote);
        }
    }

    /// The proceeds before fees are monotone. Each of three fees is rounded up, so that after fees one unit more can
    /// cost two.
    #[test]
    fn a_larger_sell_brings_no_less_but_for_the_fees_roundings(
        pool in pool(), config in config(), a in any_magnitude(), b in any_magnitude()
    ) {
        let (small, large) = (a.min(b), a.max(b));
        if let (Ok(small), Ok(large)) = (quote(&pool, &config, Order::sell(small)), quote(&pool, &config, Order::sell(large))) {
            prop_assert!(small.raw_quote <= large.raw_quote);
            prop_assert!(small.user_quote <= large.user_quote + 2, "{small:?} {large:?}");
        }
    }

    /// As for a sell: the fees' roundings can take two units from what is swapped when the spend grows by one.
    #[test]
    fn a_larger_spend_nets_no_less_but_for_the_fees_roundings(
        pool in pool(), config in config(), a in any_magnitude(), step in 0_u64..5, far in any_magnitude()
    ) {
        for larger in [a.saturating_add(step), a.max(far)] {
            if let (Ok(small), Ok(large)) = (quote(&pool, &config, Order::spend(a)), quote(&pool, &config, Order::spend(larger))) {
                prop_assert!(small.raw_quote <= large.raw_quote + 2, "{small:?} {large:?}");
            }
        }
    }

    #[test]
    fn a_spend_never_pays_more_than_it_said(pool in pool(), config in config(), version in version(), amount in any_magnitude()) {
        if let Ok(swap) = pool.swap(&config, version, Order::spend(amount)) {
            prop_assert!(swap.user_quote <= amount);
        }
    }

    #[test]
    fn both_versions_pay_the_same_and_leave_the_same_price(pool in pool(), config in config(), order in order()) {
        let trade = |version| pool.swap(&config, version, order);
        if let (Ok(first), Ok(second)) = (trade(Version::V1), trade(Version::V2)) {
            prop_assert_eq!((first.base, first.user_quote, first.fees), (second.base, second.user_quote, second.fees));
            prop_assert_eq!(first.after.base_vault, second.after.base_vault);
            prop_assert_eq!(first.after.effective_quote(), second.after.effective_quote());
            prop_assert_eq!(first.after.real_quote(), second.after.real_quote());
        }
    }

    #[test]
    fn the_largest_buy_within_an_impact_is_the_largest(pool in pool(), config in config(), bound in 0_u64..=10_000) {
        let bound = Bps(bound);
        let size = pool.largest_buy_within_impact(bound).unwrap();
        within_and_not_beyond(&pool, &config, bound, size, Order::buy)?;
    }

    #[test]
    fn the_largest_sell_within_an_impact_is_the_largest(pool in pool(), config in config(), bound in 0_u64..=10_000) {
        let bound = Bps(bound);
        let size = pool.largest_sell_within_impact(bound);
        within_and_not_beyond(&pool, &config, bound, size, Order::sell)?;
    }

    #[test]
    fn the_largest_spend_within_an_impact_is_the_largest(
        pool in pool(), config in config(), bound in 0_u64..=10_000, beyond in any_magnitude()
    ) {
        let bound = Bps(bound);
        let size = pool.largest_spend_within_impact(&config, bound).unwrap();
        within_and_not_beyond(&pool, &config, bound, size, Order::spend)?;
        // A spend is not monotone to the unit, so what is beyond is searched near and far.
        for larger in (2..6).map(|more| size.saturating_add(more)).chain([size.saturating_add(beyond)]) {
            if larger > size && let Ok(swap) = quote(&pool, &config, Order::spend(larger)) {
                prop_assert!(!pool.impact(&swap).unwrap().is_within(bound), "{larger} is within, {size} was the answer");
            }
        }
    }

    #[test]
    fn the_largest_payable_sell_is_the_largest(pool in pool(), config in config()) {
        let size = pool.largest_payable_sell(&config).unwrap();
        let refused = |size| quote(&pool, &config, Order::sell(size)) == Err(AmmError::InsufficientRealQuoteReserves);
        prop_assert!(!refused(size));
        if size < u64::MAX - pool.base_vault {
            // Only fees above the proceeds hide the vault's refusal: dust.
            let next = quote(&pool, &config, Order::sell(size + 1));
            prop_assert!(matches!(next, Err(AmmError::InsufficientRealQuoteReserves | AmmError::Overflow)), "{next:?}");
        }
    }

    #[test]
    fn a_share_of_the_reserve_is_reached_and_not_passed(
        pool in pool(), config in config(), share in 0_u64..=10_000, beyond in 1_u64..6
    ) {
        let share = Bps(share);
        let target = (u128::from(pool.real_quote().unwrap()) * u128::from(share.0) / u128::from(BPS)) as u64;
        let spend = pool.spend_for_reserve_share(&config, share).unwrap();
        if let Ok(swap) = quote(&pool, &config, Order::spend(spend)) {
            prop_assert!(swap.raw_quote <= target);
        }
        if let Ok(swap) = quote(&pool, &config, Order::spend(spend.saturating_add(beyond))) {
            prop_assert!(swap.raw_quote > target || spend == u64::MAX);
        }
        let sell = pool.sell_for_reserve_share(share).unwrap();
        if let Ok(swap) = quote(&pool, &config, Order::sell(sell)) {
            prop_assert!(swap.raw_quote <= target);
        }
        if let Ok(swap) = quote(&pool, &config, Order::sell(sell.saturating_add(1))) {
            prop_assert!(swap.raw_quote > target);
        }
    }

    #[test]
    fn a_sell_for_a_wanted_amount_falls_short_by_two_units_at_most(
        pool in pool(), config in config(), wanted in any_magnitude()
    ) {
        if let Ok(sell) = pool.sell_for_quote_out(&config, wanted)
            && let Ok(swap) = quote(&pool, &config, Order::sell(sell.base_in))
        {
            prop_assert!(swap.raw_quote >= sell.raw_quote);
            prop_assert!(swap.user_quote + 2 >= wanted, "{} of {wanted}", swap.user_quote);
        }
    }

    #[test]
    fn a_deposit_taken_out_again_never_gains(pool in pool(), supply in reserve(), shares in any_magnitude()) {
        let (config, pool) = (AmmConfig::default(), PoolState { lp_supply: supply, ..pool });
        if let Ok(deposit) = pool.deposit(&config, shares, u64::MAX, u64::MAX)
            && let Ok(withdrawal) = deposit.after.withdraw(&config, shares, 0, 0)
        {
            prop_assert!(withdrawal.base <= deposit.base && withdrawal.quote <= deposit.quote);
        }
    }

    #[test]
    fn an_order_bounded_by_its_own_quote_is_executed(pool in pool(), config in config(), order in order(), slack in 0_u64..100) {
        if let Ok(swap) = quote(&pool, &config, order) {
            let bounded = match order {
                Order::Buy { base_out, .. } => Order::Buy { base_out, max_quote_in: max_in(swap.user_quote, Bps(slack)) },
                Order::BuyExactQuoteIn { quote_in, .. } => {
                    Order::BuyExactQuoteIn { quote_in, min_base_out: min_out(swap.base, Bps(slack)).max(1) }
                }
                Order::Sell { base_in, .. } => Order::Sell { base_in, min_quote_out: min_out(swap.user_quote, Bps(slack)) },
            };
            // A buy for nothing, from a pool without quote, has no limit that the program would take.
            if !matches!(bounded, Order::Buy { max_quote_in: 0, .. }) {
                prop_assert_eq!(quote(&pool, &config, bounded), Ok(swap));
            }
        }
    }

    #[test]
    fn nothing_panics_whatever_the_pool_the_configuration_and_the_order(
        pool in any_pool(), config in any_config(), version in version(), order in order(), limit in any_magnitude()
    ) {
        let limited = match order {
            Order::Buy { base_out, .. } => Order::Buy { base_out, max_quote_in: limit },
            Order::BuyExactQuoteIn { quote_in, .. } => Order::BuyExactQuoteIn { quote_in, min_base_out: limit },
            Order::Sell { base_in, .. } => Order::Sell { base_in, min_quote_out: limit },
        };
        for order in [order, limited] {
            if let Ok(swap) = pool.swap(&config, version, order) {
                let _ = (pool.impact(&swap), swap.fees.total());
            }
        }
        let _ = (pool.market_cap(), pool.rates(&config), pool.charged_rates(&config), pool.real_quote());
        let _ = (pool.deposit(&config, limit, u64::MAX, u64::MAX), pool.withdraw(&config, limit, 0, 0));
        let _ = (pool.shares_for_base(limit), pool.shares_for_quote(limit));
        let bound = Bps(limit);
        let _ = (pool.largest_buy_within_impact(bound), pool.largest_sell_within_impact(bound));
        let _ = (pool.largest_spend_within_impact(&config, bound), pool.largest_payable_sell(&config));
        let _ = (pool.spend_for_reserve_share(&config, bound), pool.sell_for_reserve_share(bound));
        let _ = (pool.sell_for_quote_out(&config, limit), max_in(limit, bound), min_out(limit, bound));
    }

    /// Orders near a usual pool's own size, where the program's arithmetic is met rather than its refusals.
    #[test]
    fn nothing_panics_on_a_working_pool(pool in pool(), config in any_config(), version in version(), order in order()) {
        let _ = pool.swap(&config, version, order);
        let _ = pool.largest_spend_within_impact(&config, Bps(500));
        let _ = pool.largest_payable_sell(&config);
    }
}

/// `size` is within `bound`, and one unit more is not, unless the program refuses it.
fn within_and_not_beyond(
    pool: &PoolState,
    config: &AmmConfig,
    bound: Bps,
    size: u64,
    order: impl Fn(u64) -> Order,
) -> TestCaseResult {
    if let Ok(swap) = quote(pool, config, order(size)) {
        prop_assert!(pool.impact(&swap).unwrap().is_within(bound), "{size} is beyond");
        prop_assert_eq!(swap.side == Side::Sell, matches!(order(size), Order::Sell { .. }));
    }
    if size < u64::MAX
        && let Ok(swap) = quote(pool, config, order(size + 1))
    {
        prop_assert!(!pool.impact(&swap).unwrap().is_within(bound), "{size} was the answer, and one more is within");
    }
    Ok(())
}
