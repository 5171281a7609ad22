//! All guards together.

use super::*;
use crate::order::Size;
use proptest::prelude::*;

const SOL: u64 = 1_000_000_000;
const MINT: Address = Address([3; 32]);

fn coin() -> Mint {
    let program = q50_pumpswap::chain::programs::TOKEN;
    Mint { program, mint_authority: None, freeze_authority: None, supply: 1_000, decimals: 6, extensions: Vec::new() }
}

fn buy() -> Order {
    Order { mint: MINT, size: Size::Spend(Lamports(SOL)), slippage: Bps(100) }
}

fn sell() -> Order {
    Order { mint: MINT, size: Size::Sell(1_000), slippage: Bps(100) }
}

fn rich() -> Standing {
    Standing { wallet: Lamports(100 * SOL), positions: Some(Lamports(0)), traded: 0 }
}

fn proposal(order: Order, mint: &Mint) -> Proposal<'_> {
    Proposal { order, cost: Lamports(SOL), mint, liquidity: Lamports(85 * SOL), impact: Bps(100) }
}

fn clear(guards: &mut Guards, order: Order, standing: &Standing, now: i64) -> Result<(), Refusals> {
    guards.clear(proposal(order, &coin()), standing, &KillSwitch::Resumed, UnixMillis(now)).map(|_| ())
}

fn guards() -> Guards {
    Guards::new(Limits::default(), Memory::default())
}

#[test]
fn every_reason_is_given_and_not_the_first_alone() {
    let frozen = Mint { freeze_authority: Some(MINT), ..coin() };
    let killed = KillSwitch::Killed { since: UnixMillis(0), reason: "lunch".to_owned() };
    let poor = Standing { wallet: Lamports(SOL), positions: None, traded: 0 };
    let shallow = Proposal { liquidity: Lamports(SOL), impact: Bps(2_000), ..proposal(buy(), &frozen) };
    let refused = guards().clear(&shallow, &poor, &killed, UnixMillis(0)).unwrap_err();
    let kinds = matches!(
        refused.0.as_slice(),
        [
            Refusal::Killed { .. },
            Refusal::Token { .. },
            Refusal::Liquidity { .. },
            Refusal::Impact { .. },
            Refusal::WalletFloor { .. },
            Refusal::UnknownEquity
        ]
    );
    assert!(kinds, "{refused}");
    assert!(refused.to_string().starts_with("refused: trading is switched off (lunch); `q50 resume`"), "{refused}");
}

#[test]
fn the_way_out_stays_open_where_buys_are_stopped() {
    let frozen = Mint { freeze_authority: Some(MINT), ..coin() };
    let poor = Standing { wallet: Lamports(10_000), positions: None, traded: 0 };
    let mut guards = guards();
    assert!(clear(&mut guards, buy(), &poor, 0).is_err());
    let sold = {
        let shallow = Proposal { liquidity: Lamports(1), ..proposal(sell(), &frozen) };
        guards.clear(shallow, &poor, &KillSwitch::Resumed, UnixMillis(0))
    };
    assert_eq!(sold.unwrap().plan().order, sell());
}

#[test]
fn the_kill_switch_the_breaker_and_the_rates_stop_sells_too() {
    let killed = KillSwitch::Killed { since: UnixMillis(0), reason: "x".to_owned() };
    assert!(guards().clear(&proposal(sell(), &coin()), &rich(), &killed, UnixMillis(0)).is_err());
    let mut broken = guards();
    (0..5).for_each(|_| broken.record(Outcome::Failure, UnixMillis(0)));
    assert!(matches!(clear(&mut broken, sell(), &rich(), 1).unwrap_err().0[..], [Refusal::BreakerOpen { .. }]));
    let mut busy = guards();
    (0..10).for_each(|i| assert!(clear(&mut busy, sell(), &rich(), i).is_ok()));
    assert!(matches!(clear(&mut busy, sell(), &rich(), 10).unwrap_err().0[..], [Refusal::TooManyOrders { .. }]));
}

#[test]
fn what_its_owner_moves_is_neither_loss_nor_gain_and_hides_none() {
    let with = |wallet: u64, traded: i64| Standing {
        wallet: Lamports(wallet * SOL),
        traded: traded * SOL.cast_signed(),
        ..rich()
    };
    let mut guards = guards();
    assert!(clear(&mut guards, buy(), &with(100, -7), 0).is_ok());
    // 60 are moved out; nothing is lost.
    assert!(clear(&mut guards, buy(), &with(40, -7), 1).is_ok());
    // 5 of 40 are lost, also where as many are moved in.
    for wallet in [35, 40] {
        let refused = clear(&mut guards, buy(), &with(wallet, -12), 2).unwrap_err().0;
        let [Refusal::DailyLoss { lost, .. }] = refused[..] else { panic!("{refused:?}") };
        assert_eq!(lost, Lamports(5 * SOL));
    }
}

