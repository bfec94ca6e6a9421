"""The boundaries of docs/architecture.md, read from the source."""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUBGRAPHS = sorted(path for path in (ROOT / "subgraphs").iterdir() if (path / "app.py").is_file())
SHARED = sorted((ROOT / "shared").rglob("*.py"))
SUBGRAPH_FILES = sorted(file for subgraph in SUBGRAPHS for file in subgraph.rglob("*.py"))

# A module may become a package of the same name.
EVERY_SUBGRAPH_HAS = {
    "README.md", "app.py", "schema.py", "access.py", "actions.py", "rules.py", "store.py", "models.py", "loaders.py",
    "consumers.py", "personal_data.py", "schema.graphql", "migrations",
}  # fmt: skip

# What one subgraph has besides, and no other needs.
BESIDES = {
    "users": {
        "tokens.py",  # signs access tokens, which the others only verify
        "credentials.py",  # hashes passwords, in threads
        "openid.py",  # what it asks other providers, and what it believes of their answers
        "second_factor.py",  # one-time codes and recovery codes
        "secrets_at_rest.py",  # encrypts what must be read again
        "mails.py",  # what its mails say, and who sends them
        "revocations.py",  # tells everybody which sessions ended
        "admin.py",  # a command for whoever may reach the database
    },
    "tasks": {
        "files.py",  # the bytes of attachments: how they come in and go out, who looks at them
    },
    "payments": {
        "receipts.py",  # receipts as PDF and statements as CSV, made as they are asked for
        "provider.py",  # the payment provider: a port with two implementations
        "settling.py",  # asks it to do what was decided, and what became of that
        "setting_up.py",  # asks it while somebody waits
        "webhooks.py",  # what it tells by itself
        "reconciling.py",  # compares the books with it; a command for whoever may reach the database, too
    },
    "locations": {
        "geocoding.py",  # finds places by what people call them, in a gazetteer or at a server
    },
}

# Knowledge without I/O: these import one another and nothing that reaches outside.
PURE = {
    "shared.amounts", "shared.clock", "shared.errors", "shared.events", "shared.geo", "shared.graphql.text",
    "shared.identity.actor", "shared.ids", "shared.locale", "shared.money", "shared.text_search.query",
    "shared.transitions",
}  # fmt: skip
PURE_LIBRARIES = {"pydantic", "uuid_utils"}
IMPURE_STANDARD_LIBRARY = {
    "asyncio", "concurrent", "ftplib", "http", "imaplib", "io", "logging", "multiprocessing", "os", "pathlib",
    "pickle", "poplib", "random", "selectors", "shelve", "shutil", "signal", "smtplib", "socket", "socketserver",
    "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip

STATEMENTS = {"select", "insert", "update", "delete", "text", "union", "union_all", "exists"}
# Tables and statements of the platform itself, and the pages of everybody's lists.
PLATFORM_SQL = {
    "copies", "database", "deadlines/scheduling", "graphql/pagination", "idempotency", "messaging/consumer",
    "messaging/outbox", "messaging/streams", "privacy",
}  # fmt: skip
# What ends a transaction: `transaction()` alone, and migrations, which run before the process serves.
TRANSACTION_CALLS = {"commit", "rollback", "begin"}
MAY_END_TRANSACTIONS = {"shared/database/db.py", "shared/database/migrate.py", "shared/database/alembic/env.py"}
# Offsets of Kafka are committed too.
COMMITS_OFFSETS = "shared/messaging/consumer/loop.py"


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), filename=str(file))


def imports(file: Path) -> Iterator[tuple[str, str]]:
    """Every import of a file, however deep it stands, as (module, name)."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)


def imported_modules(file: Path) -> set[str]:
    """Modules that a file imports; `from shared import clock` counts as `shared.clock`."""
    return {f"{module}.{name}" if name and is_module(f"{module}.{name}") else module for module, name in imports(file)}


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def belongs_to(file: Path, *modules: str) -> bool:
    """Whether a file of a subgraph is one of these modules or lies in a package of that name."""
    return file.relative_to(ROOT / "subgraphs").parts[1].removesuffix(".py") in modules


def names_in_shared(file: Path) -> set[str]:
    """A file of shared and the packages that it lies in: `graphql/pagination`, `graphql`."""
    path = file.relative_to(ROOT / "shared").with_suffix("")
    return {each.as_posix() for each in (path, *path.parents)}


def test_there_is_something_to_look_at() -> None:
    assert SUBGRAPHS
    assert len(SHARED) > 10


def test_shared_knows_no_subgraph() -> None:
    found = [
        (name_of(file), module)
        for file in SHARED
        for module in imported_modules(file)
        if module.partition(".")[0] in ("subgraphs", "supergraph", "deploy", "tests")
    ]
    assert found == []


def test_no_two_rooms_of_shared_import_each_other() -> None:
    """Nor by way of others: a room is a package of shared, and what stands beside the rooms may be such a way."""
    known: dict[str, set[str]] = {}
    for file in SHARED:
        modules = imported_modules(file)
        known.setdefault(room_of(module_of(file)), set()).update(map(room_of, modules & {*map(module_of, SHARED)}))
    reached = {room: everything_from(room, known) for room in known if (ROOT / room.replace(".", "/")).is_dir()}
    assert {"shared.graphql", "shared.messaging"} <= reached.keys()
    assert [
        (one, other)
        for one in reached
        for other in reached
        if one < other and one in reached[other] and other in reached[one]
    ] == []


def module_of(file: Path) -> str:
    return name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def room_of(module: str) -> str:
    """The room of a module of shared, or the module itself where it is in none: `shared.messaging`, `shared.clock`."""
    return ".".join(module.split(".")[:2])


def everything_from(start: str, known: Mapping[str, set[str]]) -> set[str]:
    """What a room imports, directly and by way of others."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        new = known[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached


