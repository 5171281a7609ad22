//! An account, field by field, under the names of the program's interface.

use std::fmt::Display;

use crate::Bps;
use crate::amm::{FeeRates, FeeTiers, PoolOrigin, QuoteMint};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::{Account, AccountDump};
use crate::chain::{Address, FeeConfigAccount, GlobalConfig, Pool};

/// Names and values, in the account's order. Integers are strings, as everywhere on chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// The account of `dump`, with what the file says of it and what follows from it.
    ///
    /// For a pool that is: the address that its own fields derive, whether it is the one where it was found (null where
    /// that is not said), whether the coin graduated into it, and what it is quoted in.
    #[must_use]
    pub fn new(dump: &AccountDump, account: &Account) -> Self {
        let mut fields = Self::default();
        fields.add("account", account.kind());
        fields.add("address", dump.address.map(|address| address.to_string()));
        fields.add("owner", dump.owner.map(|owner| owner.to_string()));
        fields.add("len", dump.data.len());
        match account {
            Account::Pool(pool) => fields.add_pool(pool, dump.address),
            Account::GlobalConfig(config) => fields.add_global_config(config),
            Account::FeeConfig(config) => fields.add_fee_config(config),
        }
        fields
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    fn add(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push((name, value.into()));
    }

    fn text(&mut self, name: &'static str, value: impl Display) {
        self.add(name, value.to_string());
    }

    fn bps(&mut self, name: &'static str, rate: Bps) {
        self.text(name, rate.0);
    }

    fn list(&mut self, name: &'static str, addresses: &[Address]) {
        self.add(name, addresses.iter().map(ToString::to_string).collect::<Vec<_>>());
    }

    fn add_pool(&mut self, pool: &Pool, found_at: Option<Address>) {
        self.add("pool_bump", pool.bump);
        self.add("index", pool.index);
        self.text("creator", pool.creator);
        self.text("base_mint", pool.base_mint);
        self.text("quote_mint", pool.quote_mint);
        self.text("lp_mint", pool.lp_mint);
        self.text("pool_base_token_account", pool.base_vault);
        self.text("pool_quote_token_account", pool.quote_vault);
        self.text("lp_supply", pool.lp_supply);
        self.text("coin_creator", pool.coin_creator);
        self.add("is_mayhem_mode", pool.is_mayhem);
        self.add("is_cashback_coin", pool.is_cashback);
        self.text("virtual_quote_reserves", pool.virtual_quote_reserves);
        self.bps("creator_fee_bps", pool.creator_fee);
        self.add("can_edit_creator_fee", pool.can_edit_creator_fee);
        self.add("is_holder_reward", pool.is_holder_reward);
        self.text("protocol_fees", pool.protocol_fees);
        self.text("creator_fees", pool.creator_fees);
        let derived = pool.derived_address();
        self.text("derived_address", derived);
        self.add("address_matches", found_at.map(|address| address == derived));
        self.add("canonical", pool.origin() == PoolOrigin::Graduated);
        self.add(
            "quote",
            match pool.quote_kind() {
                QuoteMint::Sol => "wsol",
                QuoteMint::Usdc => "usdc",
                QuoteMint::Other => "other",
            },
        );
        self.add("has_coin_creator", !pool.coin_creator.is_zero());
    }

    fn add_global_config(&mut self, config: &GlobalConfig) {
        self.text("admin", config.admin);
        self.bps("lp_fee_basis_points", config.lp_fee);
        self.bps("protocol_fee_basis_points", config.protocol_fee);
        self.add("disable_flags", config.disabled.0);
        self.list("protocol_fee_recipients", &config.protocol_fee_recipients);
        self.bps("coin_creator_fee_basis_points", config.coin_creator_fee);
        self.text("admin_set_coin_creator_authority", config.admin_set_coin_creator_authority);
        self.text("whitelist_pda", config.whitelist);
        self.text("reserved_fee_recipient", config.reserved_fee_recipient);
        self.add("mayhem_mode_enabled", config.mayhem_enabled);
        self.list("reserved_fee_recipients", &config.reserved_fee_recipients);
        self.add("is_cashback_enabled", config.cashback_enabled);
        self.list("buyback_fee_recipients", &config.buyback_fee_recipients);
        self.bps("buyback_basis_points", config.buyback);
        self.text("boost_authority", config.boost_authority);
        self.add("boost_enabled", config.boost_enabled);
        self.add("creator_fee_configurable", config.creator_fee_configurable);
        self.bps("max_configurable_creator_fee_bps", config.max_creator_fee);
    }

    /// The schedules as the `fee_config` of a quote's request.
    fn add_fee_config(&mut self, config: &FeeConfigAccount) {
        self.add("bump", config.bump);
        self.text("admin", config.admin);
        self.add("flat", rates(config.fees.flat));
        self.add("fee_tiers", tiers(&config.fees.sol_tiers));
        self.add("stable_fee_tiers", tiers(&config.fees.stable_tiers));
        self.add("exotic", rates(config.fees.exotic));
    }
}

fn rates(rates: FeeRates) -> Value {
    json!([rates.lp.0.to_string(), rates.protocol.0.to_string(), rates.creator.0.to_string()])
}

fn tiers(tiers: &FeeTiers) -> Value {
    let row = |rates: FeeRates, threshold: u128| {
        json!([
            threshold.to_string(),
            rates.lp.0.to_string(),
            rates.protocol.0.to_string(),
            rates.creator.0.to_string()
        ])
    };
    tiers.as_slice().iter().map(|tier| row(tier.rates, tier.threshold)).collect()
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account_dump::read_dumps;
    use crate::chain::programs::WSOL_MINT;

    #[test]
    fn a_pool_found_where_its_fields_do_not_lead_says_so() {
        let mut data = Pool::DISCRIMINATOR.to_vec();
        data.resize(75, 0);
        data.extend(WSOL_MINT.as_bytes());
        data.resize(211, 0);
        let dump = AccountDump { label: None, address: Some(WSOL_MINT), owner: None, data };
        let shown = serde_json::to_value(Fields::new(&dump, &dump.decode().unwrap())).unwrap();
        assert_eq!(shown["address_matches"], false);
        assert_eq!((&shown["quote"], &shown["canonical"]), (&"wsol".into(), &false.into()));
        let unplaced = AccountDump { address: None, ..dump };
        let shown = serde_json::to_value(Fields::new(&unplaced, &unplaced.decode().unwrap())).unwrap();
        assert_eq!((&shown["address"], &shown["address_matches"]), (&Value::Null, &Value::Null));
        assert!(read_dumps(shown.to_string().as_bytes()).is_err(), "what is shown is no dump");
    }
}
