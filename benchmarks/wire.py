"""HTTP/1.1 with as little work as can be: requests are bytes made beforehand, one connection kept open."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from urllib.parse import urlencode

import orjson

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *(ossature_session=[^;\r]+)", re.IGNORECASE)
_TOKEN = re.compile(rb'name="csrf_token" value="([^"]+)"')


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"", kind: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += [f"Content-Type: {kind or 'application/json'}", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def length_of(head: bytes) -> int:
    found = _LENGTH.search(head)
    if found is None:
        raise ValueError(f"an answer without a length: {head[:200]!r}")
    return int(found[1])


class Wire:
    """One connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes, expected: int = 200) -> bytes:
        """The body of the answer. Raises `RuntimeError` unless it has the expected status."""
        return self.exchange(data, expected)[1]

    def exchange(self, data: bytes, expected: int = 200) -> tuple[bytes, bytes]:
        self._socket.sendall(data)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            more = self._socket.recv(262_144)
            if not more:
                raise RuntimeError("the server closed the connection")
            received += more
        head = received[: end + 2]
        whole = end + 4 + length_of(head)
        while len(received) < whole:
            received += self._socket.recv(262_144)
        if int(head[9:12]) != expected:
            raise RuntimeError(f"answered {head[9:12]!r} instead of {expected}: {received[end + 4 :][:400]!r}")
        return head, received[end + 4 :]

    def close(self) -> None:
        self._socket.close()


def access_token(wire: Wire, email: str, password: str) -> dict[str, str]:
    """Sign in to the API; the headers that its requests carry."""
    body = orjson.dumps({"email": email, "password": password})
    answer = orjson.loads(wire.send(request("POST", "/api/auth/login", {}, body)))
    return {"Authorization": f"Bearer {answer['data']['access_token']}", "Accept": "application/json"}


def page_session(wire: Wire, email: str, password: str) -> dict[str, str]:
    """Sign in to the pages with the form; the headers that its requests carry, as a browser has them after one page."""
    cookie, page = _kept(wire, request("GET", "/sign-in", {}))
    token = _TOKEN.search(page)
    assert token is not None
    form = urlencode({"email": email, "password": password, "csrf_token": token[1].decode()}).encode()
    sent = request("POST", "/sign-in", {"Cookie": cookie}, form, "application/x-www-form-urlencoded")
    cookie, _page = _kept(wire, sent, expected=303)
    cookie, _page = _kept(wire, request("GET", "/", {"Cookie": cookie}))
    return {"Cookie": cookie, "Accept": "text/html"}


def _kept(wire: Wire, sent: bytes, expected: int = 200) -> tuple[str, bytes]:
    """The cookie that an answer sets, and its body."""
    head, body = wire.exchange(sent, expected)
    cookie = _COOKIE.search(head)
    assert cookie is not None
    return cookie[1].decode(), body
