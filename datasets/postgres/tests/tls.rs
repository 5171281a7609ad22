//! A server that takes nobody without TLS.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "server/mod.rs"]
mod server;

use std::path::Path;
use std::process::{Command, Output};

use server::Postgres;

fn migrate(url: &str, authorities: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_q50-postgres"))
        .args(["migrate", "TLS_URL"])
        .env("TLS_URL", url)
        .env("SSL_CERT_FILE", authorities)
        .output()
        .unwrap()
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_server_is_spoken_to_by_tls_and_only_if_somebody_vouches_for_it() {
    let mut postgres = Postgres::start();
    let (port, authority) = postgres.with_tls();
    let url =
        |rest: &str| format!("host=localhost hostaddr=127.0.0.1 port={port} user=postgres dbname=postgres {rest}");

    let made = migrate(&url("sslmode=require"), &authority);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // Without TLS the server takes nobody.
    let plain = migrate(&url("sslmode=disable"), &authority);
    assert_eq!(plain.status.code(), Some(2));
    // A certificate that nobody vouches for, or for another name.
    let unknown = tempfile::NamedTempFile::new().unwrap();
    let other = Command::new("openssl")
        .args([
            "req",
            "-nodes",
            "-newkey",
            "rsa:2048",
            "-keyout",
            "/dev/null",
            "-x509",
            "-days",
            "2",
            "-subj",
            "/CN=other",
            "-out",
        ])
        .arg(unknown.path())
        .output()
        .unwrap();
    assert!(other.status.success());
    let named = url("sslmode=require").replace("host=localhost", "host=db.example");
    for (url, authorities) in [(url("sslmode=require"), unknown.path()), (named, authority.as_path())] {
        let refused = migrate(&url, authorities);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(2) && said.contains("certificate"), "{said}");
    }
}
