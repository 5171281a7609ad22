//! Prints the error rates of the verdict that `docs/METHODS.md` quotes.
//!
//! `cargo run --release -p q50-research --example calibration -- 1000`; a second argument picks claimants by a part of
//! their name.

use q50_research::{
    calibration::{CalibrationError, Claimant, calibrate},
    inference::{MeanBlock, StationaryBootstrap},
};

fn main() -> Result<(), CalibrationError> {
    let markets = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    let wanted = std::env::args().nth(2).unwrap_or_default();
    let claimants = [
        ("honest, no edge", Claimant::HonestWithoutEdge, markets),
        ("honest, Sharpe 3 planted", Claimant::HonestWithEdge(3.0), markets),
        ("best of 100, admitted", Claimant::AdmitsSearch(100), markets),
        ("best of 100, hidden", Claimant::HidesSearch(100), markets / 5),
        ("honest, net Sharpe 0", Claimant::HonestWithEdge(0.0), markets / 5),
        ("honest, Sharpe 1 planted", Claimant::HonestWithEdge(1.0), markets / 5),
        ("honest, Sharpe 2 planted", Claimant::HonestWithEdge(2.0), markets / 5),
        ("best of 100, on record", Claimant::SearchesOnRecord(100), markets / 5),
        ("best of 1,000, on record", Claimant::SearchesOnRecord(1_000), markets / 50),
        ("honest, Sharpe 2, ten costs", Claimant::HonestAtTenCosts(2.0), markets / 5),
    ];
    // Returns of generated markets are independent, so that a fixed block of a day costs a twentieth of an automatic one.
    let bootstrap = StationaryBootstrap { mean_block: MeanBlock::Given(24.0), ..StationaryBootstrap::default() };
    eprintln!("three years of hourly bars a market, seed 1; shares with their 95 % interval");
    for (name, claimant, markets) in claimants.into_iter().filter(|(name, ..)| name.contains(&wanted)) {
        let tally = calibrate(claimant, markets, 1, bootstrap)?;
        let [low, high] = tally.confirmed_interval().map(|end| 100.0 * end);
        eprintln!(
            "{name:<28} markets {markets:>5}  confirmed {:>5} ({:.1} %, {low:.1} to {high:.1})  refuted {:>5}",
            tally.confirmed,
            tally.confirmed_share() * 100.0,
            tally.refuted
        );
    }
    Ok(())
}
