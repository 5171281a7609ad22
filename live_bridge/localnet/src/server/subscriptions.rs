//! The subscriptions of a WebSocket connection, and its notifications.
//!
//! A subscription remembers how far along the chain it has reported. Whenever the chain changes, it reports what lies
//! between there and the current position of its commitment. So nothing is lost and nothing is reported twice, however
//! late it is polled.

use crate::chain::commitment::{CommitmentLevel, Slot};
use crate::chain::record::Record;
use crate::chain::view::View;
use crate::node::Node;
use crate::rpc::accounts::{AccountConfig, ProgramConfig, keyed, notified};
use crate::rpc::envelope::Message;
use crate::rpc::error::RpcError;
use crate::rpc::params::{ContextConfig, Params, pubkey};
use crate::rpc::{context, to_value};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_account::AccountSharedData;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use std::collections::BTreeMap;

/// The subscriptions of one connection.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    list: BTreeMap<u64, Subscription>,
    last_id: u64,
    /// Whether a fault has silenced the connection.
    pub(super) is_silenced: bool,
}

#[derive(Debug)]
struct Subscription {
    topic: Topic,
    commitment: CommitmentLevel,
    /// The place in the chain up to which it has told.
    told: Place,
    /// How often slots had been taken back by then.
    forks: u64,
}

/// A slot, and how many of its transactions.
type Place = (Slot, usize);

#[derive(Debug)]
enum Topic {
    Signature { signature: Signature, tells_receipt: bool },
    Account { key: Pubkey, config: AccountConfig, last: Option<AccountSharedData> },
    Program { program: Pubkey, config: ProgramConfig },
    Logs { mentions: Option<Pubkey> },
    Slot,
    Root,
}

