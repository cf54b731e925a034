"""DAViCal, as Debian 12 packages it (davical, php-cli, php-pgsql), on a PostgreSQL of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import Cluster, find_postgres
from tests.servers.process import Process, answers, free_port, needed, open_folder

PROGRAM, LIBRARY, PHP = Path("/usr/share/davical"), Path("/usr/share/awl"), "/usr/bin/php"
ACCOUNT = "postgres"


class DAViCal:
    """Under PHP's own web server. `home` is where alice's calendars lie."""

    home = "/caldav.php/alice/"

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self._cluster = cluster
        self._make_database(cluster.port)
        site = folder / "htdocs"
        shutil.copytree(PROGRAM / "htdocs", site)
        always = site / "always.php"
        # The settings of whoever may run DAViCal on this machine are none of ours.
        always.write_text(always.read_text().replace("'/etc/davical/", f"'{folder}/"))
        (folder / "config.php").write_text(SETTINGS.format(port=cluster.port))
        (folder / "router.php").write_text(ROUTER)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.address = self.url
        libraries = f"include_path={PROGRAM}/inc:{LIBRARY}/inc"
        command = [PHP, "-d", libraries, "-d", "display_errors=0", "-S", f"127.0.0.1:{port}", "-t", str(site)]
        self._process = Process(
            [*command, str(folder / "router.php")], folder, ACCOUNT, {"PHP_CLI_SERVER_WORKERS": "4"}
        )
        self._process.wait_until(answers(port))

    def let_in(self, password: str) -> None:
        self._cluster.sql(f"UPDATE usr SET password = '**{password}' WHERE username = 'alice'", "davical")

    def stop(self) -> None:
        self._process.end()

    def _make_database(self, port: int) -> None:
        # Debian's script looks for the database in libpq's own variables, and for a role that is called postgres.
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PGHOST": "127.0.0.1", "PGPORT": str(port)}
        command = ["/bin/sh", str(PROGRAM / "dba" / "create-database.sh"), "davical", "adminpw"]
        environment |= {"PGUSER": "slotlink", "LANG": "C.UTF-8"}
        done = subprocess.run(command, env=environment, cwd=PROGRAM / "dba", capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"DAViCal has no database: {done.stdout}{done.stderr}")
        for user, password in (("alice", "pw1"), ("bob", "pw2")):
            self._cluster.sql(USER.format(user=user, password=password), "davical")


@contextmanager
def davical() -> Generator[DAViCal]:
    needed("DAViCal", PHP, str(PROGRAM / "htdocs" / "caldav.php"), str(LIBRARY / "inc"))
    with (
        open_folder("davical", ACCOUNT) as folder,
        open_folder("davical-database", ACCOUNT) as data,
        Cluster(find_postgres(), data, ("fsync=off",)) as cluster,
    ):
        server = DAViCal(folder, cluster)
        try:
            yield server
        finally:
            server.stop()


SETTINGS = """<?php
$c->pg_connect[] = "host=127.0.0.1 port={port} dbname=davical user=davical_app";
$c->domain_name = "slotlink.test";
"""
# As the web server of a real installation does: https://www.davical.org/installation.php
ROUTER = """<?php
$path = rawurldecode(explode("?", $_SERVER["REQUEST_URI"])[0]);
if (str_starts_with($path, "/.well-known/")) $path = "/caldav.php" . $path;
if (!str_starts_with($path, "/caldav.php/")) return false;
$_SERVER["SCRIPT_NAME"] = $_SERVER["PHP_SELF"] = "/caldav.php";
$_SERVER["PATH_INFO"] = substr($path, strlen("/caldav.php"));
chdir($_SERVER["DOCUMENT_ROOT"]);
require "./caldav.php";
"""
USER = """
INSERT INTO usr (username, password, fullname, email, active)
    VALUES ('{user}', '**{password}', '{user}', '{user}@slotlink.test', true);
INSERT INTO principal (type_id, user_no, displayname, default_privileges)
    SELECT 1, user_no, fullname, privilege_to_bits(ARRAY['read-free-busy', 'schedule-deliver'])
    FROM usr WHERE username = '{user}';
INSERT INTO collection (user_no, parent_container, dav_name, dav_etag, dav_displayname, is_calendar, created, modified,
        public_events_only, publicly_readable, resourcetypes)
    SELECT user_no, '/{user}/', '/{user}/calendar/', '-1', '{user} calendar', true, now(), now(), false, false,
        '<DAV::collection/><urn:ietf:params:xml:ns:caldav:calendar/>'
    FROM usr WHERE username = '{user}'
"""
