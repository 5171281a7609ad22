//! Prints the error rates of the verdict that `docs/METHODS.md` quotes.
//!
//! `cargo run --release -p q50-research --example calibration -- 1000`

use q50_research::{
    calibration::{CalibrationError, Claimant, calibrate},
    inference::StationaryBootstrap,
};

fn main() -> Result<(), CalibrationError> {
    let markets = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    let claimants = [
        ("honest, no edge", Claimant::HonestWithoutEdge),
        ("honest, Sharpe 1 planted", Claimant::HonestWithEdge(1.0)),
        ("honest, Sharpe 2 planted", Claimant::HonestWithEdge(2.0)),
        ("honest, Sharpe 3 planted", Claimant::HonestWithEdge(3.0)),
        ("best of 100, admitted", Claimant::AdmitsSearch(100)),
        ("best of 100, hidden", Claimant::HidesSearch(100)),
    ];
    eprintln!("{markets} markets of three years of hourly bars for each claimant");
    for (name, claimant) in claimants {
        let tally = calibrate(claimant, markets, 1, StationaryBootstrap::default())?;
        eprintln!(
            "{name:<26} confirmed {:>5} ({:.1} %)  refuted {:>5}",
            tally.confirmed,
            tally.confirmed_share() * 100.0,
            tally.refuted
        );
    }
    Ok(())
}
