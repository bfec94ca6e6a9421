"""What poster and tasker ask of each other."""

from shared.access import (
    EMPTY,
    NOT_ALLOWED,
    NOT_FOUND,
    NULL,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Type,
    connection,
    everybody,
    money,
    page_info,
    signed_in,
)
from subgraphs.tasks.access.task import TASK

AGREEMENTS = f"{TASK}.agreements"
BY_ID = "node(id: $agreement)"
AGREEMENT = "id kind status version requestedBy message price requestedAt"
PARTIES = everybody(NULL, owner=VALUE, poster=VALUE, tasker=VALUE)
LISTED = everybody(EMPTY, owner=VALUE, poster=VALUE, tasker=VALUE)
ALL = everybody(VALUE)
ASKING = signed_in(NOT_ALLOWED, owner=VALUE, poster=VALUE, tasker=VALUE)
ANSWERING = signed_in(NOT_FOUND, owner=VALUE, poster=VALUE, tasker=NOT_ALLOWED)
WHY = 'message: "It rains on Friday."'
ANSWER = "agreementId: $agreement, expectedVersion: $version, accept: false"

ACCESS: list[Declaration] = [
    *(
        Object(
            f"requested {what}", f"{what} that the tasker asks for",
            owner="who posted the task", tasker="who asks", poster="who posted the task",
        )
        for what in ("reschedule", "price change", "cancellation")
    ),
    Type("Task", "requested price change", TASK, {"agreements": LISTED}),
    *connection("TaskAgreement", "requested price change", AGREEMENTS, LISTED, ALL),
    page_info("requested price change", AGREEMENTS, LISTED, ALL),
    Type("TaskAgreement", "requested price change", f"{AGREEMENTS}.nodes", {AGREEMENT: LISTED}),
    Type("TaskAgreement", "requested price change", BY_ID, {AGREEMENT: PARTIES}),
    Type("TaskAgreement", "requested price change", f"{AGREEMENTS}.nodes", {
        "viewerCan": everybody(EMPTY, owner=VALUE, poster=VALUE),
    }),
    Type("TaskAgreement", "requested price change", BY_ID, {
        "viewerCan": everybody(NULL, owner=VALUE, poster=VALUE, tasker=EMPTY),
    }),
    Type("TaskAgreement", "requested reschedule", f"{AGREEMENTS}.nodes", {"dueFrom dueAt timeZone": LISTED}),
    Type("TaskAgreement", "requested reschedule", BY_ID, {"dueFrom dueAt timeZone": PARTIES}),
    Type("TaskAgreement", "requested cancellation", f"{AGREEMENTS}.nodes", {"expiresAt": LISTED}),
    Type("TaskAgreement", "requested cancellation", BY_ID, {"expiresAt": PARTIES}),
    Type("TaskAgreement", "declined request", f"{AGREEMENTS}.nodes", {"answeredAt": LISTED}),
    Type("TaskAgreement", "declined request", BY_ID, {"answeredAt": PARTIES}),
    Object(
        "declined request", "what the tasker asked for and the poster did not want",
        owner="who posted the task", tasker="who asks", poster="who posted the task",
    ),
    money("requested price change", f"{AGREEMENTS}.nodes.price", LISTED),
    Mutation(
        f'requestReschedule(input: {{taskId: $task, dueAt: "2090-01-01T00:00:00Z", {WHY}}})',
        "assigned task", ASKING, gives="agreement",
    ),
    Mutation(
        f'requestPriceChange(input: {{taskId: $task, price: {{amount: "150.00", currency: EUR}}, {WHY}}})',
        "assigned task", ASKING, gives="agreement",
    ),
    Mutation(
        'requestCancellation(input: {taskId: $task, reason: "It rains."})', "started task", ASKING, gives="agreement"
    ),
    Mutation(f"answerReschedule(input: {{{ANSWER}}})", "requested reschedule", ANSWERING, gives="agreement"),
    Mutation(f"answerPriceChange(input: {{{ANSWER}}})", "requested price change", ANSWERING, gives="agreement"),
    Mutation(f"answerCancellation(input: {{{ANSWER}}})", "requested cancellation", ANSWERING, gives="agreement"),
]  # fmt: skip
