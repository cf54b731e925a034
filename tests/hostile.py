"""What means no good: URLs that lead inside, and receivers that answer as nobody should."""

from __future__ import annotations

import contextlib
import ipaddress
import select
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

# Every way that we know to write this very host. `{port}` is where the canary sits.
LOCAL = [
    # names
    "http://localhost:{port}/",
    "https://LocalHost:{port}/",
    "http://localhost.:{port}/",
    "http://callbacks.localhost:{port}/",
    "http://ｌｏｃａｌｈｏｓｔ:{port}/",
    "http://loc%61lhost:{port}/",
    # 127.0.0.1: dotted, short, decimal, octal, hexadecimal, mixed, with leading zeros and trailing dots
    "http://127.0.0.1:{port}/",
    "HTTP://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.0.0.1..:{port}/",
    "http://127.0.1:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0177.1:{port}/",
    "http://017700000001:{port}/",
    "http://00000000177.0.0.1:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://0X7F.0.0.1:{port}/",
    "http://0x7f.0x0.0x0.0x1:{port}/",
    "http://127.0x1:{port}/",
    "http://127.255.255.254:{port}/",
    # any address of this host
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0x0:{port}/",
    # digits and dots that are made into ASCII ones on the way
    "http://１２７.０.０.１:{port}/",
    "http://127．0．0．1:{port}/",
    "http://127。0。0。1:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://127%2e0%2e0%2e1:{port}/",
    # IPv6, and IPv4 inside it
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]:{port}/",
    "http://[::]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[::1%lo]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:FFFF:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b:1::127.0.0.1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::80ff:fffe]:{port}/",
    "http://[2a00::5efe:127.0.0.1]:{port}/",
    # somebody else's name before it
    "http://application.test@127.0.0.1:{port}/",
    "http://application.test:443@127.0.0.1:{port}/",
    "http://@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@application.test/",
    "http://127.0.0.1:{port}?@application.test/",
]

# What is no http(s) URL in its plain form, whoever it leads to.
SHAPES = [
    "127.0.0.1:{port}",
    "//127.0.0.1:{port}/",
    "/callback",
    "http:127.0.0.1:{port}",
    "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}\\",
    "http://application.test\\@127.0.0.1:{port}/",
    "http://application.test:80:{port}/",
    "http://application.test:0/",
    "http://application.test:65536/",
    "http://application.test:-1/",
    "http://application.test:/",
    "http://[127.0.0.1]:{port}/",
    "http://[::1/",
    "http://::1:{port}/",
    "http://127.0.0.1 .application.test:{port}/",
    "http://127.0.0.1%00.application.test:{port}/",
    "http://application.test/\r\nHost: 127.0.0.1",
    " http://127.0.0.1:{port}/",
    "ht\ttp://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "gopher://127.0.0.1:{port}/_POST",
    "dict://127.0.0.1:{port}/stat",
    "ldap://127.0.0.1:{port}/",
    "tftp://127.0.0.1:{port}/x",
    "ssh://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "unix:///var/run/docker.sock",
    "http+unix://%2fvar%2frun%2fdocker.sock/",
    "jar:http://127.0.0.1:{port}!/x",
    "view-source:http://127.0.0.1:{port}/",
    "data:text/html,x",
    "javascript:alert(1)",
]

Talk = Callable[[socket.socket], None]


class Canary:
    """Listens on every address of this host, IPv4 and IPv6, and counts who comes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self._listener.getsockname()[1]

    @property
    def contacted(self) -> bool:
        return bool(select.select([self._listener], [], [], 0)[0])

    def __enter__(self) -> Canary:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()


class NameServer:
    """Stands for `socket.getaddrinfo`. Answers a name from its list, the last answer again and again; numbers as ever.

    `asked` counts the look-ups; a name that begins with `silent` waits until the end."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: Counter[str] = Counter()
        self._real = socket.getaddrinfo
        self._over = threading.Event()

    def __enter__(self) -> NameServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def __call__(self, host: Any, *rest: Any, **options: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        if name is None or _is_number(name):
            return self._real(name, *rest, **options)
        self.asked[name] += 1
        if name.startswith("silent"):
            self._over.wait(30)
        answers = self.answers.get(name)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [row for address in addresses for row in self._real(address, *rest, **options)]


def _is_number(host: str) -> bool:
    for read in (ipaddress.ip_address, socket.inet_aton):
        with contextlib.suppress(OSError, ValueError):
            read(host)
            return True
    return False


@contextmanager
def talking(
    talk: Talk, address: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None, buffers: int | None = 4096
) -> Generator[str]:
    """A receiver that runs `talk` with each connection, in a thread of its own. Yields its `host:port`.

    With small `buffers` nearly all that it has sent has been taken; None: those of the system."""
    listener = socket.create_server((address, 0), backlog=64)
    if buffers is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)

    def run(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(30)
            talk(tls.wrap_socket(connection, server_side=True) if tls else connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=run, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield "{}:{}".format(*listener.getsockname())
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def asked(connection: socket.socket) -> bytes:
    """The head of the request, read to its end, and as much of the body as came along."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(4096)
        if not chunk:
            raise ConnectionResetError
        received += chunk
    return received


def says(answer: bytes) -> Talk:
    """Answer so, then wait for the other side to go."""

    def talk(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(answer)
        while connection.recv(4096):
            pass

    return talk


def drips(start: bytes, drop: bytes) -> Talk:
    """`start` at once, then `drop` every tenth of a second: no single read ever takes long."""

    def talk(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(start)
        while True:
            time.sleep(0.1)
            connection.sendall(drop)

    return talk


class Floods:
    """`start`, then `more` for as long as anybody takes it. `taken` counts the bytes, over all connections."""

    def __init__(self, start: bytes, more: bytes) -> None:
        self.start, self.more, self.taken = start, more * (65536 // len(more)), 0

    def __call__(self, connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(self.start)
        while True:
            left = memoryview(self.more)
            while left:
                sent = connection.send(left)
                self.taken += sent
                left = left[sent:]


def hang(connection: socket.socket) -> None:
    asked(connection)
    connection.recv(1)
    time.sleep(30)


def never_read(_connection: socket.socket) -> None:
    time.sleep(30)


def reset(connection: socket.socket) -> None:
    """Closed with the request unread: the other side gets a reset."""
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def reset_in_the_head(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Half: ")
    time.sleep(0.1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def half_close(connection: socket.socket) -> None:
    """No more is said, but the line stays open."""
    asked(connection)
    connection.shutdown(socket.SHUT_WR)
    time.sleep(30)


def half_a_head(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    connection.shutdown(socket.SHUT_WR)
    time.sleep(30)
