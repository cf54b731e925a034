"""Availability rules, available periods, and a version of each account that grows with its availability."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("version", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "availability_rules",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.Column("availability_rule_id", sa.String(length=64), nullable=False),
        sa.Column("tzid", sa.Text(), nullable=False),
        sa.Column("calendar_ids", sa.Text(), nullable=True),
        sa.Column("weekly_periods", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id", "sub"],
            ["accounts.application_id", "accounts.sub"],
            name=op.f("fk_availability_rules_accounts"),
        ),
        sa.PrimaryKeyConstraint("application_id", "sub", "availability_rule_id", name=op.f("pk_availability_rules")),
    )
    op.create_table(
        "available_periods",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.Column("available_period_id", sa.String(length=64), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("tzid", sa.Text(), nullable=False),
        sa.CheckConstraint("end_at > start_at", name=op.f("ck_available_periods_order")),
        sa.ForeignKeyConstraint(
            ["application_id", "sub"],
            ["accounts.application_id", "accounts.sub"],
            name=op.f("fk_available_periods_accounts"),
        ),
        sa.PrimaryKeyConstraint("application_id", "sub", "available_period_id", name=op.f("pk_available_periods")),
    )
    op.create_index(
        "ix_available_periods_sub_start",
        "available_periods",
        ["application_id", "sub", "start_at", "end_at"],
        unique=False,
    )
