"""The tree of categories."""

from shared.access import NULL, VALUE, Declaration, Object, Query, Type, everybody

ALL = everybody(VALUE)

ACCESS: list[Declaration] = [
    Object("category", "a category", owner="nobody: anybody with the roles POSTER and TASKER"),
    Query("categories", "category", ALL),
    Type("Category", "category", "categories.children", {"id slug name nameTh parent": ALL}),
    Type("Category", "category", "", {"id slug name nameTh children": ALL, "parent": everybody(NULL)}),
    Type("Category", "category", "categories", {"children": ALL}),
]
