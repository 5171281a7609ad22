//! The node: the chain and its faults, shared by every connection.

use crate::chain::Chain;
use crate::faults::{Fault, Faults, HttpFault, Struck};
use crate::outsider::{Arbitrageur, move_pool};
use crate::rpc::envelope::Message;
use crate::rpc::{self, Call};
use crate::state::StateError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use solana_account::Account;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use thiserror::Error;
use tokio::sync::watch;

/// The node.
#[derive(Debug)]
pub(crate) struct Node {
    chain: Mutex<Chain>,
    faults: Mutex<Faults>,
    arbitrageur: Mutex<Option<Arbitrageur>>,
    /// Told of every change of the chain.
    changed: watch::Sender<()>,
    /// How often every WebSocket was silenced.
    silenced: AtomicU64,
    state: Option<PathBuf>,
}

/// What is done with an HTTP request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is answered; a notification with nothing.
    Answer(Option<Value>),
    /// It fails.
    Fault(HttpFault),
}

/// What a localnet does on command; `/control` takes it as JSON, `{"do": "advance", "slots": 3}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Nothing but answer how things are.
    Status {},
    /// Closes the open slot and opens the next, so many times.
    Advance {
        /// At most 100,000.
        slots: u64,
    },
    /// Takes back the newest slots and all that happened in them.
    Fork {
        /// From 1 to 31: what is finalized stays.
        slots: u64,
    },
    /// Adds a fault to those in force.
    AddFault {
        /// Which.
        fault: Fault,
    },
    /// Ends all faults.
    ClearFaults {},
    /// Tells again of the transactions that a fault hid.
    Reveal {},
    /// Silences every WebSocket that is open.
    SilenceWebsockets {},
    /// Has the outsider trade until a pool's price is other.
    MovePrice {
        /// The pool's address.
        pool: String,
        /// By how much, in basis points; up where positive.
        bps: i64,
    },
    /// Has an account be what is said, as if a transaction had made it so; a fork takes it back.
    SetAccount {
        /// Its address.
        address: String,
        /// Its lamports; with 0 there is no account.
        lamports: u64,
        /// The program that it belongs to.
        owner: String,
        /// Its data in base64.
        data: String,
    },
    /// Writes the state to its folder.
    Save {},
}

/// How things are with a localnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The open slot.
    pub slot: u64,
    /// How often slots were taken back.
    pub forks: u64,
    /// Transactions that landed.
    pub transactions: usize,
    /// How many requests each fault in force has struck, in the order that they were added.
    pub struck: Vec<u64>,
}

