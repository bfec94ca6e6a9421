"""Inputs of notifications that are wrong in every field: none has several that may be wrong."""

from tests.notifications.conftest import Notifications
from tests.support.wrong_inputs import Form

FORMS: dict[str, Form[Notifications]] = {}
