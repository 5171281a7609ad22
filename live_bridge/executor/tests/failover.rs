//! Several nodes, of which one answers some questions and no others.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod net;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use net::Net;
use q50_engine::units::{Bps, Lamports};
use q50_executor::cluster::Cluster;
use q50_executor::executor::Report;
use q50_executor::journal::Settlement;
use q50_executor::order::{Order, Size};
use q50_executor::rpc::Client;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

/// How a node is of no use.
#[derive(Clone, Copy, Debug)]
enum Defect {
    Forbidden,
    SpeaksHtml,
    KnowsNoSimulation,
    ForbidsSends,
    SwallowsSends,
}

impl Defect {
    /// What it answers; nothing where it answers as a sound node.
    fn answer(self, asked: &Value) -> Option<Response> {
        let method = asked["method"].as_str().unwrap();
        let forbidden = || StatusCode::FORBIDDEN.into_response();
        let told = |answer: Value| answer.to_string().into_response();
        let id = &asked["id"];
        match (self, method) {
            // What it has to answer to be taken for a node at all.
            (_, "getGenesisHash" | "getAccountInfo") => None,
            (Self::Forbidden, _) | (Self::ForbidsSends, "sendTransaction") => Some(forbidden()),
            (Self::SpeaksHtml, _) => Some("<html>".into_response()),
            (Self::KnowsNoSimulation, "simulateTransaction") => Some(told(
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}}),
            )),
            (Self::SwallowsSends, "sendTransaction") => {
                Some(told(json!({"jsonrpc": "2.0", "id": id, "result": "1".repeat(64)})))
            }
            _ => None,
        }
    }
}

async fn answer(State((defect, sound)): State<(Defect, Arc<str>)>, body: String) -> Response {
    match defect.answer(&serde_json::from_str(&body).unwrap()) {
        Some(answer) => answer,
        None => {
            let request = reqwest::Client::new().post(&*sound).header("content-type", "application/json").body(body);
            request.send().await.unwrap().text().await.unwrap().into_response()
        }
    }
}

#[tokio::test]
async fn what_one_node_cannot_do_the_next_one_does() {
    for defect in
        [Defect::Forbidden, Defect::SpeaksHtml, Defect::KnowsNoSimulation, Defect::ForbidsSends, Defect::SwallowsSends]
    {
        let net = Net::start("", "");
        let sound: Arc<str> = net.net.ready().rpc.as_str().into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let defective = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state((defect, sound.clone()));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let urls = [defective.as_str(), &*sound].map(|url| url.parse().unwrap());
        let client = Client::connect(&Cluster::Localnet, urls.to_vec(), net.clock.clone()).await.unwrap();
        let genesis = client.genesis().to_owned();
        let mut executor = net.executor_on(client, &genesis, net::settings()).await.unwrap();
        let order = Order { mint: net.mint(0), size: Size::Spend(Lamports(1_000_000_000)), slippage: Bps(100) };
        let report = executor.execute("a", order).await.unwrap();
        let is_filled = matches!(report, Report::Settled { settlement: Settlement::Filled { .. }, .. });
        assert!(is_filled, "{defect:?}: {report:?}");
    }
}
