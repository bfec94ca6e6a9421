//! Refuses an operation of more selections than `max`, counted as if its fragments were written out.
//!
//! The router writes fragments out before it plans: four levels of fragments that spread the next one forty
//! times are 350 tokens, and millions of fields. Counting takes time linear in the document, since each
//! fragment is counted once, and comes before validation, some of whose rules compare selections in pairs.

use std::{collections::HashMap, sync::Arc};

use hive_router::{
    async_trait,
    graphql_tools::{
        static_graphql::query::{Definition, Document, Selection, SelectionSet},
        validation::utils::ValidationError,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxFields {
    max: usize,
}

#[async_trait]
impl RouterPlugin for MaxFields {
    type Config = MaxFields;

    fn plugin_name() -> &'static str {
        "max_fields"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        let configured = payload.config()?;
        payload.initialize_plugin(configured)
    }

    async fn on_graphql_validation<'exec>(
        &'exec self,
        mut payload: OnGraphQLValidationStartHookPayload<'exec>,
    ) -> OnGraphQLValidationStartHookResult<'exec> {
        if largest_operation(&payload.document) > self.max {
            // Errors that are there already take the place of validation.
            payload.errors = Some(Arc::new(vec![ValidationError {
                error_code: "MAX_FIELDS_EXCEEDED",
                locations: vec![],
                message: format!("The operation exceeds the limit of {} for fields.", self.max),
            }]));
        }
        payload.proceed()
    }
}

/// The selections of the document's largest operation, fragments written out; no more than `usize::MAX`.
fn largest_operation(document: &Document) -> usize {
    let mut fragments = HashMap::new();
    for definition in &document.definitions {
        if let Definition::Fragment(fragment) = definition {
            let unmeasured = Fragment { selections: &fragment.selection_set, total: None };
            fragments.insert(fragment.name.as_str(), unmeasured);
        }
    }
    let operations = document.definitions.iter().filter_map(|definition| match definition {
        Definition::Operation(operation) => Some(operation.selection_set()),
        Definition::Fragment(_) => None,
    });
    operations.map(|selections| count(&mut fragments, selections)).max().unwrap_or(0)
}

struct Fragment<'doc> {
    selections: &'doc SelectionSet,
    total: Option<usize>,
}

fn count<'doc>(fragments: &mut HashMap<&'doc str, Fragment<'doc>>, selections: &'doc SelectionSet) -> usize {
    let mut total: usize = 0;
    for selection in &selections.items {
        let below = match selection {
            Selection::Field(field) => count(fragments, &field.selection_set),
            Selection::InlineFragment(inline) => count(fragments, &inline.selection_set),
            Selection::FragmentSpread(spread) => count_fragment(fragments, &spread.fragment_name),
        };
        total = total.saturating_add(1).saturating_add(below);
    }
    total
}

/// Nothing for a fragment that does not exist, or is being counted: validation refuses either.
fn count_fragment<'doc>(fragments: &mut HashMap<&'doc str, Fragment<'doc>>, name: &'doc str) -> usize {
    let Some(fragment) = fragments.get_mut(name) else {
        return 0;
    };
    if let Some(known) = fragment.total {
        return known;
    }
    fragment.total = Some(0);
    let selections = fragment.selections;
    let total = count(fragments, selections);
    if let Some(fragment) = fragments.get_mut(name) {
        fragment.total = Some(total);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::largest_operation;
    use hive_router::graphql_tools::parser::parse_query;

    fn counted(document: &str) -> usize {
        largest_operation(&parse_query(document).expect("it is a document").into_static())
    }

    /// `levels` fragments that each spread the next one `times` times.
    fn multiplying(levels: usize, times: usize) -> String {
        let chain: String = (0..levels)
            .map(|level| {
                let spreads = format!("...f{} ", level + 1).repeat(times);
                format!("fragment f{level} on Task {{ {spreads}}} ")
            })
            .collect();
        format!("{{ task {{ ...f0 }} }} {chain} fragment f{levels} on Task {{ id }}")
    }

    #[test]
    fn every_selection_counts_one() {
        assert_eq!(counted("{ a b { c ... on T { d } } }"), 5);
        assert_eq!(counted("query { a } mutation { a b } fragment f on T { a b c }"), 2);
    }

    #[test]
    fn a_fragment_counts_wherever_it_is_spread() {
        assert_eq!(counted("{ a { ...f } b { ...f } } fragment f on T { c d }"), 8);
        assert_eq!(counted(&multiplying(1, 3)), 1 + 1 + 3 * 2);
    }

    #[test]
    fn fragments_that_multiply_beyond_any_number_are_counted_at_once() {
        assert_eq!(counted(&multiplying(4, 40)), 2 + 40 + 1_600 + 64_000 + 2 * 2_560_000);
        assert_eq!(counted(&multiplying(60, 3)), usize::MAX);
    }

    #[test]
    fn cycles_and_unknown_fragments_end() {
        assert_eq!(counted("{ ...a } fragment a on T { ...b x } fragment b on T { ...a ...nowhere }"), 5);
    }
}
