//! Refuses a document that comes to more than `max` selections, or that selects the same name in the same place more
//! than `max_repeated` times, counted as if its fragments were written out.
//!
//! The router writes fragments out before it plans: four levels of fragments that spread the next one forty
//! times are 350 tokens, and millions of fields. And validation compares selections of the same name in pairs, which
//! are 400,000 for 900 of them. Counting comes before both, and ends at the limit: it takes no more than `max` steps.

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
    max_repeated: usize,
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
        if let Err(message) = self.check(&payload.document) {
            // Errors that are there already take the place of validation.
            payload.errors =
                Some(Arc::new(vec![ValidationError { error_code: "MAX_FIELDS_EXCEEDED", locations: vec![], message }]));
        }
        payload.proceed()
    }
}

impl MaxFields {
    /// Fails with what is to be said of the limit that is exceeded.
    fn check(&self, document: &Document) -> Result<(), String> {
        let mut counted = Counted { limits: self, selections: 0, fragments: HashMap::new(), fields: HashMap::new() };
        for definition in &document.definitions {
            if let Definition::Fragment(fragment) = definition {
                let unspread = Fragment { selections: &fragment.selection_set, was_spread: false, is_open: false };
                counted.fragments.insert(&fragment.name, unspread);
            }
        }
        for (number, definition) in document.definitions.iter().enumerate() {
            if let Definition::Operation(operation) = definition {
                counted.count(operation.selection_set(), Place::Definition(number))?;
            }
        }
        // Validation looks at what no operation spreads, too.
        for (number, definition) in document.definitions.iter().enumerate() {
            if let Definition::Fragment(fragment) = definition {
                if !counted.fragments[fragment.name.as_str()].was_spread {
                    counted.spread(&fragment.name, Place::Definition(number))?;
                }
            }
        }
        Ok(())
    }
}

/// What was seen of a document so far.
struct Counted<'doc> {
    limits: &'doc MaxFields,
    selections: usize,
    fragments: HashMap<&'doc str, Fragment<'doc>>,
    /// By where they stand and the name that they have in the response.
    fields: HashMap<(Place, &'doc str), Field>,
}

/// What selections stand in, be it directly or by way of fragments.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Definition(usize),
    Field(usize),
}

struct Fragment<'doc> {
    selections: &'doc SelectionSet,
    was_spread: bool,
    is_open: bool,
}

struct Field {
    number: usize,
    times: usize,
}

impl<'doc> Counted<'doc> {
    fn count(&mut self, selections: &'doc SelectionSet, place: Place) -> Result<(), String> {
        for selection in &selections.items {
            self.selections += 1;
            if self.selections > self.limits.max {
                return Err(format!("The operation exceeds the limit of {} for fields.", self.limits.max));
            }
            match selection {
                Selection::Field(field) => {
                    let below = self.select(place, field.alias.as_ref().unwrap_or(&field.name))?;
                    self.count(&field.selection_set, below)?;
                }
                Selection::InlineFragment(inline) => self.count(&inline.selection_set, place)?,
                Selection::FragmentSpread(spread) => self.spread(&spread.fragment_name, place)?,
            }
        }
        Ok(())
    }

    fn select(&mut self, place: Place, name: &'doc str) -> Result<Place, String> {
        let unselected = Field { number: self.fields.len(), times: 0 };
        let field = self.fields.entry((place, name)).or_insert(unselected);
        field.times += 1;
        if field.times > self.limits.max_repeated {
            let limit = self.limits.max_repeated;
            return Err(format!("The operation exceeds the limit of {limit} for the same field in the same place."));
        }
        Ok(Place::Field(field.number))
    }

    /// Does nothing for a fragment that does not exist, or is in itself: validation refuses either.
    fn spread(&mut self, name: &'doc str, place: Place) -> Result<(), String> {
        let Some(fragment) = self.fragments.get_mut(name).filter(|fragment| !fragment.is_open) else {
            return Ok(());
        };
        (fragment.was_spread, fragment.is_open) = (true, true);
        let selections = fragment.selections;
        self.count(selections, place)?;
        if let Some(fragment) = self.fragments.get_mut(name) {
            fragment.is_open = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MaxFields;
    use hive_router::graphql_tools::parser::parse_query;

    const FIELDS: &str = "The operation exceeds the limit of 9 for fields.";
    const REPEATED: &str = "The operation exceeds the limit of 3 for the same field in the same place.";

    fn check(document: &str) -> Result<(), String> {
        MaxFields { max: 9, max_repeated: 3 }.check(&parse_query(document).expect("it is a document").into_static())
    }

    #[track_caller]
    fn assert_allowed(document: &str) {
        assert_eq!(check(document), Ok(()), "{document}");
    }

    #[track_caller]
    fn assert_refused(document: &str, message: &str) {
        assert_eq!(check(document), Err(message.into()), "{document}");
    }

    #[test]
    fn every_selection_counts_one() {
        assert_allowed("{ a b { c ... on T { d e } } f { g h } }");
        assert_refused("{ a b { c ... on T { d e } } f { g h i } }", FIELDS);
    }

    #[test]
    fn a_fragment_counts_wherever_it_is_spread() {
        assert_allowed("{ a { ...f } b { ...f } } fragment f on T { c d }");
        assert_refused("{ a { ...f } b { ...f } } fragment f on T { c d e }", FIELDS);
    }

    #[test]
    fn all_operations_count_and_what_none_of_them_spreads() {
        assert_allowed("query p { ...f } query q { a b c d } fragment f on T { a b c }");
        assert_refused("query p { ...f } query q { a b c d e f } fragment f on T { a b c }", FIELDS);
        assert_allowed("{ a } fragment f on T { ...g } fragment g on T { ...f a b c d e }");
        assert_refused("{ a } fragment f on T { ...g } fragment g on T { ...f a b c d e f g }", FIELDS);
        assert_refused("{ a } fragment f on T { a a a a }", REPEATED);
    }

    #[test]
    fn fragments_that_multiply_beyond_any_number_are_refused_at_once() {
        let chain: String = (0..60)
            .map(|level| format!("fragment f{level} on T {{ ...f{next} ...f{next} }} ", next = level + 1))
            .collect();
        assert_refused(&format!("{{ ...f0 }} {chain}"), FIELDS);
    }

    #[test]
    fn cycles_and_unknown_fragments_are_left_to_validation() {
        assert_allowed("{ ...a } fragment a on T { ...b x } fragment b on T { ...a ...nowhere }");
    }

    #[test]
    fn a_name_counts_by_the_place_that_it_has_in_the_response() {
        assert_allowed("{ a a a b: a b { a a } b { c } }");
        assert_refused("{ a b a a a }", REPEATED);
        assert_refused("{ a: b a: c a: d a: e }", REPEATED);
        assert_refused("{ a { b } a { b } a { b b } }", REPEATED);
        assert_allowed("query p { a a a } query q { a a a }");
    }

    #[test]
    fn a_name_counts_through_fragments() {
        assert_refused("{ a ... on T { a ... on U { a } } a }", REPEATED);
        assert_refused("{ ...f ...f } fragment f on T { a a }", REPEATED);
        assert_refused("{ ...f a { b b } } fragment f on T { a { b b } }", REPEATED);
    }
}
