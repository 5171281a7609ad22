//! `q50 close`: positions sold by hand, at once or when a stop-loss, a take-profit or a timeout is met.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use q50_engine::units::Bps;
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::executor::{Executor, Report};
use q50_executor::guards::{ExitReason, ExitRules};
use q50_executor::journal::{Position, Settlement};
use q50_executor::rpc::{Class, Client};
use q50_executor::wallet::Wallet;
use q50_pumpswap::chain::Address;
use serde_json::{Value, json};

use super::chain::{connect_to_trade, fields, key, mint, refuse_real_money, settings, show, start, wait};
use super::trade_text::{self, Coins};
use crate::{
    Answer,
    args::{CloseArguments, Format},
    output,
};

/// Between two looks at a price.
const LOOK: Duration = Duration::from_secs(1);

type Trader = Executor<Client<SystemClock>, SystemClock>;

pub(crate) fn close(arguments: &CloseArguments) -> Result<Answer> {
    wait(async {
        let wanted: Vec<Address> = arguments.mints.iter().map(|text| mint(text)).collect::<Result<_>>()?;
        let settings = settings(&arguments.sending)?;
        let (cluster, client) = connect_to_trade(&arguments.chain, &arguments.sending).await?;
        refuse_real_money(&cluster, &arguments.sending, "q50 positions lists what it would sell")?;
        let wallet = Wallet::find(arguments.chain.keypair.as_deref())?;
        let executor = start(client, wallet, &arguments.sending, settings).await?;
        let mut closing = Closing { arguments, executor, closed: Vec::new(), answer: Answer::Yes };
        let held = closing.held(&wanted)?;
        let done = if arguments.watch { closing.watch(&held).await } else { closing.sell_all(&held).await };
        // What was sold is told, whatever came after it.
        if done.is_ok() || !closing.closed.is_empty() {
            closing.show()?;
        }
        done?;
        Ok(closing.answer)
    })
}

struct Closing<'a> {
    arguments: &'a CloseArguments,
    executor: Trader,
    /// What became of each sale.
    closed: Vec<Value>,
    answer: Answer,
}

impl Closing<'_> {
    /// Positions of the wanted coins; of all where none is named.
    fn held(&self, wanted: &[Address]) -> Result<Vec<Position>> {
        let mut held = self.executor.journal().positions()?;
        held.retain(|position| position.base > 0 && (wanted.is_empty() || wanted.contains(&position.mint)));
        if let Some(missing) = wanted.iter().find(|mint| held.iter().all(|position| position.mint != **mint)) {
            bail!("the journal holds nothing of {missing}; q50 positions lists what it holds");
        }
        Ok(held)
    }

    async fn sell_all(&mut self, held: &[Position]) -> Result<()> {
        for position in held {
            self.sell(position, None).await?;
        }
        Ok(())
    }

    /// Keeps the levels that are given, then looks until every position with levels is sold.
    async fn watch(&mut self, held: &[Position]) -> Result<()> {
        let arguments = self.arguments;
        let rules =
            ExitRules { stop_loss: arguments.stop_loss, take_profit: arguments.take_profit, timeout: arguments.after };
        if rules != ExitRules::default() {
            for position in held {
                self.executor.journal().arm(&position.mint, &rules, SystemClock.now())?;
            }
        }
        let armed = self.executor.journal().armed()?;
        let mut watched: Vec<(Position, ExitRules)> =
            held.iter().filter_map(|position| Some((*position, *armed.get(&position.mint)?))).collect();
        ensure!(!watched.is_empty(), "nothing that is held has a level; give --stop-loss, --take-profit or --after");
        for (position, rules) in &watched {
            tracing::info!("{}: watched, {rules:?}", position.mint);
        }
        while !watched.is_empty() {
            let mut left = Vec::with_capacity(watched.len());
            for (position, rules) in watched {
                let reason = self.executor.exit_of(&position, &rules).await?;
                let is_over = match reason {
                    Some(reason) => self.sell(&position, Some(reason)).await?,
                    None => false,
                };
                if is_over {
                    self.executor.journal().disarm(&position.mint)?;
                } else {
                    left.push((position, rules));
                }
            }
            watched = left;
            if !watched.is_empty() {
                SystemClock.sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Sells a position; whether it is over, because it is sold or never can be.
    async fn sell(&mut self, position: &Position, reason: Option<ExitReason>) -> Result<bool> {
        let mut key = format!("{}: {}", key(&self.arguments.sending), position.mint);
        if reason.is_some() {
            // Where a sale fails, the next look gives an order of its own.
            key = format!("{key} at {} ms", SystemClock.now().0);
        }
        let slippage = Bps(self.arguments.slippage_bps);
        let report = self.executor.close(&key, position.mint, position.base.unsigned_abs(), slippage).await?;
        let (mut value, answer) = fields(&report);
        value["mint"] = json!(position.mint.to_string());
        value["fired"] = json!(reason);
        let is_over = match &report {
            Report::Settled { settlement: Settlement::Filled { .. }, .. } => true,
            Report::Rejected(rejection) => rejection.class() == Class::Fatal,
            Report::Refused(_) | Report::Known(_) | Report::Settled { .. } => false,
        };
        if answer == Answer::No && (is_over || reason.is_none()) {
            self.answer = Answer::No;
        }
        if reason.is_some() && self.arguments.chain.format == Format::Text {
            show(Format::Text, &value, Coins(None))?;
        }
        self.closed.push(value);
        Ok(is_over)
    }

    fn show(&self) -> Result<()> {
        // Each was shown when it was sold.
        if self.arguments.watch && self.arguments.chain.format == Format::Text {
            return Ok(());
        }
        output::print(self.arguments.chain.format, &json!({"closed": self.closed}), |out| {
            if self.closed.is_empty() {
                return writeln!(out, "nothing is held");
            }
            self.closed.iter().try_for_each(|sale| trade_text::order(out, sale, Coins(None)))
        })
    }
}
