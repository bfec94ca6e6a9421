"""The same people as in the abuse cases."""

from tests.abuse.conftest import scene

__all__ = ["scene"]
