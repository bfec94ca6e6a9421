"""Relay connections with keyset cursors.

A list has one or more `Order`s, module constants of its `store.py`. A resolver turns its arguments into a
`Window` of one of them (which checks them), the store reads the window with `fetch_page`, or with
`page_by_parent` for many parents at once, and the resolver answers with `Connection.of`:

    NEWEST = Order("tasks.newest", col(Task.created_at), col(Task.id), descending=True)     # store.py

    window = store.NEWEST.window(first, after, last, before)                               # schema.py
    return Connection.of(await store.list_tasks(info.context.database, filter, window), Task.of)

A cursor holds the values that its row is sorted by and a checksum with the order's name, so that cursors of
other lists and mistyped ones are refused. It is not signed: whoever makes one up gets no row that the list
would not show anyway, and its values are typed, bounded and bound as parameters.
"""

from shared.graphql.pagination.connection import After, Before, Connection, First, Last, connection_directives
from shared.graphql.pagination.fetching import fetch_page, page_by_parent
from shared.graphql.pagination.window import Order, Page, Window

__all__ = [
    "After",
    "Before",
    "Connection",
    "First",
    "Last",
    "Order",
    "Page",
    "Window",
    "connection_directives",
    "fetch_page",
    "page_by_parent",
]
