"""Everything that an operator can set, in one place; docs/configuration.md is its printed form."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_LIMIT = r"^[1-9]\d*/[1-9]\d* (second|minute|hour|day)s?$"


class Settings(BaseSettings):
    """Settings of one subgraph process, read from environment variables `EXCHANGE_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="EXCHANGE_", frozen=True)

    def __hash__(self) -> int:
        # What is read once for some settings is remembered by them, and not each of their values has a hash.
        return hash(self.database_url)

    environment: Literal["development", "production"] = Field(
        "production",
        description="`development` turns introspection and field suggestions on for everybody; "
        "in `production` only the admin scope has them.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe log level.")
    clock_offset_seconds: float = Field(0, description="Moves the process's clock; for tests of deadlines.")

    database_url: SecretStr = Field(description="`postgresql+asyncpg://user:password@host:port/database`.")
    transaction_pool_size: int = Field(5, ge=1, description="Connections for writes.")
    read_pool_size: int = Field(5, ge=1, description="Connections for reads (autocommit).")
    database_connect_timeout_seconds: float = Field(3, gt=0, description="Longest wait for a new connection.")
    database_pool_timeout_seconds: float = Field(
        5, gt=0, description="Longest wait for a free connection; then `SERVICE_UNAVAILABLE`."
    )
    statement_timeout_seconds: float = Field(10, gt=0, description="PostgreSQL ends a longer statement.")

    redis_url: SecretStr = Field(description="`redis://host:port/database`: cache, rate limits, revocations.")
    redis_timeout_seconds: float = Field(
        0.1, gt=0, description="Longest wait for Redis; after it the process goes on without until Redis answers."
    )
    redis_pool_size: int = Field(32, ge=1, description="Connections to Redis.")
    rate_limit_replicas: int = Field(
        4, ge=1, description="While Redis is down each process allows this part (1/n) of every rate limit."
    )
    operation_cost_per_actor: str = Field(
        "200000/1 minute", pattern=_LIMIT, description="What one actor's operations may cost in the whole graph."
    )
    operation_cost_per_address: str = Field(
        "600000/1 minute",
        pattern=_LIMIT,
        description="The same for the anonymous callers of one address; ten times it for all of unknown address.",
    )
    kafka_bootstrap_servers: str = Field(description="`host:port`, several by comma.")
    topic_prefix: str = Field("", description="Put before each topic and group name; separates systems on one broker.")
    topic_partitions: int = Field(12, ge=1, description="Partitions of a topic that is created.")
    topic_replication_factor: int = Field(1, ge=1, description="Copies of a topic that is created; 3 in production.")

    jwks_file: Path = Field(description="Public keys (JWKS) that access tokens are verified with; re-read on change.")
    signing_keys_file: Path | None = Field(None, description="Private keys (JWKS) of `users`; the first one signs.")
    encryption_keys_file: Path | None = Field(
        None, description="Keys (JWKS, `oct`) of what `users` stores encrypted; the first one encrypts."
    )
    token_issuer: str = Field("service-exchange", description="`iss` of access tokens.")
    token_audience: str = Field("service-exchange", description="`aud` of access tokens.")

    trusted_proxies: str = Field(
        "127.0.0.1,::1",
        description="Peers that may tell the client's address in `X-Forwarded-For`: addresses and networks, by comma.",
    )
    argon2_memory_kib: int = Field(19_456, ge=8, description="Memory of one password hash (`users`).")
    argon2_time_cost: int = Field(2, ge=1, description="Passes of one password hash.")
    argon2_parallelism: int = Field(1, ge=1, description="Lanes of one password hash.")
    password_concurrency: int = Field(2, ge=1, description="Passwords that one process hashes at the same time.")
    log_in_failures_per_account: str = Field(
        "10/15 minutes", pattern=_LIMIT, description="Wrong passwords for one account from one address."
    )
    log_in_failures_per_address: str = Field(
        "100/15 minutes", pattern=_LIMIT, description="Wrong passwords from one address, whatever the account."
    )
    wrong_one_time_codes_per_account: str = Field(
        "200/1 day",
        pattern=_LIMIT,
        description="Wrong one-time codes for one account from everywhere; beyond it only recovery codes are taken.",
    )
    openid_providers_file: Path | None = Field(
        None, description="Providers at which people can sign in (JSON, see docs/security.md); read at the start."
    )
    openid_sign_ins_per_address: str = Field(
        "60/15 minutes", pattern=_LIMIT, description="Steps of sign-ins at other providers, from one address."
    )
    totp_issuer: str = Field("Service Exchange", description="What authenticator apps call this system.")
    sign_ups_per_address: str = Field("20/1 hour", pattern=_LIMIT, description="Sign-ups tried from one address.")
    refresh_failures_per_address: str = Field(
        "300/15 minutes", pattern=_LIMIT, description="Refresh tokens from one address that are not valid."
    )
    identity_verifications_per_account: str = Field(
        "5/1 day", pattern=_LIMIT, description="Documents that one account tries to submit for a check."
    )
    identity_verifications_per_address: str = Field(
        "50/1 day", pattern=_LIMIT, description="The same from one address."
    )
    document_reveals_per_account: str = Field(
        "100/1 hour", pattern=_LIMIT, description="Documents that one admin looks at in full."
    )
    second_factor_removals_per_account: str = Field(
        "20/1 hour", pattern=_LIMIT, description="Second factors that one admin tries to remove."
    )
    blocks_per_account: str = Field(
        "200/1 hour", pattern=_LIMIT, description="`blockUser` and `unblockUser` together, of one account."
    )
    blocks_per_address: str = Field("1000/1 hour", pattern=_LIMIT, description="The same from one address.")
    questions_per_account: str = Field(
        "30/1 hour", pattern=_LIMIT, description="Questions that one account asks about tasks."
    )
    questions_per_address: str = Field("150/1 hour", pattern=_LIMIT, description="The same from one address.")
    task_requests_per_account: str = Field(
        "60/1 hour", pattern=_LIMIT, description="Requests of one account for another time, another price or an end."
    )
    task_requests_per_address: str = Field("300/1 hour", pattern=_LIMIT, description="The same from one address.")
    invitations_per_account: str = Field(
        "200/1 day", pattern=_LIMIT, description="Taskers whom one account tries to invite to its tasks."
    )
    invitations_per_address: str = Field("1000/1 day", pattern=_LIMIT, description="The same from one address.")
    reports_per_account: str = Field("20/1 day", pattern=_LIMIT, description="People that one account reports.")
    reports_per_address: str = Field("100/1 day", pattern=_LIMIT, description="The same from one address.")
    exports_per_account: str = Field(
        "5/1 day", pattern=_LIMIT, description="Tries to export all of one's own data, of one account."
    )

    nominatim_url: str = Field(
        "",
        pattern=r"^(https?://[^\s/?#]+[^\s?#]*)?$",
        description="A server of Nominatim's, asked for addresses (`locations`); empty: the gazetteer of this process, "
        "which knows localities and no streets.",
    )
    nominatim_timeout_seconds: float = Field(5, gt=0, le=60, description="Longest wait for an answer of it.")
    nominatim_requests: str = Field(
        "1/1 second",
        pattern=_LIMIT,
        description="What all processes together ask it; a second is what the public server's policy allows.",
    )
    nominatim_contact: str = Field(
        "", description="Address of the operator, in the User-Agent that its usage policy wants; empty: none."
    )
    geocodes_per_account: str = Field(
        "120/1 minute", pattern=_LIMIT, description="`geocode` and `reverseGeocode` together, of one account."
    )
    places_per_account: str = Field("60/1 hour", pattern=_LIMIT, description="Places that one account tries to make.")
    places_per_address: str = Field("300/1 hour", pattern=_LIMIT, description="The same from one address.")
    saved_searches_per_account: str = Field(
        "100/1 hour", pattern=_LIMIT, description="Searches that one account tries to save."
    )
    saved_searches_per_address: str = Field("500/1 hour", pattern=_LIMIT, description="The same from one address.")
    service_areas_per_account: str = Field(
        "60/1 hour", pattern=_LIMIT, description="Times that one account tries to say where it works."
    )
    service_areas_per_address: str = Field("300/1 hour", pattern=_LIMIT, description="The same from one address.")

    password_changes_per_account: str = Field(
        "10/1 hour", pattern=_LIMIT, description="Attempts to change an account's password, right or wrong."
    )
    password_resets_per_address: str = Field(
        "20/1 hour", pattern=_LIMIT, description="Requests to reset a password from one address, whatever the account."
    )
    password_resets_per_account: str = Field(
        "5/30 minutes",
        pattern=_LIMIT,
        description="Mails to reset one account's password; more requests send none and are answered alike. "
        "At least one in the 30 minutes for which a mail is good, or the owner could be shut out.",
    )
    email_verifications_per_account: str = Field(
        "5/1 hour", pattern=_LIMIT, description="Mails to verify one account's address that its owner can ask for."
    )
    mailed_codes_per_address: str = Field(
        "100/15 minutes", pattern=_LIMIT, description="Codes out of mails, right or wrong, from one address."
    )

    smtp_address: str = Field(
        "",
        description="`host:port` of the server that takes mail; `users` needs it. "
        "Without a port: 587 for `starttls`, 465 for `tls`, 25 for `none`.",
    )
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="`starttls` and `tls` (from the first byte) both verify the server's certificate; "
        "`none` only for a server on the same machine or network, and without a user.",
    )
    smtp_user: str = Field("", description="User at that server; empty: no login.")
    smtp_password: SecretStr | None = Field(None, description="That user's password.")
    smtp_timeout_seconds: float = Field(10, gt=0, le=60, description="Longest wait for each answer of that server.")
    mail_sender: str = Field(
        "Service Exchange <no-reply@service-exchange.invalid>",
        description="Sender of all mail, an address with or without a name; its domain stands in Message-IDs.",
    )
    web_app_url: str = Field(
        "http://127.0.0.1:8000", pattern=r"^https?://[^\s/?#]+[^\s?#]*$", description="Where the links in mails lead."
    )

    public_url: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://[^\s/?#]+$",
        description="The edge as clients reach it: where links to uploads and files lead.",
    )
    link_keys_file: Path | None = Field(
        None,
        description="Keys (JWKS, `oct`) that links to uploads and files are signed with, one file for each subgraph "
        "with files (`tasks` and `payments` need it); the first one signs.",
    )
    storage_folder: Path | None = Field(
        None, description="Where uploaded files lie, unless in a bucket; all processes of a subgraph need the same."
    )
    s3_bucket: str = Field(
        "", description="Bucket of an S3-compatible store for uploaded files; empty: `storage_folder`."
    )
    s3_endpoint: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Address of that store, by path (`https://host/`); empty: Amazon's own of the region.",
    )
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key_id: str = Field(
        "", description="Access key there; empty: what the machine itself is allowed (AWS_… variables, its role)."
    )
    s3_secret_access_key: SecretStr | None = Field(None, description="That key's secret.")
    file_looks_at_once: int = Field(
        2,
        ge=1,
        description="Uploaded files that one process looks at at a time, besides one that takes long, each in a "
        "process of its own with up to 512 MB.",
    )
    attachment_uploads_per_account: str = Field(
        "60/1 hour", pattern=_LIMIT, description="Uploads that one account tries to begin."
    )
    attachment_uploads_per_address: str = Field("300/1 hour", pattern=_LIMIT, description="The same from one address.")
    upload_requests_per_address: str = Field(
        "2000/1 minute", pattern=_LIMIT, description="Requests to uploads, chunks above all, from one address."
    )

    payment_provider: Literal["sandbox", "stripe"] = Field(
        "sandbox",
        description="Who moves money for `payments`; the sandbox moves none, and `production` refuses it.",
    )
    sandbox_url: str = Field(
        "http://127.0.0.1:8009", pattern=r"^http://[^\s/?#]+$", description="The sandbox as `payments` reaches it."
    )
    sandbox_api_key: SecretStr | None = Field(None, description="Key for calls of the sandbox.")
    sandbox_webhook_secret: SecretStr | None = Field(None, description="Secret by which it signs its webhooks.")
    stripe_secret_key: SecretStr | None = Field(
        None,
        description="Secret or restricted key of Stripe, `sk_…` or `rk_…` (`payments`, if Stripe is its provider).",
    )
    stripe_webhook_secrets: SecretStr | None = Field(
        None,
        description="Signing secrets `whsec_…` of its webhook endpoints, by comma: one for our account, one for "
        "connected accounts, and while one is changed the old one too.",
    )
    stripe_timeout_seconds: float = Field(20, gt=0, le=80, description="Longest wait for each answer of Stripe's.")
    stripe_api_url: str = Field(
        "", pattern=r"^(https?://[^\s/?#]+)?$", description="Another server than Stripe's own, for tests; empty: that."
    )
    payment_method_setups_per_account: str = Field(
        "20/1 hour", pattern=_LIMIT, description="Cards that one account begins to give to the provider."
    )
    payment_method_setups_per_address: str = Field(
        "60/1 hour", pattern=_LIMIT, description="The same from one address."
    )
    payments_per_account: str = Field(
        "60/1 hour", pattern=_LIMIT, description="Tries of one account to pay once more, and tips."
    )
    payments_per_address: str = Field("200/1 hour", pattern=_LIMIT, description="The same from one address.")
    payout_onboardings_per_account: str = Field(
        "20/1 hour", pattern=_LIMIT, description="Times that one account sets its payouts up."
    )
    payout_onboardings_per_address: str = Field("60/1 hour", pattern=_LIMIT, description="The same from one address.")
    payouts_per_account: str = Field("30/1 hour", pattern=_LIMIT, description="Payouts that one account asks for.")
    receipts_per_account: str = Field("120/1 minute", pattern=_LIMIT, description="Receipts of one account, as PDF.")
    statements_per_account: str = Field(
        "30/1 hour", pattern=_LIMIT, description="Statements of one account, each of up to 366 days."
    )
    fees: dict[str, int] = Field(
        {"*": 1_000},
        description="The platform's part of what a tasker gets, in hundredths of a percent, as JSON: by "
        "`<category id>/<currency>`, `<category id>`, `<currency>` and `*`, the most exact of which counts.",
    )

    otlp_endpoint: str = Field("", description="OTLP/HTTP base address for traces; empty: no tracing.")
    trace_sample_ratio: float = Field(1.0, ge=0, le=1, description="Share of new traces that are kept.")

    # The last pass of an erasure comes after the last message (`shared.privacy.erasure.PASSES`).
    stream_retention_days: int = Field(30, ge=1, le=30, description="How long events can be replayed to subscribers.")
    drain_seconds: float = Field(10, ge=0, description="Longest wait for running requests at shutdown.")
    max_subscriptions_per_connection: int = Field(
        10_000, ge=1, description="Operations on one WebSocket; high, since routers pool connections."
    )
    subscriptions_per_actor: int = Field(
        200, ge=1, description="Live subscriptions of one actor in all processes of a subgraph."
    )
    subscriptions_per_address: int = Field(
        2_000,
        ge=1,
        description="The same for the anonymous callers of one address; ten times it for all of unknown address.",
    )
    request_seconds: float = Field(
        10, gt=0, description="Longest time for a request, or a WebSocket message in fragments, to arrive as a whole."
    )
    stalled_seconds: float = Field(
        30, gt=0, description="How long a client may take nothing of what waits for it; then it is cut off."
    )
    websocket_ping_seconds: float = Field(
        20, gt=0, description="Time between pings of a WebSocket, and the longest wait for the answer to one."
    )
    follower_queue_size: int = Field(
        256, ge=1, description="Events waiting for one slow subscriber before it re-reads the log."
    )