def test_the_sandbox_knows_of_us_what_any_provider_would() -> None:
    known = {module for file in (ROOT / "sandbox").rglob("*.py") for module in imported_modules(file)}
    ours = {module for module in known if module.partition(".")[0] in ("shared", "subgraphs", "supergraph", "deploy")}
    assert ours == {"shared.clock", "shared.ids", "shared.money"}


def test_subgraphs_do_not_know_each_other() -> None:
    found = []
    for file in SUBGRAPH_FILES:
        own = f"subgraphs.{file.relative_to(ROOT / 'subgraphs').parts[0]}"
        for module in imported_modules(file):
            top = module.partition(".")[0]
            foreign = top == "subgraphs" and module != own and not module.startswith(f"{own}.")
            if foreign or top in ("supergraph", "deploy", "tests"):
                found.append((name_of(file), module))
    assert found == []


def is_pure(module: str, own: str) -> bool:
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return top not in IMPURE_STANDARD_LIBRARY
    return module in PURE or top in PURE_LIBRARIES or module == own or module.startswith(f"{own}.")


def test_rules_do_no_io() -> None:
    found = []
    for file in SUBGRAPH_FILES:
        if belongs_to(file, "rules"):
            own = f"subgraphs.{file.relative_to(ROOT / 'subgraphs').parts[0]}.rules"
            found += [(name_of(file), module) for module in imported_modules(file) if not is_pure(module, own)]
            found += [
                (name_of(file), node.func.id)
                for node in ast.walk(tree_of(file))
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("open", "print", "input", "exec", "eval", "__import__")
            ]
            found += [
                (name_of(file), node.name) for node in ast.walk(tree_of(file)) if isinstance(node, ast.AsyncFunctionDef)
            ]
    assert found == []


@pytest.mark.parametrize("module", sorted(PURE))
def test_what_rules_may_know_is_pure_itself(module: str) -> None:
    path = ROOT / module.replace(".", "/")
    files = sorted(path.glob("*.py")) or [path.with_suffix(".py")]
    assert [other for file in files for other in imported_modules(file) if not is_pure(other, module)] == []


def test_sql_stands_in_the_store() -> None:
    found = []
    for file in SUBGRAPH_FILES:
        if belongs_to(file, "store", "models", "migrations"):
            continue
        for module, name in imports(file):
            if module.partition(".")[0] in ("sqlalchemy", "sqlmodel", "asyncpg") and name != "AsyncSession":
                found.append((name_of(file), f"{module}.{name}"))
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Attribute) and node.attr in ("execute", "scalar", "scalars", "exec_driver_sql"):
                found.append((name_of(file), node.attr))
    assert found == []


def test_sql_of_the_platform_stands_in_few_modules() -> None:
    found = [
        (name_of(file), f"{module}.{name}")
        for file in SHARED
        if PLATFORM_SQL.isdisjoint(names_in_shared(file))
        for module, name in imports(file)
        if module == "sqlmodel" or (module.partition(".")[0] == "sqlalchemy" and name in {*STATEMENTS, ""})
    ]
    assert found == []


def test_only_transaction_commits() -> None:
    found = []
    for file in [*SHARED, *SUBGRAPH_FILES]:
        allowed = {"commit"} if name_of(file) == COMMITS_OFFSETS else set()
        if name_of(file) in MAY_END_TRANSACTIONS:
            continue
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = node.func.attr
                if called in TRANSACTION_CALLS - allowed:
                    found.append(f"{name_of(file)}:{node.lineno} {called}")
    assert found == []


@pytest.mark.parametrize("subgraph", SUBGRAPHS, ids=lambda path: path.name)
def test_every_subgraph_has_the_same_files(subgraph: Path) -> None:
    present = {
        f"{path.name}.py" if path.is_dir() and (path / "__init__.py").is_file() else path.name
        for path in subgraph.iterdir()
        if not path.name.startswith((".", "__"))
    }
    # A migrations folder is a package in some tools' eyes.
    present = {"migrations" if name == "migrations.py" else name for name in present}
    assert EVERY_SUBGRAPH_HAS - present == set()
    assert present - EVERY_SUBGRAPH_HAS - BESIDES.get(subgraph.name, set()) == set()


def test_every_public_function_of_shared_says_what_it_is_for() -> None:
    found = [
        f"{name_of(file)}:{function.lineno} {function.name}"
        for file in SHARED
        for function in public_functions(tree_of(file))
        if not ast.get_docstring(function)
    ]
    assert found == []


def public_functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in module.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        # A command's purpose stands in its module's docstring, which is its help text.
        if not node.name.startswith("_") and node.name != "main":
            yield node


@pytest.mark.parametrize("file", [*SHARED, *SUBGRAPH_FILES], ids=name_of)
def test_strawberry_and_sqlmodel_can_read_the_annotations(file: Path) -> None:
    # Deferred annotations with imports under TYPE_CHECKING break both at run time.
    assert ("__future__", "annotations") not in set(imports(file))
