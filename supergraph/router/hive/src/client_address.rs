//! Tells subgraphs who the client is by the headers of its HTTP request, also when it came as a WebSocket.
//!
//! The router takes the headers of a WebSocket from the payload of `connection_init`, where a client can write
//! what it likes. The handshake is an HTTP request, whose headers the edge has set.

use std::collections::HashSet;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configured {
    /// What counts of the HTTP request alone; no rule under `headers` may pass it on.
    headers: Vec<String>,
    /// Who gets it.
    subgraphs: HashSet<String>,
}

pub struct ClientAddress {
    headers: Vec<HeaderName>,
    subgraphs: HashSet<String>,
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
        let headers = configured.headers.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        payload.initialize_plugin(ClientAddress { headers, subgraphs: configured.subgraphs })
    }

    fn on_http_request<'req>(
        &'req self,
        payload: OnHttpRequestHookPayload<'req>,
    ) -> OnHttpRequestHookFuture<'req> {
        Box::pin(async move {
            let received = payload.router_http_request.headers();
            let mut sent = HeaderMap::with_capacity(self.headers.len());
            for name in &self.headers {
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
        if self.subgraphs.contains(payload.subgraph_name) {
            let sent = payload.context.get_ref::<Sent>();
            let headers = &mut payload.execution_request.headers;
            for name in &self.headers {
                headers.remove(name);
                for value in sent.iter().flat_map(|sent| sent.0.get_all(name)) {
                    headers.append(name, value.clone());
                }
            }
        }
        payload.proceed()
    }
}
