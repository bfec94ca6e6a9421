"""Guard the books

What stands in the ledger stays as it is, each transaction debits what it credits, and no account goes below zero that
may not: the database says so, whatever the code does.
"""

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None

_NORMAL_SIDE = """
CREATE FUNCTION ledger_normal_side(kind text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN kind IN ('CLEARING', 'CHARGEBACKS', 'LOSSES') THEN 'DEBIT' ELSE 'CREDIT' END
$$
"""

# A provider's balance may be overdrawn; what was recovered may be more than what was lost before; a tasker's balance
# goes below zero only by what the tasker is charged.
_MAY_BE_OVERDRAWN = """
CREATE FUNCTION ledger_may_be_overdrawn(kind text, step text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT kind IN ('CLEARING', 'LOSSES') OR (kind = 'PAYABLE' AND step = 'RECOVERED')
$$
"""

_ENTER = """
CREATE FUNCTION ledger_enter() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    booked ledger_transactions;
    account ledger_accounts;
    change bigint;
BEGIN
    SELECT * INTO booked FROM ledger_transactions WHERE id = NEW.transaction_id;
    IF NOT FOUND OR booked.written_in <> txid_current() THEN
        RAISE EXCEPTION 'an entry is written with its transaction' USING ERRCODE = 'check_violation';
    END IF;
    SELECT CASE WHEN NEW.side = ledger_normal_side(kind) THEN NEW.amount_minor ELSE -NEW.amount_minor END
        INTO change FROM ledger_accounts WHERE id = NEW.account_id;
    UPDATE ledger_accounts SET balance_minor = balance_minor + change WHERE id = NEW.account_id
        RETURNING * INTO account;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such account' USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF account.balance_minor < 0 AND change < 0 AND NOT ledger_may_be_overdrawn(account.kind, booked.step) THEN
        RAISE EXCEPTION 'an account of kind % would be overdrawn', account.kind USING ERRCODE = 'check_violation';
    END IF;
    NEW.balance_after_minor := account.balance_minor;
    RETURN NEW;
END
$$
"""

_BALANCE = """
CREATE FUNCTION ledger_check_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    booked text := CASE WHEN TG_TABLE_NAME = 'ledger_entries' THEN to_jsonb(NEW) ->> 'transaction_id' ELSE NEW.id END;
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_entries WHERE transaction_id = booked)
        OR EXISTS (
            SELECT FROM ledger_entries AS entry JOIN ledger_accounts AS account ON account.id = entry.account_id
            WHERE entry.transaction_id = booked
            GROUP BY account.currency
            HAVING sum(CASE WHEN entry.side = 'DEBIT' THEN entry.amount_minor ELSE -entry.amount_minor END) <> 0
        )
    THEN
        RAISE EXCEPTION 'a transaction debits what it credits' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""

_KEEP = """
CREATE FUNCTION ledger_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what stands in the ledger stays' USING ERRCODE = 'restrict_violation';
END
$$
"""

# The only way in is an entry: its trigger writes here.
_KEEP_ACCOUNT = """
CREATE FUNCTION ledger_keep_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.balance_minor = 0 THEN
            RETURN NEW;
        END IF;
    ELSIF pg_trigger_depth() > 1
        AND (NEW.id, NEW.kind, NEW.currency) = (OLD.id, OLD.kind, OLD.currency)
        AND NEW.owner_id IS NOT DISTINCT FROM OLD.owner_id
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a balance changes by entries alone' USING ERRCODE = 'restrict_violation';
END
$$
"""


def upgrade() -> None:
    for function in (_NORMAL_SIDE, _MAY_BE_OVERDRAWN, _ENTER, _BALANCE, _KEEP, _KEEP_ACCOUNT):
        op.execute(function)
    op.execute("CREATE TRIGGER enter BEFORE INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_enter()")
    op.execute(
        "CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON ledger_accounts"
        " FOR EACH ROW EXECUTE FUNCTION ledger_keep_account()"
    )
    for table in ("ledger_transactions", "ledger_entries"):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION ledger_check_balanced()"
        )
        op.execute(f"CREATE TRIGGER keep BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION ledger_keep()")
    for table in ("ledger_transactions", "ledger_entries", "ledger_accounts"):
        op.execute(f"CREATE TRIGGER stay BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION ledger_keep()")
        op.execute(
            f"CREATE TRIGGER stay_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep()"
        )


def downgrade() -> None:
    for table in ("ledger_transactions", "ledger_entries", "ledger_accounts"):
        for trigger in ("enter", "balanced", "keep", "stay", "stay_all"):
            op.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {table}")
    for function in ("enter", "check_balanced", "keep", "keep_account"):
        op.execute(f"DROP FUNCTION ledger_{function}()")
    op.execute("DROP FUNCTION ledger_may_be_overdrawn(text, text)")
    op.execute("DROP FUNCTION ledger_normal_side(text)")
