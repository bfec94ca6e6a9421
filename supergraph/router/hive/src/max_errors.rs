//! Keeps the first errors that validation finds, cuts long ones, and tells one cause once.
//!
//! Fields that cannot be merged are reported in pairs: 2 kB of text come to tens of thousands of errors, which the
//! router would keep in memory with the document and send to the client.
//!
//! What a subgraph refuses as a whole, such as an operation that asks for too much, it refuses again with each request
//! that the router makes of the client's. Of such errors, which belong to no field, equal ones are one. Of the events of
//! a subscription no plugin is asked.

use std::collections::HashSet;

use hive_router::{
    async_trait,
    graphql_tools::{
        ast::{OperationVisitor, OperationVisitorContext},
        static_graphql::query::{Document, SelectionSet},
        validation::{
            rules::{ValidationRule, ValidationVisitor},
            utils::ValidationErrorContext,
        },
    },
    plugins::{
        hooks::{
            on_execute::{OnExecuteStartHookPayload, OnExecuteStartHookResult},
            on_graphql_validation::{
                OnGraphQLValidationStartHookPayload, OnGraphQLValidationStartHookResult,
            },
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
        },
        plugin_trait::{EndHookPayload, RouterPlugin, StartHookPayload},
    },
    sonic_rs, GraphQLError,
};
use serde::Deserialize;

/// An error that names more fields than fit says nothing more by naming them.
const MAX_MESSAGE_BYTES: usize = 500;
const MAX_LOCATIONS: usize = 20;

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxErrors {
    max: usize,
}

#[async_trait]
impl RouterPlugin for MaxErrors {
    type Config = MaxErrors;

    fn plugin_name() -> &'static str {
        "max_errors"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        let configured = payload.config()?;
        payload.initialize_plugin(configured)
    }

    async fn on_graphql_validation<'exec>(
        &'exec self,
        payload: OnGraphQLValidationStartHookPayload<'exec>,
    ) -> OnGraphQLValidationStartHookResult<'exec> {
        payload.with_validation_rule(*self).proceed()
    }

    async fn on_execute<'exec>(
        &'exec self,
        payload: OnExecuteStartHookPayload<'exec>,
    ) -> OnExecuteStartHookResult<'exec> {
        payload.on_end(|mut payload| {
            one_per_cause(&mut payload.errors);
            payload.proceed()
        })
    }
}

/// Leaves the first of the errors without a path that say the same.
fn one_per_cause(errors: &mut Vec<GraphQLError>) {
    if errors.len() < 2 {
        return;
    }
    let mut told = HashSet::new();
    errors.retain(|error| error.path.is_some() || told.insert(cause(error)));
}

/// What an error says, but for what differs between the requests to subgraphs.
fn cause(error: &GraphQLError) -> String {
    let mut error = error.clone();
    error.locations = None;
    error.extensions.affected_path = None;
    error.extensions.extensions.remove("requestId");
    sonic_rs::to_string(&error).unwrap_or_default()
}

/// The last rule, so that it sees what all others have reported.
impl ValidationRule for MaxErrors {
    fn error_code(&self) -> &'static str {
        "MAX_ERRORS"
    }

    fn visitor<'doc>(&self) -> ValidationVisitor<'doc> {
        Box::new(*self)
    }
}

impl MaxErrors {
    fn cut(self, reported: &mut ValidationErrorContext) {
        let errors = &mut reported.errors;
        errors.truncate(self.max);
        for error in errors.iter_mut() {
            error.locations.truncate(MAX_LOCATIONS);
            if error.message.len() > MAX_MESSAGE_BYTES {
                let end = (0..=MAX_MESSAGE_BYTES).rev().find(|end| error.message.is_char_boundary(*end));
                error.message.truncate(end.unwrap_or(0));
                error.message.push('…');
                error.message.shrink_to_fit();
            }
        }
        errors.shrink_to(self.max);
    }
}

impl<'doc> OperationVisitor<'doc, ValidationErrorContext> for MaxErrors {
    fn enter_selection_set(
        &mut self,
        _: &mut OperationVisitorContext<'doc>,
        reported: &mut ValidationErrorContext,
        _: &'doc SelectionSet,
    ) {
        if reported.errors.len() > self.max {
            self.cut(reported);
        }
    }

    fn leave_document(
        &mut self,
        _: &mut OperationVisitorContext<'doc>,
        reported: &mut ValidationErrorContext,
        _: &Document,
    ) {
        self.cut(reported);
    }
}

#[cfg(test)]
mod tests {
    use super::{one_per_cause, MaxErrors, MAX_LOCATIONS, MAX_MESSAGE_BYTES};
    use hive_router::{
        graphql_tools::{
            parser::Pos,
            validation::utils::{ValidationError, ValidationErrorContext},
        },
        sonic_rs, GraphQLError,
    };

    #[test]
    fn what_subgraphs_refuse_as_a_whole_is_told_once() {
        let refused = |message: &str, request: u8, path: &str| -> GraphQLError {
            let path = if path.is_empty() { String::new() } else { format!(r#""path":["{path}"],"#) };
            let extensions = format!(r#"{{"code":"TOO_COMPLEX","requestId":"{request}"}}"#);
            sonic_rs::from_str(&format!(r#"{{"message":"{message}",{path}"extensions":{extensions}}}"#)).unwrap()
        };
        let mut errors = vec![
            refused("a", 1, ""),
            refused("a", 2, "").add_affected_path("tasks"),
            refused("b", 3, ""),
            refused("a", 4, "tasks"),
            refused("a", 5, "bids"),
        ];

        one_per_cause(&mut errors);

        let left: Vec<_> = errors.iter().map(|error| (error.message.as_str(), error.path.is_some())).collect();
        assert_eq!(left, [("a", false), ("b", false), ("a", true), ("a", true)]);
    }

    #[test]
    fn the_first_errors_stay_and_long_ones_are_cut() {
        let mut reported = ValidationErrorContext::new();
        for number in 0..1_000 {
            reported.report_error(ValidationError {
                error_code: "Rule",
                locations: vec![Pos { line: 1, column: number }; 1_000],
                message: "é".repeat(MAX_MESSAGE_BYTES),
            });
        }

        MaxErrors { max: 3 }.cut(&mut reported);

        let columns: Vec<usize> = reported.errors.iter().map(|error| error.locations[0].column).collect();
        assert_eq!(columns, [0, 1, 2]);
        for error in &reported.errors {
            assert_eq!(error.locations.len(), MAX_LOCATIONS);
            assert_eq!(error.message, "é".repeat(MAX_MESSAGE_BYTES / 2) + "…");
        }
    }
}
