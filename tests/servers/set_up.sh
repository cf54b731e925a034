#!/usr/bin/env bash
# Debian's Cyrus, DAViCal and SOGo for `make calendars`. Installed when absent and root; what cannot be had is said
# loudly, and its tests are skipped. No service of theirs is started, now or when the machine starts: the tests start
# the servers themselves, on ports and in folders of their own.
set -euo pipefail

POLICY=/usr/sbin/policy-rc.d
has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
has_cyrus() { command -v cyrmaster && [ -x /usr/lib/cyrus/bin/httpd ] && command -v saslpasswd2; }
has_davical() { [ -e /usr/share/davical/htdocs/caldav.php ] && command -v php && php -r 'exit((int) !extension_loaded("pdo_pgsql"));' && has_postgres; }
has_sogo() { [ -x /usr/sbin/sogod ] && command -v memcached && has_postgres; }
installed() { [ "$(dpkg-query --show --showformat '${db:Status-Abbrev}' "$1" 2>/dev/null | cut -c 2)" = i ]; }

# `policy-rc.d` is what Debian's packages ask before they start anything; 101 means no.
forbid_starts() {
  if [ -e "$POLICY" ]; then mv "$POLICY" "$POLICY.before-slotlink"; fi
  trap allow_starts EXIT
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod 755 "$POLICY"
}
allow_starts() {
  rm -f "$POLICY"
  if [ -e "$POLICY.before-slotlink" ]; then mv "$POLICY.before-slotlink" "$POLICY"; fi
}

# All that `packages` need or nothing of them; at the next start of the machine none of their services runs either.
install() {
  local packages=("$@") services=() service said
  # PHP asks for a web server and Cyrus for a mail server: the smallest that count, unless there is one.
  [[ " $* " != *" davical "* ]] || packages+=(php-cgi)
  [[ " $* " != *" cyrus-imapd "* ]] || [ -x /usr/sbin/sendmail ] || packages+=(msmtp-mta)
  for service in cyrus-imapd:cyrus-common saslauthd:sasl2-bin memcached:memcached sogo:sogo msmtpd:msmtp-mta; do
    installed "${service#*:}" || services+=("${service%:*}")
  done
  echo "installing ${packages[*]} …"
  if ! said=$(apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${packages[@]}" 2>&1); then
    printf 'apt-get says:\n%s\n' "$said" | tail -n 20 >&2
  fi
  for service in "${services[@]}"; do
    if [ -e "/lib/systemd/system/$service.service" ] || [ -e "/etc/init.d/$service" ]; then
      systemctl disable --quiet "$service" 2>/dev/null || update-rc.d "$service" disable 2>/dev/null || true
    fi
  done
}

ready=true
for server in cyrus davical sogo; do "has_$server" >/dev/null 2>&1 || ready=false; done

if ! $ready && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null || true
  forbid_starts
  # No cluster of Debian's own making: the tests start one themselves.
  [ -d /etc/postgresql-common ] || { mkdir -p /etc/postgresql-common; echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf; }
  has_cyrus >/dev/null 2>&1 || install cyrus-caldav cyrus-imapd sasl2-bin
  has_davical >/dev/null 2>&1 || install davical php-cli php-pgsql postgresql
  has_sogo >/dev/null 2>&1 || install sogo memcached postgresql
fi

found=0
for server in cyrus davical sogo; do
  if "has_$server" >/dev/null 2>&1; then found=$((found + 1)); else echo "MISSING: $server (its tests are skipped)" >&2; fi
done
if [ "$found" = 0 ] && [ "${ALLOW_SKIP:-}" != 1 ]; then
  echo "None of the three servers is here. On Debian 12 this script installs them as root; ALLOW_SKIP=1 skips all." >&2
  exit 1
fi
