//! Refuses an alias that the router cannot serve, and names it, instead of failing or answering null in silence.
//!
//! The router reads the types of entities under the name `__typename`, and no plan can be made of a document that has
//! something else there. A key that it needs under a name that the client has given to another field is fetched under a
//! name of its own; where that other field is another subgraph's, version 0.3.10 misses the key then (project_requires
//! in executor/projection/request.rs looks for it under its own name) and does not ask that subgraph at all.

use std::collections::HashSet;

use hive_router::{
    async_trait,
    graphql_tools::{
        ast::{OperationVisitor, OperationVisitorContext},
        parser::query::parse_query,
        static_graphql::query::{Definition, Field, Selection, SelectionSet},
        validation::{
            rules::{ValidationRule, ValidationVisitor},
            utils::{ValidationError, ValidationErrorContext},
        },
    },
    http::StatusCode,
    plugins::{
        hooks::{
            on_graphql_validation::{
                OnGraphQLValidationStartHookPayload, OnGraphQLValidationStartHookResult,
            },
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
            on_query_plan::{OnQueryPlanStartHookPayload, OnQueryPlanStartHookResult},
        },
        plugin_trait::{EndHookPayload, RouterPlugin, StartHookPayload},
    },
    query_planner::{
        ast::requires::{RequiresSelection, RequiresSelectionSetRef},
        planner::plan_nodes::PlanNode,
        state::entity_keys::{EntityKeys, KeysByType},
    },
    GraphQLError,
};
use serde::Deserialize;

const CODE: &str = "RESERVED_ALIAS";
const TYPENAME: &str = "__typename";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configured {}

#[derive(Clone, Copy)]
pub struct Aliases;

#[async_trait]
impl RouterPlugin for Aliases {
    type Config = Configured;

    fn plugin_name() -> &'static str {
        "aliases"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        payload.config()?;
        payload.initialize_plugin(Aliases)
    }

    async fn on_graphql_validation<'exec>(
        &'exec self,
        payload: OnGraphQLValidationStartHookPayload<'exec>,
    ) -> OnGraphQLValidationStartHookResult<'exec> {
        payload.with_validation_rule(*self).proceed()
    }

    async fn on_query_plan<'exec>(
        &'exec self,
        payload: OnQueryPlanStartHookPayload<'exec>,
    ) -> OnQueryPlanStartHookResult<'exec> {
        let keys = &payload.planner.supergraph.entity_keys;
        payload.on_end(move |planned| {
            let root = planned.query_plan().node.as_ref();
            let Some(alias) = root.and_then(|node| hidden_key(node, keys)).map(str::to_owned) else {
                return planned.proceed();
            };
            let refused = GraphQLError::from_message_and_code(refusal(&alias), CODE);
            planned.end_with_graphql_error(refused, StatusCode::OK)
        })
    }
}

fn refusal(alias: &str) -> String {
    format!("`{alias}` cannot be the alias of another field here; choose another name.")
}

impl ValidationRule for Aliases {
    fn error_code(&self) -> &'static str {
        CODE
    }

    fn visitor<'doc>(&self) -> ValidationVisitor<'doc> {
        Box::new(*self)
    }
}

impl<'doc> OperationVisitor<'doc, ValidationErrorContext> for Aliases {
    fn enter_field(
        &mut self,
        _: &mut OperationVisitorContext<'doc>,
        reported: &mut ValidationErrorContext,
        field: &Field,
    ) {
        if field.alias.as_deref() == Some(TYPENAME) && field.name != TYPENAME {
            reported.report_error(ValidationError {
                error_code: CODE,
                locations: vec![field.position],
                message: refusal(TYPENAME),
            });
        }
    }
}

