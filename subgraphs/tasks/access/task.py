"""Tasks themselves, and one's own."""

from shared.access import EMPTY, NULL, VALUE, Declaration, Object, Query, Type, everybody, money, signed_in

TASK = "task(id: $task)"

ALL = everybody(VALUE)
POSTER_SEES = everybody(NULL, owner=VALUE, poster=VALUE)

ACCESS: list[Declaration] = [
    Object(
        "task", "a task that was published, assigned and called off",
        owner="who posted it", tasker="who got it", poster="who posted it",
    ),
    Object(
        "finished task", "a task that was done, sent back once and approved",
        owner="who posted it", tasker="who did it", poster="who posted it",
    ),
    Object("draft", "a task that was not published", owner="who wrote it", poster="who wrote it"),
    Object("open task", "a task that takes bids", owner="who posted it"),
    Query(TASK, "task", ALL),
    Query(TASK, "draft", POSTER_SEES),
    Query("myTasks(as: POSTER)", "draft", signed_in(EMPTY, owner=VALUE, poster=VALUE)),
    Query("myTasks(as: TASKER)", "task", signed_in(EMPTY, tasker=VALUE)),
    Type("Task", "task", TASK, {
        "id poster tasker title description category budget mode place requirements dueFrom dueAt timeZone "
        "status version createdAt updatedAt publishedAt expiresAt cancelledBy cancelledReason": ALL,
        "startedAt deliveredAt approvalDueAt completedAt": everybody(NULL),
        "timeline": ALL,
        "attachments agreements questions viewerCan": everybody(EMPTY),
        "price": everybody(NULL, owner=VALUE, poster=VALUE, tasker=VALUE),
    }),
    Type("Task", "open task", TASK, {"viewerCan": everybody(EMPTY, owner=VALUE)}),
    Type("Task", "finished task", TASK, {"startedAt deliveredAt completedAt": ALL}),
    Type("Task", "draft", TASK, {
        "id poster title description category budget mode place requirements dueFrom dueAt timeZone status version "
        "createdAt updatedAt timeline viewerCan": POSTER_SEES,
        "attachments agreements questions": everybody(NULL, owner=EMPTY, poster=EMPTY),
        "tasker publishedAt expiresAt startedAt deliveredAt approvalDueAt completedAt cancelledBy "
        "cancelledReason price": everybody(NULL),
    }),
    Type("User", "task", f"{TASK}.poster", {"id": ALL}),
    Type("User", "draft", f"{TASK}.poster", {"id": POSTER_SEES}),
    Type("Place", "task", f"{TASK}.place", {"id": ALL}),
    Type("Place", "draft", f"{TASK}.place", {"id": POSTER_SEES}),
    money("task", f"{TASK}.budget", ALL),
    money("draft", f"{TASK}.budget", POSTER_SEES),
]  # fmt: skip
