"""Rows and events to begin a test with: plain functions with sensible values, all of them changeable."""

from datetime import timedelta
from typing import Any

from shared import clock, events
from shared.ids import new_id
from shared.money import CurrencyCode, Money


def task_snapshot(**changes: Any) -> events.TaskSnapshot:
    """An open task as its events carry it."""
    now = clock.now()
    values: dict[str, Any] = {
        "id": new_id("task"),
        "poster_id": new_id("user"),
        "title": "Paint the fence",
        "description": "The fence is ten metres long and needs two coats.",
        "category_id": new_id("category"),
        "budget": Money(20_000, CurrencyCode.EUR),
        "mode": "ONSITE",
        "place_id": new_id("place"),
        "status": "OPEN",
        "version": 1,
        "expires_at": now + timedelta(days=30),
        "created_at": now,
        "updated_at": now,
        "published_at": now,
    }
    return events.TaskSnapshot(**values | changes)


def bid_snapshot(**changes: Any) -> events.BidSnapshot:
    """A pending bid as its events carry it."""
    now = clock.now()
    values: dict[str, Any] = {
        "id": new_id("bid"),
        "task_id": new_id("task"),
        "poster_id": new_id("user"),
        "tasker_id": new_id("user"),
        "amount": Money(15_000, CurrencyCode.EUR),
        "message": "I have painted many fences and can start tomorrow.",
        "status": "PENDING",
        "expires_at": now + timedelta(days=14),
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    return events.BidSnapshot(**values | changes)


def escrow_snapshot(**changes: Any) -> events.EscrowSnapshot:
    """Money that is held for a task, as its events carry it."""
    now = clock.now()
    nothing, price = Money(0, CurrencyCode.EUR), Money(15_000, CurrencyCode.EUR)
    values: dict[str, Any] = {
        "id": new_id("escrow"),
        "task_id": new_id("task"),
        "bid_id": new_id("bid"),
        "bid_version": 2,
        "poster_id": new_id("user"),
        "tasker_id": new_id("user"),
        "status": "FUNDED",
        "version": 2,
        "amount": price,
        "held": price,
        "released": nothing,
        "fee": nothing,
        "refunded": nothing,
        "funding_expires_at": now + timedelta(minutes=15),
        "created_at": now,
        "updated_at": now,
    }
    return events.EscrowSnapshot(**values | changes)
