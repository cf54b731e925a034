#!/usr/bin/env bash
# What the tests need beyond Python packages: Chromium, PostgreSQL, Spin with gcc, and the Node client. Installed when
# absent and root; otherwise said loudly, and a failure unless ALLOW_SKIP=1.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
# Not named after what they look for: `command -v chromium` would find the function itself.
has_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
has_postgres() { command -v postgres || ls /usr/lib/postgresql/*/bin/postgres; }
has_chromium >/dev/null 2>&1 || missing+=(chromium)
has_postgres >/dev/null 2>&1 || missing+=(postgresql)
command -v spin >/dev/null || missing+=(spin)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)

if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing ${missing[*]} …"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null
  # No cluster of Debian's own making: the tests start one themselves.
  [ -d /etc/postgresql-common ] || { mkdir -p /etc/postgresql-common; echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf; }
  apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
fi

still=()
has_chromium >/dev/null 2>&1 || still+=("chromium (browser tests)")
has_postgres >/dev/null 2>&1 || still+=("postgresql (the second engine)")
command -v spin >/dev/null && command -v gcc >/dev/null || still+=("spin and gcc (the model)")
if command -v npm >/dev/null && command -v node >/dev/null; then
  (cd tests/sdk && npm ci --silent --no-audit --no-fund --ignore-scripts >/dev/null) || still+=("the npm package cronofy (npm ci failed)")
else
  still+=("node and npm (the Node client's tests)")
fi
for what in "${still[@]}"; do echo "MISSING: $what" >&2; done
if [ ${#still[@]} -gt 0 ] && [ "${ALLOW_SKIP:-}" != 1 ]; then
  echo "Install what is missing (as root this script does), or set ALLOW_SKIP=1 to skip those tests." >&2
  exit 1
fi
