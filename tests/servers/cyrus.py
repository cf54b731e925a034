"""Cyrus IMAP's CalDAV, as Debian 12 packages it (cyrus-caldav, cyrus-imapd, sasl2-bin)."""

from __future__ import annotations

import imaplib
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import Process, answers, free_port, give, needed, open_folder

MASTER, HTTPD, IMAPD = "/usr/sbin/cyrmaster", "/usr/lib/cyrus/bin/httpd", "/usr/lib/cyrus/bin/imapd"
ACCOUNT = "cyrus"


class Cyrus:
    """`home` is where alice's calendars lie. Without imapd the master ends with 78 and says so to syslog alone."""

    home = "/dav/calendars/user/alice/"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        port, self._imap = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.address = self.url
        # The master wants conf/proc before it starts what would make it.
        for path in ("conf", "conf/db", "conf/proc", "conf/socket", "conf/lock", "spool"):
            (folder / path).mkdir()
            give(folder / path, ACCOUNT)
        (folder / "imapd.conf").write_text(SETTINGS.format(folder=folder))
        (folder / "cyrus.conf").write_text(SERVICES.format(folder=folder, http=port, imap=self._imap))
        for user, password in (("cyrus", "admin"), ("alice", "pw1"), ("bob", "pw2")):
            self._set_password(user, password)
        files = ["-C", str(folder / "imapd.conf"), "-M", str(folder / "cyrus.conf"), "-p", str(folder / "pid")]
        self._process = Process([MASTER, "-D", *files], folder)
        self._process.wait_until(answers(self._imap))
        self._process.wait_until(answers(port))
        self._make_users()

    def let_in(self, password: str) -> None:
        self._set_password("alice", password)

    def stop(self) -> None:
        self._process.end()

    def _set_password(self, user: str, password: str) -> None:
        path = self._folder / "sasldb2"
        command = ["saslpasswd2", "-p", "-c", "-f", str(path), "-u", DOMAIN, user]
        subprocess.run(command, input=password.encode(), check=True, capture_output=True)
        give(path, ACCOUNT)

    def _make_users(self) -> None:
        with imaplib.IMAP4("127.0.0.1", self._imap) as admin:
            admin.login("cyrus", "admin")
            for user in ("alice", "bob"):
                assert admin.create(f"user/{user}")[0] == "OK"


@contextmanager
def cyrus() -> Generator[Cyrus]:
    needed("Cyrus", MASTER, HTTPD, IMAPD, "/usr/sbin/saslpasswd2")
    with open_folder("cyrus", ACCOUNT) as folder:
        server = Cyrus(folder)
        try:
            yield server
        finally:
            server.stop()


DOMAIN = "slotlink.test"
# As bare names the master looks for its programs where the package has put them.
SERVICES = """START {{
  recover cmd="ctl_cyrusdb -C {folder}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="imapd -C {folder}/imapd.conf" listen="127.0.0.1:{imap}" prefork=0
  http cmd="httpd -C {folder}/imapd.conf" listen="127.0.0.1:{http}" prefork=1
}}
EVENTS {{
}}
"""
SETTINGS = f"""configdirectory: {{folder}}/conf
defaultpartition: default
partition-default: {{folder}}/spool
mboxname_lockpath: {{folder}}/conf/lock
proc_path: {{folder}}/conf/proc
servername: {DOMAIN}
calendar_user_address_set: {DOMAIN}
admins: cyrus
virtdomains: off
unixhierarchysep: yes
allowplaintext: yes
httpmodules: caldav
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {{folder}}/sasldb2
sasl_mech_list: PLAIN
"""
