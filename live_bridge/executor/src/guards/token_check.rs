//! Whether a token can be sold again: its mint account says who may freeze it, mint more of it, or tax it.
//!
//! Source: the account layout of SPL Token's `Mint`, and of Token-2022's extensions behind it.

use super::Refusal;
use q50_pumpswap::chain::programs::{TOKEN, TOKEN_2022};
use q50_pumpswap::chain::{Address, DecodeError};

/// Length of a mint without extensions.
const MINT: usize = 82;
/// Where a Token-2022 mint says that it is one, behind the padding to a token account's length.
const ACCOUNT_TYPE: usize = 165;
const IS_MINT: u8 = 1;
/// Decimals of every coin that graduates, and of USDC; an imitation often has others.
const MOST_DECIMALS: u8 = 9;

/// What a mint's account says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mint {
    /// The token program that it belongs to.
    pub program: Address,
    /// Who may print more.
    pub mint_authority: Option<Address>,
    /// Who may freeze accounts.
    pub freeze_authority: Option<Address>,
    /// In the smallest unit.
    pub supply: u64,
    /// Digits behind the point.
    pub decimals: u8,
    /// Numbers of its extensions, in order.
    pub extensions: Vec<u16>,
}

impl Mint {
    /// Reads a mint's account.
    ///
    /// # Errors
    /// [`DecodeError`] where it is no mint of a token program.
    pub fn read(owner: &Address, data: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "Mint";
        if *owner != TOKEN && *owner != TOKEN_2022 {
            return Err(DecodeError::WrongOwner { what: WHAT, expected: TOKEN, found: *owner });
        }
        let cut = DecodeError::TooShort { what: WHAT, needed: MINT, found: data.len() };
        let base = data.get(..MINT).ok_or(cut)?;
        let authority = |at: usize| {
            let bytes: [u8; 32] = base[at + 4..at + 36].try_into().unwrap_or_default();
            (base[at] != 0).then_some(Address(bytes))
        };
        let supply = u64::from_le_bytes(base[36..44].try_into().unwrap_or_default());
        Ok(Self {
            program: *owner,
            mint_authority: authority(0),
            freeze_authority: authority(46),
            supply,
            decimals: base[44],
            extensions: extensions(data),
        })
    }

    /// Whether a token of this mint may be bought.
    ///
    /// # Errors
    /// [`Refusal::Token`], with everything that speaks against it.
    pub fn check(&self, mint: &Address) -> Result<(), Refusal> {
        let mut faults = Vec::new();
        if let Some(authority) = self.mint_authority {
            faults.push(format!("{authority} can print more of it"));
        }
        if let Some(authority) = self.freeze_authority {
            faults.push(format!("{authority} can freeze it"));
        }
        if self.supply == 0 {
            faults.push("its supply is 0".to_owned());
        }
        if self.decimals > MOST_DECIMALS {
            faults.push(format!("{} decimals, at most {MOST_DECIMALS} are usual", self.decimals));
        }
        faults.extend(self.extensions.iter().filter_map(|&kind| fault_of(kind)));
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Token { mint: *mint, faults: faults.join("; ") }) }
    }
}

/// Kinds of the type-length-value list behind a Token-2022 mint.
fn extensions(data: &[u8]) -> Vec<u16> {
    let mut kinds = Vec::new();
    let Some((&IS_MINT, mut rest)) = data.get(ACCOUNT_TYPE..).and_then(<[u8]>::split_first) else { return kinds };
    while let Some((header, behind)) = rest.split_first_chunk::<4>() {
        let [kind, length] = [0, 2].map(|at| u16::from_le_bytes([header[at], header[at + 1]]));
        if kind == 0 {
            break;
        }
        kinds.push(kind);
        rest = behind.get(usize::from(length)..).unwrap_or_default();
    }
    kinds
}

/// What speaks against an extension; names and groups do no harm, and what is not known is refused.
fn fault_of(kind: u16) -> Option<String> {
    let fault = match kind {
        18..=23 => return None,
        1 => "a fee is taken from every transfer",
        6 => "new accounts of it can begin frozen",
        9 => "it cannot be transferred",
        10 => "its amounts bear interest",
        12 => "a delegate can take it from anybody",
        14 => "a program decides over every transfer",
        25 => "its amounts are scaled",
        26 => "its transfers can be paused",
        _ => return Some(format!("extension {kind} of Token-2022, which is not known to be harmless")),
    };
    Some(fault.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mint(mint_authority: bool, freeze_authority: bool) -> Vec<u8> {
        let mut data = vec![0; MINT];
        data[0] = u8::from(mint_authority);
        data[4..36].fill(7);
        data[36..44].copy_from_slice(&1_000_u64.to_le_bytes());
        data[44] = 6;
        data[45] = 1;
        data[46] = u8::from(freeze_authority);
        data[50..82].fill(8);
        data
    }

    fn with_extension(kind: u16) -> Vec<u8> {
        let mut data = mint(false, false);
        data.resize(ACCOUNT_TYPE, 0);
        data.push(IS_MINT);
        for (kind, length) in [(18_u16, 64_u16), (kind, 8)] {
            data.extend(kind.to_le_bytes());
            data.extend(length.to_le_bytes());
            data.extend(vec![0; usize::from(length)]);
        }
        data
    }

    fn faults(owner: Address, data: &[u8]) -> String {
        match Mint::read(&owner, data).unwrap().check(&Address([1; 32])) {
            Ok(()) => String::new(),
            Err(Refusal::Token { faults, .. }) => faults,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_graduated_coin_passes() {
        assert_eq!(faults(TOKEN, &mint(false, false)), "");
        assert_eq!(faults(TOKEN_2022, &with_extension(19)), "");
    }

    #[test]
    fn who_can_print_or_freeze_is_named() {
        let (print, freeze) = (Address([7; 32]), Address([8; 32]));
        assert_eq!(faults(TOKEN, &mint(true, true)), format!("{print} can print more of it; {freeze} can freeze it"));
    }

    #[test]
    fn harmful_and_unknown_extensions_are_refused() {
        assert_eq!(faults(TOKEN_2022, &with_extension(1)), "a fee is taken from every transfer");
        assert_eq!(faults(TOKEN_2022, &with_extension(12)), "a delegate can take it from anybody");
        assert!(faults(TOKEN_2022, &with_extension(999)).contains("extension 999"));
    }

    #[test]
    fn an_account_of_another_program_or_a_cut_one_is_no_mint() {
        assert!(matches!(Mint::read(&Address([9; 32]), &mint(false, false)), Err(DecodeError::WrongOwner { .. })));
        assert!(matches!(Mint::read(&TOKEN, &[0; 81]), Err(DecodeError::TooShort { needed: 82, found: 81, .. })));
    }
}
