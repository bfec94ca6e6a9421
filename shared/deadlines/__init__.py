"""Moments at which something is due, kept in the database with what they are about."""

from shared.deadlines.scheduling import DeadlineHandler, DeadlineWorker, cancel, schedule

__all__ = ["DeadlineHandler", "DeadlineWorker", "cancel", "schedule"]
