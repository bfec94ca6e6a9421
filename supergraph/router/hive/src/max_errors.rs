//! Keeps the first errors that validation finds, and cuts long ones.
//!
//! Fields that cannot be merged are reported in pairs: 2 kB of text come to tens of thousands of errors, which the
//! router would keep in memory with the document and send to the client.

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
            on_graphql_validation::{
                OnGraphQLValidationStartHookPayload, OnGraphQLValidationStartHookResult,
            },
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
        },
        plugin_trait::{RouterPlugin, StartHookPayload},
    },
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
    use super::{MaxErrors, MAX_LOCATIONS, MAX_MESSAGE_BYTES};
    use hive_router::graphql_tools::{
        parser::Pos,
        validation::utils::{ValidationError, ValidationErrorContext},
    };

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
