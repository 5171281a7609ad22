//! Finds the compiled programs and has them embedded: the vendor publishes them in his crate `pump-rust-client`.
//!
//! That crate would bring three hundred others along for two files, so that it is no dependency. Cargo fetches and
//! unpacks it into its own registry folder when it is asked about it; from there the files are read, and refused unless
//! they are the very bytes that this repository was checked against.

#![allow(clippy::print_stdout, reason = "how a build script speaks to Cargo")]

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

const CRATE: &str = "pump-rust-client";
const VERSION: &str = "0.5.0";
/// Names a folder that holds the files, for machines that do not reach the registry.
const FOLDER_VARIABLE: &str = "Q50_PUMP_PROGRAMS";
/// The files and their SHA-256.
const FILES: [(&str, &str); 2] = [
    ("pump_amm.so", "0f7963aa07aadab8a2846382d92ccde87669a7efd81223c9639933c07eccd054"),
    ("pump_fees.so", "5b6ceda57863f0dcc3e0e3623052f8342c2c81883379699e71d7ed5383cb3dcf"),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={FOLDER_VARIABLE}");
    if let Err(message) = embed() {
        println!("cargo::error={message}");
        std::process::exit(1);
    }
}

/// Copies the checked files to where `include_bytes!` finds them.
fn embed() -> Result<(), String> {
    let folder = folder()?;
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).ok_or("Cargo names no OUT_DIR")?;
    for (file, expected) in FILES {
        let path = folder.join(file);
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if found != expected {
            return Err(format!(
                "{}: SHA-256 {found}, that of {CRATE} {VERSION} is {expected}; name another folder in {FOLDER_VARIABLE}",
                path.display()
            ));
        }
        std::fs::write(out.join(file), bytes).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    Ok(())
}

/// The folder of the files.
fn folder() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return Ok(folder.into());
    }
    let home = cargo_home()?;
    if let Some(folder) = unpacked(&home) {
        return Ok(folder);
    }
    let said = fetch();
    unpacked(&home).ok_or_else(|| {
        let said = said.lines().last().unwrap_or_default();
        format!(
            "no {CRATE} {VERSION} below {}, and `cargo info` did not fetch it ({said}); set {FOLDER_VARIABLE} to the \
             `artifacts` folder of that crate",
            home.display()
        )
    })
}

fn cargo_home() -> Result<PathBuf, String> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    Ok(std::env::home_dir().ok_or("neither a home folder nor CARGO_HOME")?.join(".cargo"))
}

/// Where Cargo has unpacked the crate, from whichever registry.
fn unpacked(home: &Path) -> Option<PathBuf> {
    let registries = std::fs::read_dir(home.join("registry").join("src")).ok()?;
    registries
        .flatten()
        .map(|registry| registry.path().join(format!("{CRATE}-{VERSION}")).join("artifacts"))
        .find(|folder| FILES.iter().all(|(file, _)| folder.join(file).is_file()))
}

/// Has Cargo fetch and unpack the crate; what it said, in case it did not.
fn fetch() -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    match Command::new(cargo).args(["info", &format!("{CRATE}@{VERSION}")]).output() {
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    }
}
