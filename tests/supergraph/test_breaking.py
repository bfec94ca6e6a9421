"""Which changes of the public API count as breaking."""

import pytest

from supergraph.breaking import breaking_changes

BEFORE = """
type Query {
  task(id: ID!, lang: String): Task
  old: Old @deprecated
  node: Node
}
interface Node { id: ID! }
type Task implements Node {
  id: ID!
  title: String!
  name: String @deprecated(reason: "Use title.")
  status: Status!
}
type Old { id: ID!, deeper: Deeper }
type Deeper { id: ID! }
type Hidden implements Node { id: ID! }
enum Status { OPEN DONE GONE @deprecated }
input TaskInput { title: String!, name: String @deprecated }
type Mutation { createTask(input: TaskInput!): Task }
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  title: String!\n", "  title: String!\n  subtitle: String\n"),
        ('  name: String @deprecated(reason: "Use title.")\n', ""),
        (" GONE @deprecated", ""),
        (", name: String @deprecated }", " }"),
        ("  old: Old @deprecated\n", ""),
        ("  title: String!\n", '  "What is to be done."\n  title: String!\n'),
        ("lang: String", "lang: String, first: Int"),
    ],
)
def test_additions_and_the_removal_of_what_was_deprecated_are_no_breaking_changes(before: str, after: str) -> None:
    assert breaking_changes(BEFORE, BEFORE.replace(before, after)) == []


def test_types_that_only_a_deprecated_field_needs_may_go_with_it() -> None:
    after = BEFORE.replace("  old: Old @deprecated\n", "")
    after = after.replace("type Old { id: ID!, deeper: Deeper }\n", "").replace("type Deeper { id: ID! }\n", "")

    assert breaking_changes(BEFORE, after) == []


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("  title: String!\n", "", "Task.title"),
        ("  title: String!\n", "  title: Int!\n", "Task.title"),
        ("  title: String!\n", "  title: String\n", "Task.title"),
        (", lang: String", "", "Query.task(lang:)"),
        ("lang: String", "lang: String!", "Query.task(lang:)"),
        ("OPEN DONE", "OPEN", "Status.DONE"),
        ("type Hidden implements Node { id: ID! }\n", "", "Hidden"),
        ("{ title: String!, name", "{ title: String!, due: String!, name", "TaskInput.due"),
    ],
)
def test_what_clients_rely_on_may_not_change(before: str, after: str, named: str) -> None:
    assert before in BEFORE
    [change] = breaking_changes(BEFORE, BEFORE.replace(before, after))
    assert named in change
