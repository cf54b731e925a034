"""How an application's pages look, and who may embed them. Only adds."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "brandings",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("accent", sa.String(length=7), nullable=True),
        sa.Column("privacy_url", sa.Text(), nullable=True),
        sa.Column("support_url", sa.Text(), nullable=True),
        sa.Column("default_locale", sa.String(length=16), nullable=True),
        sa.Column("embed_origins", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.application_id"],
            name=op.f("fk_brandings_applications"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_brandings")),
    )
    op.create_table(
        "logos",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("scheme", sa.String(length=5), nullable=False),
        sa.Column("logo_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("media_type", sa.String(length=16), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.CheckConstraint("scheme IN ('light', 'dark')", name=op.f("ck_logos_scheme")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["brandings.application_id"], name=op.f("fk_logos_brandings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("application_id", "scheme", name=op.f("pk_logos")),
    )
    op.create_index("ix_logos_logo_sha256", "logos", ["logo_sha256"], unique=False)