#[test]
fn an_order_that_another_guard_refuses_is_no_probe_of_the_breaker() {
    let mut guards = guards();
    (0..5).for_each(|_| guards.record(Outcome::Failure, UnixMillis(0)));
    let poor = Standing { wallet: Lamports(0), positions: Some(Lamports(0)), traded: 0 };
    for _ in 0..5 {
        assert!(clear(&mut guards, buy(), &poor, 300_000).is_err());
    }
    (0..3).for_each(|_| assert!(clear(&mut guards, buy(), &rich(), 300_000).is_ok()));
    assert!(clear(&mut guards, buy(), &rich(), 300_000).is_err());
}

#[test]
fn a_day_that_begins_with_a_sale_begins_with_the_equity_of_that_sale() {
    let mut guards = guards();
    let with = |wallet: u64| Standing {
        wallet: Lamports(wallet * SOL),
        positions: Some(Lamports(50 * SOL)),
        traded: (wallet * SOL).cast_signed(),
    };
    assert!(clear(&mut guards, sell(), &with(50), 0).is_ok());
    assert!(clear(&mut guards, sell(), &with(30), 1).is_ok(), "sales are the way out");
    let refused = clear(&mut guards, buy(), &with(30), 2).unwrap_err().0;
    let [Refusal::DailyLoss { lost, began_with, .. }, Refusal::Drawdown { fallen, highest, .. }] = refused[..] else {
        panic!("{refused:?}")
    };
    assert_eq!((lost, began_with), (Lamports(20 * SOL), Lamports(100 * SOL)));
    assert_eq!((fallen, highest), (Lamports(20 * SOL), Lamports(100 * SOL)));
}

#[test]
fn what_is_remembered_survives_a_restart() {
    let mut first = guards();
    assert!(clear(&mut first, buy(), &rich(), 0).is_ok());
    (0..5).for_each(|_| first.record(Outcome::Failure, UnixMillis(0)));
    let text = serde_json::to_string(first.memory()).unwrap();
    let mut second = Guards::new(Limits::default(), serde_json::from_str(&text).unwrap());
    assert_eq!(second, first);
    assert!(clear(&mut second, buy(), &rich(), 299_999).is_err());
}

proptest! {
    /// Whatever is asked, what is let through keeps every limit, worked here from the definitions alone.
    #[test]
    fn nothing_that_is_let_through_breaks_a_limit(
        orders in prop::collection::vec((0..2 * 60_000_i64, 0..60 * SOL, 0..100 * SOL, prop::option::of(0..100 * SOL), any::<bool>()), 1..80),
    ) {
        let mut guards = guards();
        let (mut now, mut passed, mut highest, mut days) = (0, Vec::new(), 0, std::collections::BTreeMap::new());
        for (wait, cost, wallet, positions, fails) in orders {
            now += wait;
            // Nothing is moved: the trades explain the wallet.
            let traded = wallet.cast_signed();
            let standing = Standing { wallet: Lamports(wallet), positions: positions.map(Lamports), traded };
            let equity = positions.map(|positions| wallet + positions);
            if let Some(equity) = equity {
                highest = highest.max(equity);
                if equity > 0 {
                    days.entry(now / 86_400_000).or_insert(equity);
                }
            }
            let (coin, switch) = (coin(), KillSwitch::Resumed);
            let asked = Proposal { cost: Lamports(cost), ..proposal(buy(), &coin) };
            let cleared = guards.clear(&asked, &standing, &switch, UnixMillis(now));
            if cleared.is_err() {
                continue;
            }
            let (equity, held) = (equity.unwrap(), positions.unwrap());
            let began = days[&(now / 86_400_000)];
            prop_assert!(wallet - cost >= SOL / 10);
            prop_assert!(u128::from(held + cost) * 10 <= u128::from(equity) * 8);
            prop_assert!(u128::from(began.saturating_sub(equity)) * 10 <= u128::from(began));
            prop_assert!(u128::from(highest - equity) * 5 <= u128::from(highest));
            passed.push(now);
            prop_assert!(passed.iter().filter(|&&time| now - time < 60_000).count() <= 10);
            guards.record(if fails { Outcome::Failure } else { Outcome::Success }, UnixMillis(now));
        }
    }
}
