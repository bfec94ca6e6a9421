"""People who reach for what is not theirs: by every mutation, by query, by reference, by subscription."""

import pytest

from tests.abuse.arena import Arena, Case
from tests.abuse.attacks import operation, subscribe, talk
from tests.abuse.scene import named
from tests.abuse.table import defended, everywhere
from tests.e2e.people import mutation

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

MARK_READ = mutation("markRead", "notifications { title }")
REFERENCE = "query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }"


def acts(who: str, mutation: str, subgraph: str, expected: str, **input: object) -> Case:
    """A mutation of somebody's."""
    return Case(operation(named(mutation), {"input": input}, who=who), expected, expected, at=subgraph)


def asks(who: str, query: str, subgraph: str, expected: str) -> Case:
    """A query of somebody's."""
    return Case(operation(query, who=who, shows=True), expected, expected, at=subgraph)


def refers(who: str, subgraph: str, kind: str, id: str, expected: str) -> Case:
    """A reference as only a router should send one, sent straight to the subgraph."""
    return Case(
        operation(REFERENCE, {"r": [{"__typename": kind, "id": id}]}, who=who, shows=True), expected, at=subgraph
    )


CASES = {
    # --- nobody ---
    "nobody posts a task": acts(
        "",
        "createTask",
        "tasks",
        "200 UNAUTHENTICATED",
        title="A",
        description="B",
        categoryId="<category>",
        budget={"amount": "1.00", "currency": "EUR"},
        mode="REMOTE",
    ),
    "nobody bids": acts(
        "",
        "placeBid",
        "bids",
        "200 UNAUTHENTICATED",
        taskId="<task>",
        message="A",
        amount={"amount": "1.00", "currency": "EUR"},
    ),
    "nobody accepts a bid": acts("", "acceptBid", "bids", "200 UNAUTHENTICATED", bidId="<bid>", expectedVersion=1),
    "nobody changes a profile": acts("", "updateProfile", "users", "200 UNAUTHENTICATED", displayName="A"),
    "nobody ends sessions": acts("", "logOutEverywhere", "users", "200 UNAUTHENTICATED"),
    "nobody marks as read": acts("", "markAllRead", "notifications", "200 UNAUTHENTICATED"),
    "nobody asks who they are": asks("", "{ me { id email } }", "users", "200 UNAUTHENTICATED"),
    "nobody reads notifications": asks(
        "", "{ notifications { nodes { title } } unreadCount }", "notifications", "200 UNAUTHENTICATED"
    ),
    "nobody lists sessions": asks("", "{ mySessions { nodes { id } } }", "users", "200 UNAUTHENTICATED"),
    "nobody lists bids": asks("", "{ myBids { nodes { id } } }", "bids", "200 UNAUTHENTICATED"),
    "nobody lists tasks of theirs": asks(
        "", "{ myTasks(as: POSTER) { nodes { id } } }", "tasks", "200 UNAUTHENTICATED"
    ),
    "nobody reads a bid": asks("", '{ bid(id: "<bid>") { message } }', "bids", '200 {"bid":null}'),
    "nobody reads a draft": asks("", '{ task(id: "<draft>") { title } }', "tasks", '200 {"task":null}'),
    "nobody reads an address": asks(
        "", '{ user(id: "<paula>") { email roles } }', "users", '200 {"user":{"email":null,"roles":null}}'
    ),
    # --- other people's tasks ---
    "a stranger changes a task": acts(
        "tina",
        "updateTask",
        "tasks",
        "200 userErrors NOT_ALLOWED(taskId)",
        taskId="<task>",
        title="Mine now, all of it",
        expectedVersion=1,
    ),
    "a stranger cancels a task": acts(
        "tina", "cancelTask", "tasks", "200 userErrors NOT_ALLOWED(taskId)", taskId="<task>", reason="Because I can"
    ),
    "a stranger publishes a draft": acts(
        "tina", "publishTask", "tasks", "200 userErrors NOT_FOUND(taskId)", taskId="<draft>"
    ),
    "a stranger changes a draft": acts(
        "tina",
        "updateTask",
        "tasks",
        "200 userErrors NOT_FOUND(taskId)",
        taskId="<draft>",
        title="Mine now, all of it",
        expectedVersion=1,
    ),
    "a bidder cancels the task": acts(
        "tom", "cancelTask", "tasks", "200 userErrors NOT_ALLOWED(taskId)", taskId="<task>", reason="Because I can"
    ),
    "another poster changes a task": acts(
        "ada",
        "updateTask",
        "tasks",
        "200 userErrors NOT_ALLOWED(taskId)",
        taskId="<task>",
        title="Mine now, all of it",
        expectedVersion=1,
    ),
    "a stranger reads a draft": asks("tina", '{ task(id: "<draft>") { title } }', "tasks", '200 {"task":null}'),
    "a stranger searches for drafts": asks(
        "tina",
        '{ tasks(filter: { posterId: "<paula>", status: DRAFT }) { nodes { title } } }',
        "tasks",
        '200 {"tasks":{"nodes":[]}}',
    ),
    "a tasker posts a task": acts(
        "tina",
        "createTask",
        "tasks",
        "200 userErrors ROLE_REQUIRED",
        title="Paint my fence please",
        description="Twenty metres of wooden fence need two coats.",
        categoryId="<category>",
        budget={"amount": "100.00", "currency": "EUR"},
        mode="REMOTE",
    ),
    # --- other people's bids ---
    "a stranger raises a bid": acts(
        "tina",
        "updateBid",
        "bids",
        "200 userErrors NOT_FOUND(bidId)",
        bidId="<bid>",
        amount={"amount": "1.00", "currency": "EUR"},
    ),
    "a stranger withdraws a bid": acts("tina", "withdrawBid", "bids", "200 userErrors NOT_FOUND(bidId)", bidId="<bid>"),
    "a stranger declines a bid": acts(
        "tina", "declineBid", "bids", "200 userErrors NOT_FOUND(bidId)", bidId="<bid>", reason="OTHER"
    ),
    "a stranger makes a counter-offer": acts(
        "tina",
        "counterOffer",
        "bids",
        "200 userErrors NOT_FOUND(bidId)",
        bidId="<bid>",
        amount={"amount": "1.00", "currency": "EUR"},
        expectedVersion=1,
    ),
    "a stranger accepts an offer": acts(
        "tina", "acceptOffer", "bids", "200 userErrors NOT_FOUND(bidId)", bidId="<bid>", expectedVersion=1
    ),
    "a stranger declines an offer": acts(
        "tina", "declineOffer", "bids", "200 userErrors NOT_FOUND(bidId)", bidId="<bid>", expectedVersion=1
    ),
    "a bidder counters what nobody offered": acts(
        "tom",
        "counterOffer",
        "bids",
        "200 userErrors INVALID_TRANSITION",
        bidId="<bid>",
        amount={"amount": "100000.00", "currency": "EUR"},
        expectedVersion=1,
    ),
    "a bidder accepts what nobody offered": acts(
        "tom", "acceptOffer", "bids", "200 userErrors INVALID_TRANSITION", bidId="<bid>", expectedVersion=1
    ),
    "a poster counters below the least": acts(
        "paula",
        "counterOffer",
        "bids",
        "200 userErrors BID_TOO_LOW(amount.amount)",
        bidId="<bid>",
        amount={"amount": "0.00", "currency": "EUR"},
        expectedVersion=1,
    ),
    "a stranger shortlists a bid": acts(
        "tina", "shortlistBid", "bids", "200 userErrors NOT_FOUND(bidId)", bidId="<bid>"
    ),
    "a bidder shortlists their own bid": acts(
        "tom", "shortlistBid", "bids", "200 userErrors NOT_ALLOWED(bidId)", bidId="<bid>"
    ),
    "a stranger reads the offers for a bid": asks(
        "tina", '{ bid(id: "<bid>") { openOffer { message } offers { message } } }', "bids", '200 {"bid":null}'
    ),
    "a stranger invites to somebody's task": acts(
        "tina", "inviteToBid", "bids", "200 userErrors NOT_ALLOWED(taskId)", taskId="<task>", taskerId="<victor>"
    ),
    "a poster invites themselves": acts(
        "paula", "inviteToBid", "bids", "200 userErrors OWN_TASK(taskerId)", taskId="<task>", taskerId="<paula>"
    ),
    "a poster invites somebody to a draft": acts(
        "paula", "inviteToBid", "bids", "200 userErrors NOT_FOUND(taskId)", taskId="<draft>", taskerId="<tina>"
    ),
    "a poster invites a task": acts(
        "paula", "inviteToBid", "bids", "200 INVALID_ID", taskId="<task>", taskerId="<task>"
    ),
    "a stranger accepts a bid": acts(
        "tina", "acceptBid", "bids", "200 userErrors NOT_FOUND(bidId)", bidId="<bid>", expectedVersion=1
    ),
    "a bidder accepts their own bid": acts(
        "tom", "acceptBid", "bids", "200 userErrors NOT_ALLOWED(bidId)", bidId="<bid>", expectedVersion=1
    ),
    "a bidder declines their own bid": acts(
        "tom", "declineBid", "bids", "200 userErrors NOT_ALLOWED(bidId)", bidId="<bid>", reason="OTHER"
    ),
    "a poster raises a bidder's bid": acts(
        "paula",
        "updateBid",
        "bids",
        "200 userErrors NOT_ALLOWED(bidId)",
        bidId="<bid>",
        amount={"amount": "1.00", "currency": "EUR"},
    ),
    "a poster withdraws a bidder's bid": acts(
        "paula", "withdrawBid", "bids", "200 userErrors NOT_ALLOWED(bidId)", bidId="<bid>"
    ),
    "a poster bids on their own task": acts(
        "paula",
        "placeBid",
        "bids",
        "200 userErrors ROLE_REQUIRED",
        taskId="<task>",
        message="I will do it on my own, for free.",
        amount={"amount": "10.00", "currency": "EUR"},
    ),
    "a bid on a draft": acts(
        "tina",
        "placeBid",
        "bids",
        "200 userErrors NOT_FOUND(taskId)",
        taskId="<draft>",
        message="I know what you are about to post.",
        amount={"amount": "10.00", "currency": "EUR"},
    ),
    "a bid on a bid": acts(
        "tina",
        "placeBid",
        "bids",
        "200 INVALID_ID",
        taskId="<bid>",
        message="I bid on somebody else's offer.",
        amount={"amount": "10.00", "currency": "EUR"},
    ),
    "a stranger reads a bid": asks(
        "tina", '{ bid(id: "<bid>") { message amount { amount } } }', "bids", '200 {"bid":null}'
    ),
    "an administrator reads a bid": asks("ada", '{ bid(id: "<bid>") { message } }', "bids", '200 {"bid":null}'),
    "a stranger lists the bids of a task": Case(
        operation('{ task(id: "<task>") { bids { totalCount nodes { message } } } }', who="tina", shows=True),
        router='200 {"task":{"bids":{"totalCount":0,"nodes":[]}}}',
    ),
    "a stranger pages behind somebody's bid": Case(
        operation('{ task(id: "<task>") { bids(after: "<bid>") { nodes { message } } } }', who="tina"),
        router="200 BAD_REQUEST",
    ),
    # --- other people's accounts ---
    "a stranger reads an address": asks(
        "tina", '{ user(id: "<paula>") { email roles } }', "users", '200 {"user":{"email":null,"roles":null}}'
    ),
    "a stranger ends somebody's session": acts(
        "tina", "logOut", "users", "200 userErrors NOT_FOUND(sessionId)", sessionId="<paula session>"
    ),
    "an administrator ends somebody's session": acts(
        "ada", "logOut", "users", "200 userErrors NOT_FOUND(sessionId)", sessionId="<paula session>"
    ),
    "a session that is none": acts("tina", "logOut", "users", "200 INVALID_ID", sessionId="<paula>"),
    # --- other people's notifications ---
    "a stranger marks somebody's notification": Case(
        operation(MARK_READ, {"input": {"notificationIds": ["<notification>"]}}, who="tina", shows=True),
        '200 {"markRead":{"notifications":[],"userErrors":[]}}',
        '200 {"markRead":{"notifications":[],"userErrors":[]}}',
        at="notifications",
    ),
    # --- other people's money ---
    "nobody reads somebody's money": asks("", '{ escrow(id: "<escrow>") { id } }', "payments", '200 {"escrow":null}'),
    "a stranger reads somebody's money": Case(
        operation('{ task(id: "<paid task>") { escrow { held { amount } } } }', who="tina", shows=True),
        router='200 {"task":{"escrow":null}}',
    ),
    "an administrator reads somebody's money": asks(
        "ada", '{ escrow(id: "<escrow>") { held { amount } } }', "payments", '200 {"escrow":null}'
    ),
    "a reference to somebody's money": refers("tina", "payments", "Escrow", "<escrow>", '200 {"_entities":[null]}'),
    "a reference to somebody's card": refers("tom", "payments", "PaymentMethod", "<card>", '200 {"_entities":[null]}'),
    "a stranger removes somebody's card": acts(
        "tina",
        "removePaymentMethod",
        "payments",
        "200 userErrors NOT_FOUND(paymentMethodId)",
        paymentMethodId="<card>",
    ),
    "a stranger pays by somebody's card": acts(
        "harry",
        "acceptBid",
        "bids",
        "200 userErrors NOT_FOUND(bidId)",
        bidId="<bid>",
        expectedVersion=1,
        paymentMethodId="<card>",
    ),
    "a stranger pays for somebody": acts(
        "harry",
        "retryFunding",
        "payments",
        "200 userErrors NOT_FOUND(escrowId)",
        escrowId="<escrow>",
        idempotencyKey="a key of Harry's",
    ),
    "a tasker has the poster charged": acts(
        "tom",
        "retryFunding",
        "payments",
        "200 userErrors NOT_ALLOWED(escrowId)",
        escrowId="<escrow>",
        paymentMethodId="<card>",
        idempotencyKey="a key of Tom's",
    ),
    "a tasker takes a tip": acts(
        "tom",
        "tipTasker",
        "payments",
        "200 userErrors NOT_ALLOWED(taskId)",
        taskId="<paid task>",
        amount={"amount": "90.00", "currency": "EUR"},
        idempotencyKey="another key of Tom's",
    ),
    "a tasker takes out what is held": acts(
        "tom",
        "requestPayout",
        "payments",
        "200 userErrors PAYOUT_ACCOUNT_NOT_READY",
        amount={"amount": "90.00", "currency": "EUR"},
        idempotencyKey="a third key of Tom's",
    ),
    "a poster takes the money back": acts(
        "paula",
        "issueRefund",
        "payments",
        "200 FORBIDDEN",
        escrowId="<escrow>",
        reason="It is mine.",
        idempotencyKey="k",
    ),
    "a poster has the tasker charged": acts(
        "paula",
        "chargeTasker",
        "payments",
        "200 FORBIDDEN",
        userId="<tom>",
        amount={"amount": "90.00", "currency": "EUR"},
        reason="They owe me.",
        idempotencyKey="k",
    ),
    "a tasker reads the books": asks("tom", "{ platformBalance { kind } }", "payments", "200 FORBIDDEN"),
    "a poster reads an account": asks(
        "paula", '{ ledger(account: "escrow:<escrow>:EUR") { id } }', "payments", "200 FORBIDDEN"
    ),
    # --- references, as a router sends them ---
    "a reference to a draft": refers("tina", "tasks", "Task", "<draft>", '200 {"_entities":[null]}'),
    "nobody's reference to a draft": refers("", "tasks", "Task", "<draft>", '200 {"_entities":[null]}'),
    "a reference to a bid": refers("tina", "bids", "Bid", "<bid>", '200 {"_entities":[null]}'),
    "nobody's reference to a bid": refers("", "bids", "Bid", "<bid>", '200 {"_entities":[null]}'),
    "a reference to a notification": refers(
        "tina", "notifications", "Notification", "<notification>", '200 {"_entities":[null]}'
    ),
    "nobody's reference to a notification": refers(
        "", "notifications", "Notification", "<notification>", '200 {"_entities":[null]}'
    ),
    "a reference to somebody's address": Case(
        operation(
            REFERENCE.replace("__typename", "... on User { email roles }"),
            {"r": [{"__typename": "User", "id": "<paula>"}]},
            who="tina",
            shows=True,
        ),
        '200 {"_entities":[{"email":null,"roles":null}]}',
        at="users",
    ),
    "a reference to the bids of a task": Case(
        operation(
            REFERENCE.replace("__typename", "... on Task { bids { nodes { message } } }"),
            {"r": [{"__typename": "Task", "id": "<task>"}]},
            who="tina",
            shows=True,
        ),
        '200 {"_entities":[{"bids":{"nodes":[]}}]}',
        at="bids",
    ),
    "a reference of a type that is no entity": refers(
        "tina", "users", "SessionTokens", "<paula session>", "200 BAD_REQUEST"
    ),
    "a reference of a type that is not there": refers("tina", "users", "__Schema", "a", "200 BAD_REQUEST"),
    "a reference with an id of another type": refers("tina", "bids", "Bid", "<task>", "200 INVALID_ID"),
    "a reference with an object for an id": Case(
        operation(REFERENCE, {"r": [{"__typename": "Bid", "id": {"$ne": ""}}]}, who="tina"), "200 INVALID_ID", at="bids"
    ),
    "a reference without an id": Case(
        operation(REFERENCE, {"r": [{"__typename": "Bid"}]}, who="tina"), "200 BAD_REQUEST", at="bids"
    ),
    "a reference that is a text": Case(operation(REFERENCE, {"r": ["Bid"]}, who="tina"), "200 BAD_REQUEST", at="bids"),
    "references through the router": Case(
        operation(REFERENCE, {"r": [{"__typename": "Task", "id": "<draft>"}]}, who="tina"),
        hive="200 KnownTypeNames FieldsOnCorrectType",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    # --- subscriptions ---
    "nobody follows the bids of a task": Case(
        talk(subscribe('subscription { bidEvents(taskId: "<task>", after: 0) { seq } }')),
        "next UNAUTHENTICATED",
        "next UNAUTHENTICATED",
        at="bids",
    ),
    "a stranger follows a draft": Case(
        talk(subscribe('subscription { taskEvents(taskId: "<draft>", after: 0) { seq } }'), who="tina"),
        "next FORBIDDEN",
        "next FORBIDDEN",
    ),
    "nobody follows notifications": Case(
        talk(subscribe("subscription { notificationEvents(after: 0) { seq } }")),
        "next UNAUTHENTICATED",
        "next UNAUTHENTICATED",
        at="notifications",
    ),
    "a task that is not there": Case(
        talk(subscribe('subscription { taskEvents(taskId: "task_01jd0000000000000000000000") { seq } }'), who="tina"),
        "next FORBIDDEN",
        "next FORBIDDEN",
    ),
    # --- ids and cursors ---
    "an id of another type": asks("tina", '{ task(id: "<paula>") { id } }', "tasks", "200 INVALID_ID"),
    "an id in capitals": asks(
        "tina", '{ task(id: "TASK_01JD0000000000000000000000") { id } }', "tasks", "200 INVALID_ID"
    ),
    "an id beyond 128 bits": asks(
        "tina", '{ task(id: "task_8zzzzzzzzzzzzzzzzzzzzzzzzz") { id } }', "tasks", "200 INVALID_ID"
    ),
    "SQL for an id": asks("tina", '{ task(id: "\' OR 1=1 --") { id } }', "tasks", "200 INVALID_ID"),
    "a cursor that is none": asks("tina", '{ tasks(after: "a") { nodes { id } } }', "tasks", "200 BAD_REQUEST"),
    "SQL for a cursor": asks("tina", '{ tasks(after: "\' OR 1=1 --") { nodes { id } } }', "tasks", "200 BAD_REQUEST"),
    "a cursor of another list": Case(
        operation('{ myBids(after: "WyJhIiwiYiJd") { nodes { id } } }', who="tina"),
        "200 BAD_REQUEST",
        "200 BAD_REQUEST",
        at="bids",
    ),
    "a cursor of a megabyte": Case(
        operation("query ($a: String) { tasks(after: $a) { nodes { id } } }", {"a": "A" * 900_000}, who="tina"),
        "200 BAD_REQUEST",
        "200 BAD_REQUEST",
    ),
}


@everywhere(CASES, share=1 / 2)
async def test_nobody_reaches_what_is_not_theirs(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
