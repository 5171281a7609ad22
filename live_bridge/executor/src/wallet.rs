//! The signing key. It is read once, wiped when dropped, and never shown; a process that has read it leaves no core
//! dump.
//!
//! The key file is the first of: the named file; the file in `ANCHOR_WALLET`; the file in the Solana CLI's
//! configuration (`~/.config/solana/cli/config.yml`); `~/.config/solana/id.json`. A file holds a JSON array of 64
//! bytes, secret and public half, and only its owner may be able to read it.

use q50_pumpswap::chain::Address;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;
use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// A key that cannot be used. No message says anything of what the file holds.
#[derive(Debug, Error)]
pub enum WalletError {
    /// There is no such file, or it cannot be read.
    #[error("{path:?}: {source}; name the keypair's file with --keypair, or make one (solana-keygen new)")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others may read it.
    #[error("{path:?}: others than its owner may read it (mode {mode:04o}); chmod 600 it")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else.
    #[error(
        "{path:?}: this is no keypair; expected a JSON array of 64 bytes whose second half is the first half's public key"
    )]
    NotAKeypair {
        /// The file.
        path: PathBuf,
    },
    /// A file that nobody named here.
    #[error("{source} (named by {by}; --keypair names another)")]
    NamedBy {
        /// Who.
        by: String,
        /// What is wrong with it.
        source: Box<WalletError>,
    },
    /// There is no home folder to look in.
    #[error("no keypair is named and there is no home folder; name its file with --keypair")]
    NoHome,
}

/// A key that signs.
pub struct Wallet(Keypair);

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wallet").field(&self.address()).finish()
    }
}

impl Wallet {
    /// Reads the key from the file that is named, or from where Solana's tools keep it.
    ///
    /// # Errors
    /// [`WalletError`] where there is none, it is none, or others may read it.
    pub fn find(named: Option<&Path>) -> Result<Self, WalletError> {
        if let Some(path) = named {
            return Self::read(path);
        }
        let (path, by) = match std::env::var_os("ANCHOR_WALLET") {
            Some(path) => (path.into(), "$ANCHOR_WALLET".to_owned()),
            None => of_solana(&dirs::home_dir().ok_or(WalletError::NoHome)?),
        };
        Self::read(&path).map_err(|source| WalletError::NamedBy { by, source: Box::new(source) })
    }

    fn read(path: &Path) -> Result<Self, WalletError> {
        leave_no_core();
        let failed = |source| WalletError::File { path: path.to_owned(), source };
        let mut file = std::fs::File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(WalletError::Mode { path: path.to_owned(), mode });
        }
        // Room for all of it from the start: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(4_096));
        file.by_ref().take(4_096).read_to_string(&mut text).map_err(failed)?;
        let not = || WalletError::NotAKeypair { path: path.to_owned() };
        let mut bytes = Zeroizing::new(Vec::with_capacity(64));
        let list = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or_else(not)?;
        for number in list.split(',') {
            bytes.push(number.trim().parse::<u8>().map_err(|_| not())?);
            if bytes.len() > 64 {
                return Err(not());
            }
        }
        Keypair::try_from(bytes.as_slice()).map(Self).map_err(|_| not())
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        Address(self.0.pubkey().to_bytes())
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        self.0.sign_message(message)
    }
}

impl From<Keypair> for Wallet {
    fn from(keypair: Keypair) -> Self {
        Self(keypair)
    }
}

/// From now on a crash of this process writes nothing of its memory to a disk, and other processes of the user cannot read it.
fn leave_no_core() {
    #[cfg(target_os = "linux")]
    let left = nix::sys::prctl::set_dumpable(false);
    #[cfg(not(target_os = "linux"))]
    let left = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
    if let Err(error) = left {
        tracing::warn!("a crash may leave a core with the key in it: {error}");
    }
}

/// Where Solana's command line keeps it, and what says so. Its configuration is YAML of one level, of which one line is
/// wanted.
fn of_solana(home: &Path) -> (PathBuf, String) {
    let folder = home.join(".config/solana");
    let config = folder.join("cli/config.yml");
    let configured = std::fs::read_to_string(&config).ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("keypair_path:"))?;
        // A comment begins behind a blank.
        let path = line.split(" #").next()?.trim().trim_matches(['"', '\'']);
        let path = path.strip_prefix("~/").map_or_else(|| PathBuf::from(path), |below| home.join(below));
        (!path.as_os_str().is_empty()).then_some(path)
    });
    match configured {
        Some(path) => (path, config.display().to_string()),
        None => (folder.join("id.json"), "Solana's convention".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(content: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id.json");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn key() -> (String, Address) {
        let keypair = Keypair::new_from_array([42; 32]);
        (format!("{:?}", keypair.to_bytes()), Address(keypair.pubkey().to_bytes()))
    }

    #[test]
    fn a_key_is_read_as_solana_s_tools_write_it() {
        let (text, address) = key();
        let (_folder, path) = file(&text, 0o600);
        let wallet = Wallet::find(Some(&path)).unwrap();
        assert_eq!(wallet.address(), address);
        assert!(wallet.sign(b"m").verify(address.as_bytes(), b"m"));
        assert_eq!(format!("{wallet:?}"), format!("Wallet({address})"));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let (_folder, path) = file(&key().0, 0o640);
        let error = Wallet::find(Some(&path)).unwrap_err().to_string();
        assert!(error.ends_with("others than its owner may read it (mode 0640); chmod 600 it"), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_has_read_a_key_leaves_no_core() {
        nix::sys::prctl::set_dumpable(true).unwrap();
        let (_folder, path) = file(&key().0, 0o600);
        Wallet::find(Some(&path)).unwrap();
        assert!(!nix::sys::prctl::get_dumpable().unwrap());
    }

    #[test]
    fn what_is_no_key_is_refused_and_nothing_of_it_is_said() {
        let (text, _) = key();
        let swapped = text.replacen("42", "43", 1);
        for content in ["", "{}", "[1, 2, 3]", "my secret words", "[1, 2, 999]", &swapped, &format!("{text}x")] {
            let (_folder, path) = file(content, 0o600);
            let error = Wallet::find(Some(&path)).unwrap_err();
            assert!(matches!(error, WalletError::NotAKeypair { .. }), "{content}: {error}");
            assert!(!error.to_string().contains("43, 42") && !error.to_string().contains("secret words"), "{error}");
        }
    }

    #[test]
    fn solana_s_own_configuration_says_where_the_key_is() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(of_solana(home.path()).0, home.path().join(".config/solana/id.json"));
        std::fs::create_dir_all(home.path().join(".config/solana/cli")).unwrap();
        let config = home.path().join(".config/solana/cli/config.yml");
        for (line, path) in [
            ("\"/keys/mine.json\"", PathBuf::from("/keys/mine.json")),
            ("/keys/mine.json # of the desk", PathBuf::from("/keys/mine.json")),
            ("~/mine.json", home.path().join("mine.json")),
        ] {
            let text =
                format!("---\njson_rpc_url: http://localhost:8899\nkeypair_path: {line}\ncommitment: confirmed\n");
            std::fs::write(&config, text).unwrap();
            assert_eq!(of_solana(home.path()), (path, config.display().to_string()));
        }
    }
}
