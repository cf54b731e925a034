"""What is mutated, and the tests that have to notice."""

from __future__ import annotations

MODULES = (
    "src/slotlink/domain/link.py",
    "src/slotlink/domain/booking.py",
    "src/slotlink/services/booking.py",
    "src/slotlink/services/links.py",
    "src/slotlink/store/links.py",
    "src/slotlink/store/bookings.py",
)

# On SQLite; each mutant meets those of them that reach its function, fastest first, until one fails.
FIRST = (
    "tests/unit/domain/test_link_status.py",
    "tests/unit/domain/test_booking.py",
    "tests/contract/test_store_links.py",
    "tests/contract/test_store_bookings.py",
    "tests/contract/test_store_same_ids.py",
    "tests/contract/test_store_tenants.py",
    "tests/api/test_booking.py",
    "tests/api/test_booking_outcomes.py",
    "tests/api/test_booking_reads_anew.py",
    "tests/api/test_rescheduling.py",
    "tests/api/test_problem.py",
    "tests/api/test_disable.py",
    "tests/api/test_link_services.py",
    "tests/api/test_create.py",
    "tests/api/test_create_refused.py",
    "tests/api/test_page_callbacks.py",
)
# Left out: a trampoline, by which mutmut chooses the mutant, has another signature than what it stands for.
NOT_FIRST = "postgresql or every_function"

# Whatever survives those meets these: PostgreSQL, where locks are real and connections break, and other ways to a link.
SECOND = (
    "tests/api/test_booking.py",
    "tests/api/test_rescheduling.py",
    "tests/contract/test_store_links.py",
    "tests/contract/test_store_bookings.py",
    "tests/contract/test_store_same_ids.py",
    "tests/api/test_on_postgresql.py",
    "tests/api/test_page_refused.py",
    "tests/api/test_availability_constraints.py",
    "tests/api/test_managed_availability.py",
    "tests/faults/test_lost_connections.py",
)
