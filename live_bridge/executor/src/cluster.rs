//! Clusters, told apart by their genesis hash, so that a configuration for one never reaches another.

pub use reqwest::Url;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A chain by name, or a node by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cluster {
    /// A chain of this machine.
    Localnet,
    /// The developers' chain.
    Devnet,
    /// The validators' chain, which has no PumpSwap.
    Testnet,
    /// The chain where money is.
    Mainnet,
    /// Whatever chain this node is of, but for mainnet: that is asked for by name.
    Node(Url),
}

/// Text that is no cluster.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no cluster: expected localnet, devnet, testnet, mainnet-beta, or the http(s) address of a node")]
pub struct NoCluster(String);

/// A node of another chain than the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WrongChain {
    /// It is of a known chain.
    #[error("{host} is a node of {found}, not of {expected}; nothing was sent")]
    Known {
        /// The node.
        host: String,
        /// Its chain.
        found: &'static str,
        /// The one that was asked for.
        expected: String,
    },
    /// It is of an unknown one.
    #[error("{host} is a node of an unknown chain (genesis {genesis}), not of {expected}; nothing was sent")]
    Unknown {
        /// The node.
        host: String,
        /// The hash of its first block.
        genesis: String,
        /// The one that was asked for.
        expected: String,
    },
    /// It is as old as another one.
    #[error(
        "a node says that it is of {claimed} and is at slot {slot}, which {why}: it lies about one of them. Ask another node \
         with --rpc; nothing was sent"
    )]
    Lies {
        /// What its first block says it is.
        claimed: String,
        /// Its newest slot.
        slot: u64,
        /// Why that cannot be.
        why: &'static str,
    },
    /// Two nodes that are not of one chain.
    #[error("{host} is a node of another chain than the first one; all have to be of one")]
    Mixed {
        /// The node.
        host: String,
    },
}

/// First blocks. Source: Solana's documentation of its clusters.
const GENESIS: [(&str, &str); 3] = [
    ("mainnet-beta", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"),
    ("devnet", "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"),
    ("testnet", "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY"),
];

/// No chain of one's own gets as far: it takes fifteen months of 400 ms. Those that everybody shares passed it years ago.
const SHARED_FROM_SLOT: u64 = 100_000_000;

impl FromStr for Cluster {
    type Err = NoCluster;

    fn from_str(text: &str) -> Result<Self, NoCluster> {
        Ok(match text {
            "localnet" | "localhost" => Self::Localnet,
            "devnet" => Self::Devnet,
            "testnet" => Self::Testnet,
            "mainnet-beta" | "mainnet" => Self::Mainnet,
            _ => {
                let url: Url = text.parse().map_err(|_| NoCluster(text.to_owned()))?;
                if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
                    return Err(NoCluster(text.to_owned()));
                }
                Self::Node(url)
            }
        })
    }
}

impl fmt::Display for Cluster {
    /// A node's host alone: the rest of its address may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Localnet => "localnet",
            Self::Devnet => "devnet",
            Self::Testnet => "testnet",
            Self::Mainnet => "mainnet-beta",
            Self::Node(url) => url.host_str().unwrap_or("?"),
        })
    }
}

impl Cluster {
    /// The node that Solana's own tools ask.
    ///
    /// # Panics
    /// Never: the addresses are constants.
    #[must_use]
    pub fn usual_node(&self) -> Url {
        let url = match self {
            Self::Localnet => "http://127.0.0.1:8899",
            Self::Devnet => "https://api.devnet.solana.com",
            Self::Testnet => "https://api.testnet.solana.com",
            Self::Mainnet => "https://api.mainnet-beta.solana.com",
            Self::Node(url) => return url.clone(),
        };
        match url.parse() {
            Ok(url) => url,
            Err(_) => unreachable!("{url} is an address"),
        }
    }

    /// The chain that began with `genesis`: one of the three that everybody shares, or somebody's own.
    #[must_use]
    pub fn of(genesis: &str) -> Self {
        let known = GENESIS.iter().find(|(_, known)| *known == genesis);
        known.and_then(|(name, _)| name.parse().ok()).unwrap_or(Self::Localnet)
    }

