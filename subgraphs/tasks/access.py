"""Who may see and do what with tasks, in the words of `shared.access`."""

from shared.access import (
    EMPTY,
    FORBIDDEN,
    NOT_ALLOWED,
    NOT_FOUND,
    NULL,
    ROLE_REQUIRED,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Subscription,
    Type,
    connection,
    everybody,
    money,
    page_info,
    signed_in,
    user_error,
)

TASK = "task(id: $task)"
OF_POSTER = "tasks(filter: {posterId: $poster, status: null})"
EVENTS = "taskEvents(taskId: $task, after: 0)"
WRITING = 'budget: {amount: "200.00", currency: EUR}, mode: REMOTE, categoryId: $category'
WRITTEN = 'title: "Paint the garden fence", description: "The fence needs two coats of green paint."'

ALL = everybody(VALUE)
POSTER_SEES = everybody(NULL, owner=VALUE, poster=VALUE)
POSTER_DOES = signed_in(NOT_ALLOWED, owner=VALUE)

ACCESS: list[Declaration] = [
    Object(
        "task", "a task that was published, assigned and called off",
        owner="who posted it", tasker="who got it", poster="who posted it",
    ),
    Object("draft", "a task that was not published", owner="who wrote it", poster="who wrote it"),
    Object("open task", "a task that takes bids", owner="who posted it"),
    Object("category", "a category", owner="nobody: anybody with the roles POSTER and TASKER"),
    Query(TASK, "task", ALL),
    Query(TASK, "draft", POSTER_SEES),
    Query(OF_POSTER, "task", ALL),
    Query(OF_POSTER, "draft", everybody(EMPTY)),
    Query("myTasks(as: POSTER)", "draft", signed_in(EMPTY, owner=VALUE, poster=VALUE)),
    Query("myTasks(as: TASKER)", "task", signed_in(EMPTY, tasker=VALUE)),
    Query("categories", "category", ALL),
    Type("Task", "task", TASK, {
        "id poster tasker title description category budget mode dueAt status version createdAt updatedAt publishedAt "
        "expiresAt cancelledReason": ALL,
    }),
    Type("Task", "draft", TASK, {
        "id poster title description category budget mode dueAt status version createdAt updatedAt": POSTER_SEES,
        "tasker publishedAt expiresAt cancelledReason": everybody(NULL),
    }),
    Type("User", "task", f"{TASK}.poster", {"id": ALL}),
    Type("User", "draft", f"{TASK}.poster", {"id": POSTER_SEES}),
    Type("Category", "category", "categories.children", {"id slug name parent": ALL}),
    Type("Category", "category", "categories", {"children": ALL}),
    *connection("Task", "task", OF_POSTER, ALL),
    page_info("task", OF_POSTER, ALL),
    money("task", f"{TASK}.budget", ALL),
    money("draft", f"{TASK}.budget", POSTER_SEES),
    Subscription(EVENTS, "task", ALL),
    Subscription(EVENTS, "draft", everybody(FORBIDDEN, owner=VALUE, poster=VALUE)),
    Type("TaskEvent", "task", EVENTS, {"seq previousSeq occurredAt type task": ALL}),
    Type("TaskEvent", "draft", EVENTS, {
        "seq previousSeq occurredAt type task": everybody(FORBIDDEN, owner=VALUE, poster=VALUE),
    }),
    Mutation(
        f"createTask(input: {{{WRITTEN}, {WRITING}}})", "category", signed_in(VALUE, tasker=ROLE_REQUIRED), gives="task"
    ),
    Mutation(
        "updateTask(input: {taskId: $task, expectedVersion: $version, mode: ONSITE})",
        "open task", POSTER_DOES, gives="task",
    ),
    Mutation(
        "publishTask(input: {taskId: $task})",
        "draft", signed_in(NOT_FOUND, owner=VALUE, poster=VALUE), gives="task",
    ),
    Mutation('cancelTask(input: {taskId: $task, reason: "Done."})', "open task", POSTER_DOES, gives="task"),
    user_error("open task", 'cancelTask(input: {taskId: $task, reason: ""})', signed_in(VALUE)),
]  # fmt: skip
