"""What guests of events were told by mail. Only adds."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event_writes", sa.Column("mailed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "guest_messages",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("calendar_id", sa.String(length=80), nullable=False),
        sa.Column("event_uid", sa.String(length=48), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("ical", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("sent_sequence", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id", "calendar_id", "event_uid"],
            ["events.application_id", "events.calendar_id", "events.event_uid"],
            name=op.f("fk_guest_messages_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("application_id", "calendar_id", "event_uid", "email", name=op.f("pk_guest_messages")),
    )
