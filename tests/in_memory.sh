#!/usr/bin/env bash
# Run a command with its temporary files in memory, where there is room for them: tests kill processes and never a
# machine, so nothing is learned by waiting for a disk. What failed keeps its files.
set -euo pipefail
room_kb=$(df --output=avail -k /dev/shm 2>/dev/null | tail -1) || room_kb=0
if [ -w /dev/shm ] && [ "${room_kb:-0}" -gt 4000000 ] && ! findmnt -no OPTIONS -T /dev/shm | grep -qw noexec; then
  TMPDIR=$(mktemp -d /dev/shm/slotlink-tests-XXXXXX)
  export TMPDIR
  chmod 755 "$TMPDIR" # PostgreSQL runs under an account of its own
fi
code=0
"$@" || code=$?
if [ -n "${TMPDIR:-}" ] && [[ "$TMPDIR" == /dev/shm/slotlink-tests-* ]]; then
  if [ "$code" = 0 ]; then rm -rf "$TMPDIR"; else echo "kept: $TMPDIR" >&2; fi
fi
exit "$code"
