//! Where the compiled programs are: in the vendor's crate `pump-rust-client`, which is never compiled here.
//!
//! The crate would bring three hundred others along for two files, so that it is no dependency. Cargo fetches and
//! unpacks it into its own registry folder when it is asked about it; from there the files are read, and refused unless
//! they are the very bytes that this repository was checked against.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const CRATE: &str = "pump-rust-client";
const VERSION: &str = "0.5.0";
/// Names a folder that holds the files, for machines that do not reach the registry.
const FOLDER_VARIABLE: &str = "Q50_PUMP_PROGRAMS";

/// A compiled program.
#[derive(Clone, Copy, Debug)]
pub struct Artifact {
    file: &'static str,
    sha256: &'static str,
}

/// PumpSwap.
pub const PUMP_AMM: Artifact =
    Artifact { file: "pump_amm.so", sha256: "0f7963aa07aadab8a2846382d92ccde87669a7efd81223c9639933c07eccd054" };
/// The fees program, which PumpSwap's first instructions call.
pub const PUMP_FEES: Artifact =
    Artifact { file: "pump_fees.so", sha256: "5b6ceda57863f0dcc3e0e3623052f8342c2c81883379699e71d7ed5383cb3dcf" };

impl Artifact {
    /// The program's bytes.
    ///
    /// # Panics
    /// Where the file cannot be had, or is another one.
    pub fn read(self) -> Vec<u8> {
        let path = folder().join(self.file);
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, self.sha256, "{} is not the file of {CRATE} {VERSION}", path.display());
        bytes
    }
}

/// The folder of the files; the tests of one run look it up once.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
            return folder.into();
        }
        let home = cargo_home();
        if let Some(folder) = unpacked(&home) {
            return folder;
        }
        let said = fetch();
        unpacked(&home).unwrap_or_else(|| {
            panic!(
                "no {CRATE} {VERSION} below {}, and `cargo info` did not fetch it:\n{said}\nSet {FOLDER_VARIABLE} to \
                 a folder with {} and {} of that crate's `artifacts`",
                home.display(),
                PUMP_AMM.file,
                PUMP_FEES.file
            )
        })
    })
}

fn cargo_home() -> PathBuf {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return home.into();
    }
    std::env::home_dir().expect("a home folder, or CARGO_HOME").join(".cargo")
}

/// Where Cargo has unpacked the crate, from whichever registry.
fn unpacked(home: &Path) -> Option<PathBuf> {
    let registries = std::fs::read_dir(home.join("registry").join("src")).ok()?;
    registries
        .flatten()
        .map(|registry| registry.path().join(format!("{CRATE}-{VERSION}")).join("artifacts"))
        .find(|folder| folder.join(PUMP_AMM.file).is_file() && folder.join(PUMP_FEES.file).is_file())
}

/// Has Cargo fetch and unpack the crate; what it said, in case it did not.
fn fetch() -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    match Command::new(cargo).args(["info", &format!("{CRATE}@{VERSION}")]).output() {
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    }
}