/// A command that cannot be obeyed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// A number of slots.
    #[error("slots: {slots} is not from {least} to {most}")]
    Slots {
        /// The one asked for.
        slots: u64,
        /// The least there can be.
        least: u64,
        /// The most there can be.
        most: u64,
    },
    /// A price.
    #[error("pool {pool}: no trade moves it by {bps} bps; is it a pool of this chain?")]
    Price {
        /// The pool.
        pool: String,
        /// The move asked for.
        bps: i64,
    },
    /// An account.
    #[error("account {address}: {what} is not {expected}")]
    Account {
        /// Its address, as it was said.
        address: String,
        /// What is wrong.
        what: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// There is no folder to save to.
    #[error("started without --state, there is no folder to save to")]
    NoState,
    /// Saving failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Slots that may be stepped at once.
const MAX_STEPS: u64 = 100_000;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked while he held it has answered with an error of his own.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    pub(crate) fn new(chain: Chain, faults: Faults, arbitrageur: Option<Arbitrageur>, state: Option<PathBuf>) -> Self {
        Self {
            chain: Mutex::new(chain),
            faults: Mutex::new(faults),
            arbitrageur: Mutex::new(arbitrageur),
            changed: watch::Sender::new(()),
            silenced: AtomicU64::new(0),
            state,
        }
    }

    /// The chain, for as long as the guard lives.
    pub(crate) fn chain(&self) -> MutexGuard<'_, Chain> {
        locked(&self.chain)
    }

    /// Told of every change of the chain.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// How often every WebSocket was silenced.
    pub(crate) fn silenced(&self) -> u64 {
        self.silenced.load(Ordering::Relaxed)
    }

    /// What strikes a request of this method.
    pub(crate) fn draw(&self, method: &str) -> Struck {
        locked(&self.faults).draw(method)
    }

    /// Closes the open slot and opens the next, `slots` times.
    pub(crate) fn advance(&self, slots: u64) {
        let mut chain = self.chain();
        match locked(&self.arbitrageur).as_mut() {
            None => chain.advance(slots),
            Some(arbitrageur) => {
                for _ in 0..slots {
                    chain.advance(1);
                    arbitrageur.act(&mut chain);
                }
            }
        }
        drop(chain);
        self.changed.send_replace(());
    }

    /// Answers what came over HTTP.
    pub(crate) fn answer(&self, bytes: &[u8]) -> Outcome {
        let message = match Message::read(bytes) {
            Ok(message) => message,
            Err(answer) => return Outcome::Answer(Some(answer)),
        };
        let struck: Vec<Struck> = message.methods().map(|method| self.draw(method)).collect();
        let fault = struck.iter().find_map(|struck| struck.http);
        if let Some(fault) = fault.filter(|fault| !fault.executes()) {
            return Outcome::Fault(fault);
        }
        let mut struck = struck.into_iter();
        let mut chain = self.chain();
        let before = chain.revision();
        let answer = message.answer(|method, params| {
            let struck = struck.next().unwrap_or_default();
            if let Some(slots) = struck.fork {
                // Right after another one there may be fewer slots to take back, or none.
                let _ = chain.fork(slots).or_else(|most| chain.fork(most));
            }
            let behind = struck.behind;
            rpc::call(method, &mut Call { chain: &mut chain, behind, send_fault: struck.send, params })
        });
        let is_changed = chain.revision() != before;
        drop(chain);
        if is_changed {
            self.changed.send_replace(());
        }
        fault.map_or(Outcome::Answer(answer), Outcome::Fault)
    }

    /// Obeys a command, and says how things are then.
    pub(crate) fn obey(&self, command: Command) -> Result<Status, CommandError> {
        let mut chain = self.chain();
        match command {
            Command::Status {} => {}
            Command::Advance { slots } if slots > MAX_STEPS => {
                return Err(CommandError::Slots { slots, least: 0, most: MAX_STEPS });
            }
            Command::Advance { slots } => {
                drop(chain);
                self.advance(slots);
                chain = self.chain();
            }
            Command::Fork { slots } => {
                chain.fork(slots).map_err(|most| CommandError::Slots { slots, least: 1, most })?;
            }
            Command::AddFault { fault } => locked(&self.faults).add(fault),
            Command::ClearFaults {} => locked(&self.faults).clear(),
            Command::Reveal {} => chain.reveal(),
            Command::SilenceWebsockets {} => {
                self.silenced.fetch_add(1, Ordering::Relaxed);
            }
            Command::MovePrice { pool, bps } => {
                let moved = pool.parse().is_ok_and(|address| bps > -10_000 && move_pool(&mut chain, address, bps));
                if !moved {
                    return Err(CommandError::Price { pool, bps });
                }
            }
            Command::SetAccount { address, lamports, owner, data } => {
                let wrong = |what, expected| CommandError::Account { address: address.clone(), what, expected };
                let key = address.parse().map_err(|_| wrong("the address", "32 bytes in base58"))?;
                let owner = owner.parse().map_err(|_| wrong("the owner", "32 bytes in base58"))?;
                let data = STANDARD.decode(&data).map_err(|_| wrong("the data", "base64"))?;
                let account = Account { lamports, data, owner, executable: false, rent_epoch: u64::MAX };
                chain.change(key, account.into());
            }
            Command::Save {} => {
                crate::state::save(&chain, self.state.as_deref().ok_or(CommandError::NoState)?)?;
            }
        }
        let status = Status {
            slot: chain.open(),
            forks: chain.forks(),
            transactions: chain.records().len(),
            struck: locked(&self.faults).struck(),
        };
        drop(chain);
        self.changed.send_replace(());
        Ok(status)
    }
}