/// The name of a key that some fetch of the plan would look for under another name, and miss.
fn hidden_key<'plan>(node: &'plan PlanNode, keys: &EntityKeys) -> Option<&'plan str> {
    match node {
        PlanNode::Fetch(fetch) => {
            let keys = keys.of_subgraph(&fetch.service_name)?;
            let renamed = renamed_keys(fetch.requires.as_ref()?.root_selections(), keys, "");
            selected(renamed, &fetch.operation.document_str)
        }
        PlanNode::BatchFetch(fetch) => {
            let keys = keys.of_subgraph(&fetch.service_name)?;
            let requires = fetch.entity_batch.aliases.iter().map(|alias| alias.requires.root_selections());
            let renamed = requires.flat_map(|selections| renamed_keys(selections, keys, "")).collect();
            selected(renamed, &fetch.operation.document_str)
        }
        PlanNode::Sequence(sequence) => sequence.nodes.iter().find_map(|node| hidden_key(node, keys)),
        PlanNode::Parallel(parallel) => parallel.nodes.iter().find_map(|node| hidden_key(node, keys)),
        PlanNode::Flatten(flatten) => hidden_key(&flatten.node, keys),
        // A subscription's own fetch asks for no entity, and `@defer` is off.
        PlanNode::Subscription(_) | PlanNode::Defer(_) => None,
    }
}

/// The keys, out of those that the subgraph has, which representations take from elsewhere.
fn renamed_keys<'plan>(
    selections: RequiresSelectionSetRef<'plan>,
    keys: &KeysByType,
    type_name: &str,
) -> Vec<&'plan str> {
    let mut renamed = Vec::new();
    for selection in selections.iter() {
        match selection {
            RequiresSelection::InlineFragment { type_condition, selections, .. } => {
                renamed.extend(renamed_keys(selections, keys, type_condition));
            }
            RequiresSelection::Field { name, alias: Some(alias), .. } if alias != name => {
                let keys = keys.get(type_name).into_iter().flatten().flatten();
                renamed.extend(keys.into_iter().any(|key| key == alias).then_some(alias));
            }
            _ => {}
        }
    }
    renamed
}

/// The first of the names under which the request asks an entity for something.
///
/// What else brought it has brought it before, and then the router finds the entity.
fn selected<'plan>(names: Vec<&'plan str>, request: &str) -> Option<&'plan str> {
    if names.is_empty() {
        return None;
    }
    let document = parse_query::<String>(request).ok()?.into_static();
    let mut of_entities = HashSet::new();
    for definition in &document.definitions {
        match definition {
            Definition::Operation(operation) => {
                for root in &operation.selection_set().items {
                    if let Selection::Field(entities) = root {
                        collect_names(&entities.selection_set, &mut of_entities);
                    }
                }
            }
            // Of an entity or of something below it: what is refused without need can be named otherwise.
            Definition::Fragment(fragment) => collect_names(&fragment.selection_set, &mut of_entities),
        }
    }
    names.into_iter().find(|name| of_entities.contains(name))
}

fn collect_names<'request>(selections: &'request SelectionSet, names: &mut HashSet<&'request str>) {
    for selection in &selections.items {
        match selection {
            Selection::Field(field) => {
                names.insert(field.alias.as_ref().unwrap_or(&field.name));
            }
            Selection::InlineFragment(fragment) => collect_names(&fragment.selection_set, names),
            Selection::FragmentSpread(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::selected;

    #[test]
    fn a_key_is_hidden_by_what_the_same_request_asks_of_the_entity_under_its_name() {
        let request = |selections: &str| {
            format!("query($r:[_Any!]!){{_entities(representations:$r){{...on Task{{{selections}}}}}}}")
        };

        assert_eq!(selected(vec!["id"], &request("id:bidCount")), Some("id"));
        assert_eq!(selected(vec!["id"], &request("...on Task{id:bidCount}")), Some("id"));
        assert_eq!(selected(vec!["id"], &request("bidCount bids{nodes{id}}")), None);
        assert_eq!(selected(vec![], &request("id:bidCount")), None);
        let two = "query($r:[_Any!]!){_e0:_entities(representations:$r){...on Task{bidCount}} \
                   _e1:_entities(representations:$r){...a}} fragment a on Task{id:bidCount}";
        assert_eq!(selected(vec!["id"], two), Some("id"));
    }
}
