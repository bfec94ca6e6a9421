"""A payment provider of our own, for development and tests: it keeps everything but money.

A process that speaks HTTP, keeps its state in SQLite and sends signed webhooks. It knows nothing of the marketplace.
"""
