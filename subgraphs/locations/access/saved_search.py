"""Saved searches: for their owners alone."""

from shared.access import (
    EMPTY,
    NOT_FOUND,
    NULL,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Type,
    everybody,
    money,
    own_list,
    signed_in,
)

FIELDS = "id name center radiusMeters words categoryIds mode minBudget"
GIVEN = 'name: "Near home", center: {latitude: 13.7, longitude: 100.5}, radiusMeters: 5000'

ACCESS: list[Declaration] = [
    Object("saved search", "what somebody wants to hear of", owner="who saved it"),
    *own_list("SavedSearch", FIELDS, "saved search", "mySavedSearches"),
    Type("SavedSearch", "saved search", "", {FIELDS: everybody(NULL, owner=VALUE)}),
    money("saved search", "mySavedSearches.nodes.minBudget", signed_in(EMPTY, owner=VALUE)),
    Mutation(
        f"createSavedSearch(input: {{{GIVEN}}})", "anywhere", signed_in(VALUE), gives="savedSearch", repeatable=True
    ),
    Mutation(
        "deleteSavedSearch(input: {savedSearchId: $saved_search})",
        "saved search", signed_in(NOT_FOUND, owner=VALUE), gives="savedSearch", again=NOT_FOUND,
    ),
]  # fmt: skip
