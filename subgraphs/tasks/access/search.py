"""Lists of published tasks."""

from shared.access import EMPTY, VALUE, Declaration, Query, connection, everybody, page_info

OF_POSTER = "tasks(filter: {posterId: $poster, status: null})"
ALL = everybody(VALUE)

ACCESS: list[Declaration] = [
    Query(OF_POSTER, "task", ALL),
    Query(OF_POSTER, "draft", everybody(EMPTY)),
    *connection("Task", "task", OF_POSTER, ALL),
    page_info("task", OF_POSTER, ALL),
]
