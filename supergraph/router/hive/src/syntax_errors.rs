//! Says where a document or a value is wrong, and nothing else of it.
//!
//! The parser's error refers to the text of the document and is written out after the request's own copy of that
//! was freed (graphql-tools 0.5.12 casts its lifetime to 'static in parser/query/error.rs): the client would be sent
//! what the router's memory holds there by then, which may be of other people's requests.
//!
//! Over a WebSocket no plugin is asked about errors. There one is written while its document is there, but for those
//! who asked for the same at the same time: they share the error, and the document goes with the first of them. So
//! there each document that cannot be read is made one of its own.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

use hive_router::{
    async_trait,
    graphql_tools::parser::parse_query_with_token_limit,
    plugins::{
        hooks::{
            on_graphql_error::{OnGraphQLErrorHookPayload, OnGraphQLErrorHookResult},
            on_graphql_params::{OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
            on_http_request::{OnHttpRequestHookFuture, OnHttpRequestHookPayload},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
        },
        plugin_trait::{EndHookPayload, RouterPlugin, StartHookPayload},
    },
};
use serde::Deserialize;

use crate::values::{without_values, CODES};

const CODE: &str = "GRAPHQL_PARSE_FAILED";
const BEFORE_THE_PLACE: &str = "Parse error at ";
/// As `limits.max_tokens`: what has more is refused in any case.
const MOST_TOKENS: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configured {}

#[derive(Default)]
pub struct SyntaxErrors {
    /// How many documents were made ones of their own.
    unreadable: AtomicU64,
}

/// The operation came over a WebSocket.
struct OverWebSocket;

#[async_trait]
impl RouterPlugin for SyntaxErrors {
    type Config = Configured;

    fn plugin_name() -> &'static str {
        "syntax_errors"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        payload.config()?;
        payload.initialize_plugin(SyntaxErrors::default())
    }

    fn on_http_request<'req>(
        &'req self,
        payload: OnHttpRequestHookPayload<'req>,
    ) -> OnHttpRequestHookFuture<'req> {
        Box::pin(async move {
            // Operations have what stands in `connection_init` for headers, so the handshake is asked.
            if payload.router_http_request.headers().contains_key("sec-websocket-key") {
                payload.context.insert(OverWebSocket);
            }
            payload.proceed()
        })
    }

    async fn on_graphql_params<'exec>(
        &'exec self,
        payload: OnGraphQLParamsStartHookPayload<'exec>,
    ) -> OnGraphQLParamsStartHookResult<'exec> {
        if payload.context.get_ref::<OverWebSocket>().is_none() {
            return payload.proceed();
        }
        payload.on_end(|mut payload| {
            if let Some(document) = payload.graphql_params.query.as_mut() {
                if parse_query_with_token_limit::<String>(document, MOST_TOKENS).is_err() {
                    let number = self.unreadable.fetch_add(1, Ordering::Relaxed);
                    // A comment; to write into a text never fails.
                    let _ = write!(document, "\n#{number}");
                }
            }
            payload.proceed()
        })
    }

    fn on_graphql_error<'req>(
        &'req self,
        mut payload: OnGraphQLErrorHookPayload<'req>,
    ) -> OnGraphQLErrorHookResult<'req> {
        match payload.error.extensions.code.as_deref() {
            Some(CODE) => payload.error.message = message(&payload.error.message),
            Some(code) if CODES.contains(&code) => {
                payload.error.message = without_values(&payload.error.message)
            }
            _ => {}
        }
        payload.proceed()
    }
}

/// What to say instead of the parser's message: its line and column, which are numbers.
fn message(parsers: &str) -> String {
    // Bytes, since what stands behind the place may be no text at all.
    let place = parsers.as_bytes().windows(BEFORE_THE_PLACE.len()).position(|part| part == BEFORE_THE_PLACE.as_bytes());
    let digits = |bytes: &[u8]| -> String {
        bytes.iter().take_while(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect()
    };
    let rest = place.map_or(&[][..], |start| &parsers.as_bytes()[start + BEFORE_THE_PLACE.len()..]);
    let line = digits(rest);
    let column = digits(rest.get(line.len() + 1..).unwrap_or_default());
    if line.is_empty() || column.is_empty() {
        return "The document has a syntax error.".into();
    }
    format!("The document has a syntax error at line {line}, column {column}.")
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn only_the_place_stays() {
        let parsers = "Failed to parse GraphQL operation: Parse error at 3:14\nUnexpected `secret[Name]`\nExpected {";
        assert_eq!(message(parsers), "The document has a syntax error at line 3, column 14.");
    }

    #[test]
    fn without_a_place_nothing_stays() {
        for parsers in ["", "Parse error at ", "Parse error at 1", "Parse error at 1:", "Parse error at x:1 secret"] {
            assert_eq!(message(parsers), "The document has a syntax error.");
        }
    }
}
