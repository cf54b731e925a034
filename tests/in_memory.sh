#!/usr/bin/env bash
# Run a command with its temporary files in memory, where there is room for them: tests kill processes and never a
# machine, so nothing is learned by waiting for a disk.
set -euo pipefail
room_kb=$(df --output=avail -k /dev/shm 2>/dev/null | tail -1) || room_kb=0
if [ -w /dev/shm ] && [ "${room_kb:-0}" -gt 4000000 ]; then
  TMPDIR=$(mktemp -d /dev/shm/slotlink-tests-XXXXXX)
  export TMPDIR
  trap 'rm -rf "$TMPDIR"' EXIT
  chmod 755 "$TMPDIR" # PostgreSQL runs under an account of its own
fi
"$@"
