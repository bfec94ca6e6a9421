//! Tells subgraphs who the client is by the headers of its HTTP request, also when it came as a WebSocket.
//!
//! The router takes the headers of a WebSocket from the payload of `connection_init`, where a client can write
//! what it likes. The handshake is an HTTP request, whose headers the edge has set.

use std::collections::HashMap;

use hive_router::{
    async_trait,
    http::{HeaderMap, HeaderName, HeaderValue},
    plugins::{
        hooks::{
            on_http_request::{OnHttpRequestHookFuture, OnHttpRequestHookPayload},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
            on_subgraph_http_request::{
                OnSubgraphHttpRequestHookPayload, OnSubgraphHttpRequestHookResult,
            },
        },
        plugin_trait::{RouterPlugin, StartHookPayload},
    },
};
use serde::Deserialize;

/// What counts of the HTTP request alone; no rule under `headers` may pass it on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configured {
    /// Headers for every subgraph.
    all: Vec<String>,
    /// More headers, by subgraph.
    subgraphs: HashMap<String, Vec<String>>,
}

pub struct ClientAddress {
    all: Vec<HeaderName>,
    subgraphs: HashMap<String, Vec<HeaderName>>,
}

impl ClientAddress {
    fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.all.iter().chain(self.subgraphs.values().flatten())
    }
}

/// The configured headers of the HTTP request that an operation came with, or the handshake of its WebSocket.
struct Sent(HeaderMap);

#[async_trait]
impl RouterPlugin for ClientAddress {
    type Config = Configured;

    fn plugin_name() -> &'static str {
        "client_address"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        let configured = payload.config()?;
        let parse = |names: Vec<String>| names.iter().map(|name| name.parse()).collect::<Result<Vec<_>, _>>();
        let mut subgraphs = HashMap::new();
        for (subgraph, names) in configured.subgraphs {
            subgraphs.insert(subgraph, parse(names)?);
        }
        payload.initialize_plugin(ClientAddress { all: parse(configured.all)?, subgraphs })
    }

    fn on_http_request<'req>(
        &'req self,
        payload: OnHttpRequestHookPayload<'req>,
    ) -> OnHttpRequestHookFuture<'req> {
        Box::pin(async move {
            let received = payload.router_http_request.headers();
            let mut sent = HeaderMap::with_capacity(self.names().count());
            for name in self.names() {
                for value in received.get_all(name.as_str()) {
                    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                        sent.append(name, value);
                    }
                }
            }
            payload.context.insert(Sent(sent));
            payload.proceed()
        })
    }

    async fn on_subgraph_http_request<'exec>(
        &'exec self,
        mut payload: OnSubgraphHttpRequestHookPayload<'exec>,
    ) -> OnSubgraphHttpRequestHookResult<'exec> {
        let sent = payload.context.get_ref::<Sent>();
        let headers = &mut payload.execution_request.headers;
        let more = self.subgraphs.get(payload.subgraph_name);
        for name in self.all.iter().chain(more.into_iter().flatten()) {
            headers.remove(name);
            for value in sent.iter().flat_map(|sent| sent.0.get_all(name)) {
                headers.append(name, value.clone());
            }
        }
        drop(sent);
        payload.proceed()
    }
}
