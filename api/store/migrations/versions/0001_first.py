"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("number", name=op.f("uq_api_keys_number")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "documents",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_documents")),
    )
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_documents_kind_log_index"), ["kind", "log_index"], unique=False
        )

    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("tenants", sa.String(length=160), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_type_id"), ["type", "id"], unique=False)

    op.create_table(
        "idempotent_answers",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_idempotent_answers")),
    )
    with op.batch_alter_table("idempotent_answers", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_idempotent_answers_created"), ["created"], unique=False
        )

    op.create_table(
        "log_entries",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_log_entries")),
    )
    op.create_table(
        "log_hashes",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_log_hashes")),
    )
    op.create_table(
        "state",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("tree", sa.LargeBinary(), nullable=False),
        sa.Column("last_event", sa.BigInteger(), nullable=False),
        sa.Column("trust_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state")),
    )
    op.create_table(
        "subjects",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("claim", sa.String(length=64), nullable=False),
        sa.Column("audience", sa.String(length=128), nullable=True),
        sa.Column("newest", sa.String(length=64), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("current", sa.String(length=64), nullable=True),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subjects")),
    )
    with op.batch_alter_table("subjects", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subjects_expires"), ["expires"], unique=False)

    op.create_table(
        "trusted_keys",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("retired", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=128), nullable=True),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_trusted_keys")),
        sa.UniqueConstraint("log_index", name=op.f("uq_trusted_keys_log_index")),
        sa.UniqueConstraint("public_key", name=op.f("uq_trusted_keys_public_key")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("disabled", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_webhooks_tenant_created"), ["tenant", "created"], unique=False
        )

    op.create_table(
        "audits",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("prover", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("claim", sa.String(length=64), nullable=False),
        sa.Column("audience", sa.String(length=128), nullable=False),
        sa.Column("nonce", sa.String(length=128), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("max_attempts", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.BigInteger(), nullable=True),
        sa.Column("attestation", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=128), nullable=True),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["policy"], ["documents.digest"], name=op.f("fk_audits_policy")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audits")),
        sa.UniqueConstraint("event", name=op.f("uq_audits_event")),
        sa.UniqueConstraint("nonce", name=op.f("uq_audits_nonce")),
    )
    with op.batch_alter_table("audits", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_audits_prover_event"), ["prover", "event"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_audits_state_deadline"), ["state", "deadline"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_audits_tenant_event"), ["tenant", "event"], unique=False
        )

    op.create_table(
        "commitments",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("custodian", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("registry_digest", sa.String(length=64), nullable=False),
        sa.Column("commitment", sa.String(length=96), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("superseded_by", sa.String(length=64), nullable=True),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["trusted_keys.key_id"], name=op.f("fk_commitments_key_id")
        ),
        sa.PrimaryKeyConstraint("digest", "custodian", name=op.f("pk_commitments")),
        sa.UniqueConstraint("event", name=op.f("uq_commitments_event")),
    )
    with op.batch_alter_table("commitments", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_commitments_account_event"), ["account", "event"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_commitments_custodian_account_registry_digest_as_of"),
            ["custodian", "account", "registry_digest", "as_of"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_commitments_custodian_event"), ["custodian", "event"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_commitments_key_id_as_of"), ["key_id", "as_of"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_commitments_superseded_by"), ["superseded_by"], unique=False
        )

    op.create_table(
        "deliveries",
        sa.Column("webhook", sa.String(length=32), nullable=False),
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("delivered", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=128), nullable=True),
        sa.ForeignKeyConstraint(["webhook"], ["webhooks.id"], name=op.f("fk_deliveries_webhook")),
        sa.PrimaryKeyConstraint("webhook", "event", name=op.f("pk_deliveries")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deliveries_due"), ["due"], unique=False)

    op.create_table(
        "price_reports",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("oracle", sa.String(length=64), nullable=False),
        sa.Column("quote", sa.String(length=64), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["trusted_keys.key_id"], name=op.f("fk_price_reports_key_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_price_reports")),
    )
    with op.batch_alter_table("price_reports", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_price_reports_oracle_quote_time"),
            ["oracle", "quote", "time"],
            unique=False,
        )

    op.create_table(
        "price_rounds",
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy"], ["documents.digest"], name=op.f("fk_price_rounds_policy")
        ),
        sa.PrimaryKeyConstraint("policy", "digest", name=op.f("pk_price_rounds")),
        sa.UniqueConstraint("event", name=op.f("uq_price_rounds_event")),
    )
    with op.batch_alter_table("price_rounds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_price_rounds_digest"), ["digest"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_price_rounds_policy_event"), ["policy", "event"], unique=False
        )

    op.create_table(
        "subject_accounts",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("custodian", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject"], ["subjects.id"], name=op.f("fk_subject_accounts_subject")
        ),
        sa.PrimaryKeyConstraint(
            "subject", "custodian", "account", name=op.f("pk_subject_accounts")
        ),
    )
    with op.batch_alter_table("subject_accounts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_subject_accounts_account_custodian"),
            ["account", "custodian"],
            unique=False,
        )

    op.create_table(
        "attestations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("claim", sa.String(length=64), nullable=False),
        sa.Column("claim_type", sa.String(length=32), nullable=False),
        sa.Column("registry_digest", sa.String(length=64), nullable=False),
        sa.Column("round", sa.String(length=64), nullable=False),
        sa.Column("audience", sa.String(length=128), nullable=True),
        sa.Column("nonce", sa.String(length=128), nullable=True),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("audit", sa.String(length=32), nullable=True),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.BigInteger(), nullable=False),
        sa.Column("inclusion", sa.LargeBinary(), nullable=False),
        sa.Column("superseded_by", sa.String(length=64), nullable=True),
        sa.Column("superseded", sa.BigInteger(), nullable=True),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.Column("revoked_reason", sa.String(length=128), nullable=True),
        sa.ForeignKeyConstraint(["audit"], ["audits.id"], name=op.f("fk_attestations_audit")),
        sa.ForeignKeyConstraint(
            ["checkpoint"], ["checkpoints.size"], name=op.f("fk_attestations_checkpoint")
        ),
        sa.ForeignKeyConstraint(
            ["policy"], ["documents.digest"], name=op.f("fk_attestations_policy")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attestations")),
        sa.UniqueConstraint("log_index", name=op.f("uq_attestations_log_index")),
    )
    with op.batch_alter_table("attestations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_attestations_policy_claim_log_index"),
            ["policy", "claim", "log_index"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_attestations_subject_issued"), ["subject", "issued"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_attestations_tenant_log_index"), ["tenant", "log_index"], unique=False
        )
        batch_op.create_index("uq_attestations_nonce", ["nonce"], unique=True)

    op.create_table(
        "attestation_accounts",
        sa.Column("attestation", sa.String(length=64), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("side", sa.SmallInteger(), nullable=False),
        sa.Column("custodian", sa.String(length=64), nullable=True),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["attestation"], ["attestations.id"], name=op.f("fk_attestation_accounts_attestation")
        ),
        sa.PrimaryKeyConstraint("attestation", "position", name=op.f("pk_attestation_accounts")),
    )
    with op.batch_alter_table("attestation_accounts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_attestation_accounts_account_custodian"),
            ["account", "custodian"],
            unique=False,
        )

    op.create_table(
        "attestation_keys",
        sa.Column("attestation", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("dated", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attestation"], ["attestations.id"], name=op.f("fk_attestation_keys_attestation")
        ),
        sa.PrimaryKeyConstraint("attestation", "key_id", "dated", name=op.f("pk_attestation_keys")),
    )
    with op.batch_alter_table("attestation_keys", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_attestation_keys_key_id_dated"), ["key_id", "dated"], unique=False
        )


def downgrade() -> None:
    """Remove the tables."""
    with op.batch_alter_table("attestation_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attestation_keys_key_id_dated"))

    op.drop_table("attestation_keys")
    with op.batch_alter_table("attestation_accounts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attestation_accounts_account_custodian"))

    op.drop_table("attestation_accounts")
    with op.batch_alter_table("attestations", schema=None) as batch_op:
        batch_op.drop_index("uq_attestations_nonce")
        batch_op.drop_index(batch_op.f("ix_attestations_tenant_log_index"))
        batch_op.drop_index(batch_op.f("ix_attestations_subject_issued"))
        batch_op.drop_index(batch_op.f("ix_attestations_policy_claim_log_index"))

    op.drop_table("attestations")
    with op.batch_alter_table("subject_accounts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subject_accounts_account_custodian"))

    op.drop_table("subject_accounts")
    with op.batch_alter_table("price_rounds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_price_rounds_policy_event"))
        batch_op.drop_index(batch_op.f("ix_price_rounds_digest"))

    op.drop_table("price_rounds")
    with op.batch_alter_table("price_reports", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_price_reports_oracle_quote_time"))

    op.drop_table("price_reports")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deliveries_due"))

    op.drop_table("deliveries")
    with op.batch_alter_table("commitments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commitments_superseded_by"))
        batch_op.drop_index(batch_op.f("ix_commitments_key_id_as_of"))
        batch_op.drop_index(batch_op.f("ix_commitments_custodian_event"))
        batch_op.drop_index(batch_op.f("ix_commitments_custodian_account_registry_digest_as_of"))
        batch_op.drop_index(batch_op.f("ix_commitments_account_event"))

    op.drop_table("commitments")
    with op.batch_alter_table("audits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audits_tenant_event"))
        batch_op.drop_index(batch_op.f("ix_audits_state_deadline"))
        batch_op.drop_index(batch_op.f("ix_audits_prover_event"))

    op.drop_table("audits")
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhooks_tenant_created"))

    op.drop_table("webhooks")
    op.drop_table("trusted_keys")
    with op.batch_alter_table("subjects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subjects_expires"))

    op.drop_table("subjects")
    op.drop_table("state")
    op.drop_table("log_hashes")
    op.drop_table("log_entries")
    with op.batch_alter_table("idempotent_answers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotent_answers_created"))

    op.drop_table("idempotent_answers")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_type_id"))

    op.drop_table("events")
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_documents_kind_log_index"))

    op.drop_table("documents")
    op.drop_table("checkpoints")
    op.drop_table("api_keys")
