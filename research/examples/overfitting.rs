//! Prints how often each overfitting check passes, which `docs/METHODS.md` quotes.
//!
//! `cargo run --release -p q50-research --example overfitting -- 1000`

use std::ops::Range;

use q50_engine::units::PeriodsPerYear;
use q50_research::{
    claim::State,
    inference::{Cscv, PredictiveAbilityTest, Resampling, normal::quantile},
    metrics::Undefined,
    overfit::{
        Candidates, Check, Lengths, OverfitError, Purge, Thresholds, Training, combinatorial, combinatorial_paths,
        cross_validate, k_fold, walk_forward, windows,
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROWS: usize = 1_095;
const SETS: usize = 20;
const DAILY: PeriodsPerYear = PeriodsPerYear::new(365.0);

/// Daily returns of each set; a replay is a slice of them.
struct Table(Vec<Vec<f64>>);

impl Candidates for Table {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn returns(&self, set: usize, rows: Range<usize>) -> Result<Vec<f64>, String> {
        Ok(self.0[set][rows.start + 1..rows.end].to_vec())
    }
}

/// Sets whose returns share `common` of their variance, the first `good` of them with this annual Sharpe ratio.
fn table(seed: u64, common: f64, good: usize, sharpe: f64) -> Result<Table, Undefined> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || quantile(rng.random_range(1e-12..1.0));
    let market = (0..ROWS).map(|_| normal()).collect::<Result<Vec<f64>, _>>()?;
    let mut set = |edge: f64| -> Result<Vec<f64>, Undefined> {
        let own = |shared: &f64| Ok(0.01 * (edge + common.sqrt() * shared + (1.0 - common).sqrt() * normal()?));
        market.iter().map(own).collect()
    };
    let edge = |at: usize| if at < good { sharpe / DAILY.get().sqrt() } else { 0.0 };
    (0..SETS).map(|at| set(edge(at))).collect::<Result<_, _>>().map(Table)
}

fn checks(table: &Table, seed: u64) -> Result<Vec<Check>, OverfitError> {
    let limits = Thresholds::default();
    let rolling = windows(ROWS, Lengths { train: 270, test: 90, step: 30 }, Training::Rolling)?;
    let purge = Purge::of(50, 0, 10);
    let splits = combinatorial(ROWS, 6, 2, purge)?;
    let paths = cross_validate(table, &splits, DAILY).and_then(|found| combinatorial_paths(&splits, &found, DAILY));
    let ability = PredictiveAbilityTest::new(ROWS, Resampling { mean_block: 1.0, draws: 500, seed })?;
    let ability = ability.of_columns(&table.0);
    Ok(vec![
        Check::walk_forward(SETS, &walk_forward(table, &rolling, DAILY), &limits),
        Check::purged_k_fold(SETS, &cross_validate(table, &k_fold(ROWS, 5, purge)?, DAILY), &limits),
        Check::combinatorial(SETS, &paths, &limits),
        Check::pbo(SETS, &Cscv::new(10)?.pbo_of_columns(&table.0), &limits),
        Check::reality_check(SETS, &ability, &limits),
        Check::spa(SETS, &ability, &limits),
    ])
}

fn main() -> Result<(), OverfitError> {
    let markets = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    eprintln!("{SETS} sets, {ROWS} days, {markets} markets; passes in per cent");
    for (name, common, good, sharpe) in [
        ("noise", 0.0, 0, 0.0),
        ("noise, correlation 0.9", 0.9, 0, 0.0),
        ("one set with Sharpe 2", 0.0, 1, 2.0),
        ("one set with Sharpe 3", 0.0, 1, 3.0),
        ("all with Sharpe 2, correlation 0.9", 0.9, SETS, 2.0),
    ] {
        let mut passed = [0_u64; 7];
        for seed in 0..markets {
            let checks = checks(&table(seed, common, good, sharpe)?, seed)?;
            for (count, check) in passed.iter_mut().zip(&checks) {
                *count += u64::from(check.state == State::Pass);
            }
            passed[6] += u64::from(checks.iter().all(|check| check.state == State::Pass));
        }
        let share = |at: usize| 100.0 * passed[at] as f64 / markets as f64;
        eprintln!(
            "{name:<36} walk_forward {:>5.1}  purged_k_fold {:>5.1}  combinatorial {:>5.1}  pbo {:>5.1}  reality_check \
             {:>5.1}  spa {:>5.1}  all {:>5.1}",
            share(0),
            share(1),
            share(2),
            share(3),
            share(4),
            share(5),
            share(6)
        );
    }
    Ok(())
}
