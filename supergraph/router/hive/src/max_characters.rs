//! Refuses a document of more than `max` characters before it is parsed.
//!
//! The limit on tokens does not see long strings and comments, and the router keeps a thousand documents.

use hive_router::{
    async_trait,
    http::StatusCode,
    plugins::{
        hooks::{
            on_graphql_params::{OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
        },
        plugin_trait::{EndHookPayload, RouterPlugin, StartHookPayload},
    },
    GraphQLError,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxCharacters {
    max: usize,
}

#[async_trait]
impl RouterPlugin for MaxCharacters {
    type Config = MaxCharacters;

    fn plugin_name() -> &'static str {
        "max_characters"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        let configured = payload.config()?;
        payload.initialize_plugin(configured)
    }

    async fn on_graphql_params<'exec>(
        &'exec self,
        payload: OnGraphQLParamsStartHookPayload<'exec>,
    ) -> OnGraphQLParamsStartHookResult<'exec> {
        // The body is read by then, and a persisted document looked up.
        payload.on_end(|payload| {
            let document = payload.graphql_params.query.as_deref().unwrap_or_default();
            if document.len() <= self.max || document.chars().nth(self.max).is_none() {
                return payload.proceed();
            }
            let message = format!("The operation exceeds the limit of {} characters.", self.max);
            let refused = GraphQLError::from_message_and_code(message, "TOKEN_LIMIT_EXCEEDED");
            payload.end_with_graphql_error(refused, StatusCode::BAD_REQUEST)
        })
    }
}
