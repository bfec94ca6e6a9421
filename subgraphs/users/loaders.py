"""Batch loaders of users: one statement for all keys that one operation asks for at once."""

from functools import partial
from types import MappingProxyType

from aiodataloader import DataLoader

from shared.database.db import Database
from shared.graphql.pagination import Page, Window
from shared.loaders import one_by_key, value_by_key
from subgraphs.users import models, store

_NO_PARTS: store.exports.Parts = MappingProxyType({})


class Loaders:
    """The loaders of one operation."""

    def __init__(self, database: Database) -> None:
        self.user_by_id = one_by_key(partial(store.accounts.load_users, database), key=lambda user: user.id)
        self.second_factor_by_user_id = one_by_key(
            partial(store.second_factor.load_active, database), key=lambda factor: factor.user_id
        )
        self.session_by_id = one_by_key(partial(store.sessions.load_sessions, database), key=lambda row: row.id)
        self.identity_by_id = one_by_key(partial(store.openid.load_identities, database), key=lambda row: row.id)
        self.report_by_id = one_by_key(partial(store.reports.load_reports, database), key=lambda row: row.id)
        self.verification_by_id = one_by_key(partial(store.verification.load_checks, database), key=lambda row: row.id)
        self.export_by_id = one_by_key(partial(store.exports.load_exports, database), key=lambda export: export.id)
        self.part_counts_by_export_id: DataLoader[str, store.exports.Parts] = value_by_key(
            partial(store.exports.load_part_counts, database), default=_NO_PARTS
        )
        self.part_page_by_export_id: DataLoader[tuple[str, Window], Page[models.ExportPart]] = DataLoader(
            partial(store.exports.load_part_pages, database)
        )
        self.other_accounts_by_verification_id = value_by_key(
            partial(store.verification.load_other_accounts, database), default=0
        )
