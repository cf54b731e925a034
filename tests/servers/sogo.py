"""SOGo, as Debian 12 packages it (sogo, memcached), on a PostgreSQL of its own."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import Cluster, find_postgres
from tests.servers.process import Process, answers, free_port, needed, open_folder

DAEMON, MEMCACHED = "/usr/sbin/sogod", "/usr/bin/memcached"
ACCOUNT = "sogo"


class SOGo:
    """`home` is where alice's calendars lie."""

    home = "/SOGo/dav/alice/Calendar/"

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self._cluster = cluster
        database = cluster.new_database().rpartition("/")[2]
        self._database = database
        self._cluster.sql(USERS, database)
        port, self._memory = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.address = f"{self.url}/SOGo/dav/"
        where = f"postgresql://slotlink@127.0.0.1:{cluster.port}/{database}"
        memory = ["-l", "127.0.0.1", "-p", str(self._memory), "-U", "0"]
        self._memcached = Process([MEMCACHED, *memory], folder, ACCOUNT)
        self._memcached.wait_until(answers(self._memory))
        # As arguments, which count more than what whoever runs SOGo on this machine has set in /etc.
        settings = SETTINGS | {"WOPort": f"127.0.0.1:{port}", "SOGoMemcachedHost": f"127.0.0.1:{self._memory}"}
        settings |= {name: f"{where}/{table}" for name, table in TABLES.items()}
        settings |= {"SOGoUserSources": SOURCES % f"{where}/people", "WOPidFile": str(folder / "pid")}
        arguments = [word for name, value in settings.items() for word in (f"-{name}", value)]
        self._process = Process([DAEMON, *arguments], folder, ACCOUNT)
        self._process.wait_until(answers(port))

    def let_in(self, password: str) -> None:
        """SOGo keeps in memcached whom it has let in."""
        self._cluster.sql(f"UPDATE people SET c_password = '{password}' WHERE c_uid = 'alice'", self._database)
        with socket.create_connection(("127.0.0.1", self._memory), 5) as memory:
            memory.sendall(b"flush_all\r\n")
            assert memory.recv(100) == b"OK\r\n"

    def stop(self) -> None:
        self._process.end()
        self._memcached.end()


@contextmanager
def sogo() -> Generator[SOGo]:
    needed("SOGo", DAEMON, MEMCACHED)
    with (
        open_folder("sogo", ACCOUNT) as folder,
        open_folder("sogo-database", "postgres") as data,
        Cluster(find_postgres(), data, ("fsync=off",)) as cluster,
    ):
        server = SOGo(folder, cluster)
        try:
            yield server
        finally:
            server.stop()


USERS = """
CREATE TABLE people (c_uid text PRIMARY KEY, c_name text, c_password text, c_cn text, mail text);
INSERT INTO people VALUES
    ('alice', 'alice', 'pw1', 'Alice', 'alice@slotlink.test'), ('bob', 'bob', 'pw2', 'Bob', 'bob@slotlink.test')
"""
TABLES = {
    "SOGoProfileURL": "sogo_user_profile",
    "OCSFolderInfoURL": "sogo_folder_info",
    "OCSSessionsFolderURL": "sogo_sessions_folder",
    "OCSEMailAlarmsFolderURL": "sogo_alarms_folder",
}
SETTINGS = {
    "WONoDetach": "YES",
    "WOLogFile": "-",
    "WOWorkersCount": "3",
    "SOGoTimeZone": "UTC",
    "SOGoAppointmentSendEMailNotifications": "NO",
    "SOGoCalendarDAVAccessEnabled": "YES",
    "SOGoMaximumRequestCount": "0",
    "SOGoMaximumFailedLoginCount": "0",
}
SOURCES = (
    '({type = sql; id = people; viewURL = "%s"; canAuthenticate = YES; isAddressBook = NO;'
    " userPasswordAlgorithm = plain;})"
)