    /// Hash of its first block, where it is one that everybody shares.
    #[must_use]
    pub fn genesis(&self) -> Option<&'static str> {
        let name = self.to_string();
        GENESIS.iter().find(|(known, _)| *known == name).map(|(_, genesis)| *genesis)
    }

    /// Whether a chain that is said to have begun with `genesis` can be at `slot`. A node that hides which chain it is of
    /// would have somebody trade real money who thinks that it is play.
    ///
    /// # Errors
    /// [`WrongChain::Lies`] where it cannot.
    pub fn can_be_at(genesis: &str, slot: u64) -> Result<(), WrongChain> {
        let claimed = Self::of(genesis);
        let why = match (claimed == Self::Localnet, slot < SHARED_FROM_SLOT) {
            (true, true) | (false, false) => return Ok(()),
            (true, false) => "no chain of one's own reaches",
            (false, true) => "it passed years ago",
        };
        Err(WrongChain::Lies { claimed: claimed.to_string(), slot, why })
    }

    /// Whether a node whose chain began with `genesis` is of this cluster.
    ///
    /// # Errors
    /// [`WrongChain`] where it is not.
    pub fn check(&self, host: &str, genesis: &str) -> Result<(), WrongChain> {
        let found = GENESIS.iter().find(|(_, known)| *known == genesis).map(|(name, _)| *name);
        let (host, expected) = (host.to_owned(), self.to_string());
        match (self, found) {
            (Self::Localnet | Self::Node(_), None) => Ok(()),
            (Self::Node(_), Some("mainnet-beta")) => {
                let expected = "a chain without money; ask for mainnet-beta by name (--cluster mainnet-beta --rpc URL)";
                Err(WrongChain::Known { host, found: "mainnet-beta", expected: expected.to_owned() })
            }
            (Self::Node(_), Some(_)) => Ok(()),
            (_, Some(found)) if found == expected => Ok(()),
            (_, Some(found)) => Err(WrongChain::Known { host, found, expected }),
            (_, None) => Err(WrongChain::Unknown { host, genesis: genesis.to_owned(), expected }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cluster: &str, genesis: &str) -> Result<(), String> {
        let genesis = GENESIS.iter().find(|(name, _)| *name == genesis).map_or(genesis, |(_, hash)| hash);
        cluster.parse::<Cluster>().unwrap().check("node", genesis).map_err(|error| error.to_string())
    }

    #[test]
    fn a_node_of_another_chain_is_refused() {
        for cluster in ["devnet", "testnet", "mainnet-beta"] {
            assert_eq!(check(cluster, cluster), Ok(()));
            assert!(check(cluster, "SomebodysOwn").unwrap_err().contains("an unknown chain"));
            assert!(check("localnet", cluster).unwrap_err().contains(&format!("of {cluster}, not of localnet")));
        }
        assert!(check("devnet", "mainnet-beta").unwrap_err().contains("of mainnet-beta, not of devnet"));
        assert_eq!(check("localnet", "SomebodysOwn"), Ok(()));
    }

    #[test]
    fn mainnet_is_never_reached_by_address_alone() {
        assert!(check("https://rpc.example/?api-key=s3cret", "mainnet-beta").unwrap_err().contains("by name"));
        assert_eq!(check("https://rpc.example", "devnet"), Ok(()));
    }

    #[test]
    fn a_chain_is_as_far_as_it_says_it_is() {
        let [mainnet, devnet] = [0, 1].map(|known: usize| GENESIS[known].1);
        assert_eq!((Cluster::of(mainnet), Cluster::of("SomebodysOwn")), (Cluster::Mainnet, Cluster::Localnet));
        assert_eq!((Cluster::Devnet.genesis(), Cluster::Localnet.genesis()), (Some(devnet), None));
        for (genesis, slot, is_true) in [
            (mainnet, 440_000_000, true),
            (devnet, 312, false),
            ("SomebodysOwn", 312, true),
            ("SomebodysOwn", 440_000_000, false),
        ] {
            assert_eq!(Cluster::can_be_at(genesis, slot).is_ok(), is_true, "{genesis} {slot}");
        }
        let lie = Cluster::can_be_at("SomebodysOwn", 440_000_000).unwrap_err().to_string();
        assert!(lie.contains("of localnet and is at slot 440000000") && lie.ends_with("nothing was sent"), "{lie}");
    }

    #[test]
    fn a_key_in_an_address_is_never_shown() {
        let cluster: Cluster = "https://rpc.example/s3cret?api-key=s3cret".parse().unwrap();
        assert_eq!(cluster.to_string(), "rpc.example");
    }

    #[test]
    fn what_is_no_cluster_is_refused() {
        for text in ["", "main", "ftp://rpc.example", "localhost:8899", "/tmp/socket"] {
            assert_eq!(text.parse::<Cluster>(), Err(NoCluster(text.to_owned())));
        }
    }
}
