"""Lists of published tasks."""

from shared.access import EMPTY, VALUE, Declaration, Query, connection, everybody, page_info

OF_POSTER = "tasks(filter: {posterId: $poster, status: null})"
ALL = everybody(VALUE)
# Nobody finds what somebody suspended has posted.
FOUND = everybody(VALUE, suspended=EMPTY)

ACCESS: list[Declaration] = [
    Query(OF_POSTER, "task", FOUND),
    Query(OF_POSTER, "draft", everybody(EMPTY)),
    *connection("Task", "task", OF_POSTER, FOUND, page=ALL),
    page_info("task", OF_POSTER, FOUND, page=ALL),
]