impl Topic {
    fn method(&self) -> &'static str {
        match self {
            Self::Signature { .. } => "signatureNotification",
            Self::Account { .. } => "accountNotification",
            Self::Program { .. } => "programNotification",
            Self::Logs { .. } => "logsNotification",
            Self::Slot => "slotNotification",
            Self::Root => "rootNotification",
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SignatureConfig {
    enable_received_notification: Option<bool>,
    #[serde(flatten)]
    context: ContextConfig,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum LogsFilter {
    All,
    AllWithVotes,
    Mentions(Vec<String>),
}

impl Subscriptions {
    /// Answers what came over the connection.
    pub(super) fn answer(&mut self, node: &Node, bytes: &[u8]) -> Option<Value> {
        match Message::read(bytes) {
            Ok(message) => message.answer(|method, params| {
                self.is_silenced |= node.draw(method).is_silenced;
                self.call(node, method, params)
            }),
            Err(answer) => Some(answer),
        }
    }

    fn call(&mut self, node: &Node, method: &str, mut params: Params) -> Result<Value, RpcError> {
        if method.ends_with("Unsubscribe") {
            let id: u64 = params.required("subscription")?;
            return match self.list.remove(&id) {
                Some(_) => Ok(json!(true)),
                None => Err(RpcError::params("Invalid subscription id.")),
            };
        }
        let (topic, commitment) = topic(method, &mut params)?;
        let chain = node.chain();
        let view = View { chain: &chain, behind: 0 };
        let at = view.slot(commitment);
        let topic = match topic {
            Topic::Account { key, config, .. } => Topic::Account { key, config, last: view.account(&key, at).cloned() },
            other => other,
        };
        self.last_id += 1;
        self.list.insert(self.last_id, Subscription { topic, commitment, told: end(&view, at), forks: chain.forks() });
        Ok(json!(self.last_id))
    }

    /// What there is to tell since the last time.
    pub(super) fn notifications(&mut self, node: &Node) -> Vec<Value> {
        let chain = node.chain();
        let view = View { chain: &chain, behind: 0 };
        let mut all = Vec::new();
        self.list.retain(|id, subscription| {
            let (results, is_over) = subscription.results(&view);
            let method = subscription.topic.method();
            all.extend(results.into_iter().map(
                |result| json!({"jsonrpc": "2.0", "method": method, "params": {"result": result, "subscription": id}}),
            ));
            !is_over
        });
        all
    }
}

/// All methods that subscribe to something.
pub(crate) const SUBSCRIBE: [&str; 6] =
    ["accountSubscribe", "logsSubscribe", "programSubscribe", "rootSubscribe", "signatureSubscribe", "slotSubscribe"];

/// What a request subscribes to.
fn topic(method: &str, params: &mut Params) -> Result<(Topic, CommitmentLevel), RpcError> {
    Ok(match method {
        "signatureSubscribe" => {
            let (signature, config): (_, SignatureConfig) = (params.signature()?, params.config()?);
            let tells_receipt = config.enable_received_notification.unwrap_or(false);
            (Topic::Signature { signature, tells_receipt }, config.context.commitment())
        }
        "accountSubscribe" => {
            let (key, config): (_, AccountConfig) = (params.pubkey()?, params.config()?);
            (Topic::Account { key, config, last: None }, config.context.commitment())
        }
        "programSubscribe" => {
            let program = params.pubkey()?;
            let config = params.config::<ProgramConfig>()?.checked()?;
            let commitment = config.account.context.commitment();
            (Topic::Program { program, config }, commitment)
        }
        "logsSubscribe" => {
            let filter: LogsFilter = params.required("filter")?;
            let config: ContextConfig = params.config()?;
            let mentions = match filter {
                LogsFilter::All | LogsFilter::AllWithVotes => None,
                LogsFilter::Mentions(keys) => match keys.as_slice() {
                    [key] => Some(pubkey(key)?),
                    _ => return Err(RpcError::params("Invalid Request: Only 1 address supported")),
                },
            };
            (Topic::Logs { mentions }, config.commitment())
        }
        "slotSubscribe" => (Topic::Slot, CommitmentLevel::Processed),
        "rootSubscribe" => (Topic::Root, CommitmentLevel::Finalized),
        _ => return Err(RpcError::method()),
    })
}

/// The place behind all that `slot` holds by now.
fn end(view: &View<'_>, slot: Slot) -> Place {
    (slot, view.chain.block(slot).map_or(0, |block| block.signatures.len()))
}

impl Subscription {
    /// What there is to tell, and whether that was all.
    fn results(&mut self, view: &View<'_>) -> (Vec<Value>, bool) {
        let at = view.slot(self.commitment);
        if self.forks != view.chain.forks() {
            // Whatever it told of the slots that are gone, their successors are news.
            self.told = self.told.min((view.newest().saturating_sub(1), usize::MAX));
            self.forks = view.chain.forks();
        }
        let since = std::mem::replace(&mut self.told, end(view, at));
        match &mut self.topic {
            Topic::Signature { signature, tells_receipt } => {
                let Some(record) = view.record(signature) else { return (Vec::new(), false) };
                let receipt = std::mem::take(tells_receipt)
                    .then(|| json!({"context": context(view.newest()), "value": "receivedSignature"}));
                let is_over = record.slot <= at;
                let result = is_over.then(|| {
                    let err = to_value(record.status.as_ref().err()).unwrap_or_default();
                    json!({"context": context(at), "value": {"err": err}})
                });
                (receipt.into_iter().chain(result).collect(), is_over)
            }
            Topic::Account { key, config, last } => {
                let now = view.account(key, at);
                if now == last.as_ref() {
                    return (Vec::new(), false);
                }
                *last = now.cloned();
                (notified(config, view, at, key).into_iter().collect(), false)
            }
            Topic::Program { program, config } => {
                let mut changed: Vec<Pubkey> =
                    records(view, since, at).flat_map(|record| record.changed.clone()).collect();
                changed.sort_unstable();
                changed.dedup();
                let told = changed.iter().filter_map(|key| {
                    let account = view.account(key, at)?;
                    let is_of = solana_account::ReadableAccount::owner(account) == program && config.passes(account);
                    let value = is_of.then(|| keyed(key, config.account.notify(view, at, key, account)))?.ok()?;
                    Some(json!({"context": context(at), "value": value}))
                });
                (told.collect(), false)
            }
            Topic::Logs { mentions } => {
                let told = records(view, since, at).filter(|record| mentions.is_none_or(|key| record.mentions(&key)));
                (told.map(logs).collect(), false)
            }
            Topic::Slot => {
                let blocks = (since.0 + 1..=at).filter_map(|slot| Some((slot, view.chain.block(slot)?)));
                let told = blocks.map(|(slot, block)| json!({"parent": slot - 1, "root": block.root, "slot": slot}));
                (told.collect(), false)
            }
            Topic::Root => ((since.0 + 1..=at).map(|slot| json!(slot)).collect(), false),
        }
    }
}

fn logs(record: &Record) -> Value {
    let err = to_value(record.status.as_ref().err()).unwrap_or_default();
    let value = json!({"signature": record.signature().to_string(), "err": err, "logs": record.logs});
    json!({"context": context(record.slot), "value": value})
}

/// The transactions behind a place, up to the end of a slot.
fn records<'a>(view: &View<'a>, (first, told): Place, at: Slot) -> impl Iterator<Item = &'a Record> {
    let view = *view;
    let slots = first..=at;
    slots.filter_map(move |slot| Some((slot, view.chain.block(slot)?))).flat_map(move |(slot, block)| {
        let skipped = if slot == first { told } else { 0 };
        block.signatures.iter().skip(skipped).filter_map(move |signature| view.record(signature))
    })
}
