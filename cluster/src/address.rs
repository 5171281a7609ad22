//! Where schedulers and workers are.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, Result, bail};
use q50::cluster::NetworkArguments;

/// The port of a scheduler where none is typed.
const PORT: u16 = 50_050;

/// Host and port of a scheduler, as it was typed.
pub(crate) fn scheduler(typed: &str) -> Result<(String, u16)> {
    let host_port = || format!("{typed}: expected HOST or HOST:PORT, such as 10.0.0.1:{PORT}");
    if typed.contains(['/', '@']) {
        bail!("{}", host_port());
    }
    let (host, port) = match typed.rsplit_once(':') {
        None => (typed, PORT),
        Some((host, port)) => (host, port.parse().with_context(host_port)?),
    };
    if host.is_empty() {
        bail!("{}", host_port());
    }
    Ok((host.to_owned(), port))
}

/// Where to listen: on an address of this machine alone, unless somebody vouches for the network. Port 0 becomes a free one.
pub(crate) fn listen(bind: SocketAddr, network: NetworkArguments) -> Result<SocketAddr> {
    if !bind.ip().is_loopback() && !network.trusted_network {
        bail!(
            "--bind {bind}: other machines could reach it, and whoever does can run queries without a password; add \
             --trusted-network if all of them are yours"
        );
    }
    let free = || TcpListener::bind(bind)?.local_addr();
    free().with_context(|| format!("--bind {bind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheduler_is_a_host_and_perhaps_a_port() {
        assert_eq!(scheduler("10.0.0.1").unwrap(), ("10.0.0.1".to_owned(), 50_050));
        assert_eq!(scheduler("box:1").unwrap(), ("box".to_owned(), 1));
        for wrong in ["", ":1", "box:x", "df://box:1", "me:secret@box"] {
            assert!(scheduler(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn other_machines_are_let_in_only_where_somebody_vouches_for_them() {
        let (open, closed) = (NetworkArguments { trusted_network: true }, NetworkArguments { trusted_network: false });
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert!(listen(at("0.0.0.0:0"), closed).unwrap_err().to_string().contains("--trusted-network"));
        assert_ne!(listen(at("0.0.0.0:0"), open).unwrap().port(), 0);
        assert_ne!(listen(at("127.0.0.1:0"), closed).unwrap().port(), 0);
    }
}
