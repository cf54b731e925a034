"""Requests of each application, counted by PostgreSQL for all nodes at once, and by its clock alone."""

from __future__ import annotations

# (application_id, lengths of windows) → length, requests in the window with this one, seconds until it ends.
# One round trip, and nothing to wait for but the row: the table is unlogged. A request that waited while the window
# changed counts in the newer one; behind a clock that was set back by more than a window, counting begins anew.
COUNT_REQUEST = """
INSERT INTO request_counts AS counted (application_id, seconds, window_number, requests)
SELECT $1, length, floor(extract(epoch FROM clock_timestamp()) / length), 1 FROM unnest($2::integer[]) AS length
ON CONFLICT (application_id, seconds) DO UPDATE SET
    window_number = CASE WHEN counted.window_number = excluded.window_number + 1 THEN counted.window_number
                         ELSE excluded.window_number END,
    requests = CASE WHEN counted.window_number IN (excluded.window_number, excluded.window_number + 1)
                    THEN counted.requests + 1 ELSE 1 END
RETURNING seconds, requests,
    greatest(ceil((window_number + 1) * seconds - extract(epoch FROM clock_timestamp())), 1)::integer AS remaining
"""
