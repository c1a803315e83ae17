"""Many clients at once, from a process of their own: `python crowd.py PORT CLIENTS SECONDS [THINK WARM] < requests`.

Each line of standard input is a request in hexadecimal; clients take them in turn and keep asking the same. With THINK,
the seconds that somebody looks at an answer, each line is a person's requests, a letter for its kind before each, which
are asked one after the other and over again; what is asked in the first WARM seconds, while people come and the server
fills its caches, is not counted. One thread and epoll: the clients take as little as they can of the
processors that the server needs.
"""

from __future__ import annotations

import heapq
import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from random import Random

from wire import length_of


@dataclass
class Client:
    wire: socket.socket
    request: bytes
    sent_at: float = 0.0
    kind: str = ""
    received: bytearray = field(default_factory=bytearray)
    whole: int = 0

    def ask(self) -> None:
        self.received.clear()
        self.whole = 0
        self.sent_at = time.perf_counter()
        self.wire.sendall(self.request)

    def hear(self) -> bool:
        """Take what has come; True once the answer is complete."""
        self.received += self.wire.recv(262_144)
        if not self.whole:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return False
            self.whole = end + 4 + length_of(bytes(self.received[: end + 2]))
        return len(self.received) >= self.whole


def run(port: int, clients: int, seconds: float, requests: list[bytes]) -> dict[str, float]:
    waiting = selectors.DefaultSelector()
    for number in range(clients):
        wire = socket.create_connection(("127.0.0.1", port))
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(wire, requests[number % len(requests)])
        waiting.register(wire, selectors.EVENT_READ, client)
        client.ask()
    begun, used = time.perf_counter(), time.process_time()
    took: list[float] = []
    refused = 0
    while (now := time.perf_counter()) - begun < seconds:
        for key, _events in waiting.select(1):
            client = key.data
            if client.hear():
                took.append(time.perf_counter() - client.sent_at)
                refused += client.received[9:12] != b"200"
                client.ask()
    took.sort()
    return {
        "per_second": len(took) / (now - begun),
        "median_ms": took[len(took) // 2] * 1000,
        "p95_ms": took[int(len(took) * 0.95)] * 1000,
        "refused": refused,
        "processor": (time.process_time() - used) / (now - begun),
    }


@dataclass
class Person(Client):
    """Somebody who works: reads an answer, thinks, asks the next thing."""

    requests: list[tuple[str, bytes]] = field(default_factory=list)
    next: int = 0
    due: float = 0.0
    waits: bool = False

    def go_on(self) -> None:
        """Time runs from when the request was due: a client that is late counts against the server."""
        self.kind, self.request = self.requests[self.next % len(self.requests)]
        self.next += 1
        self.ask()
        self.sent_at, self.waits = self.due, True


def work(
    port: int, people: list[list[tuple[str, bytes]]], seconds: float, think: float, warm: float
) -> dict[str, object]:
    """People who think for `think` seconds, give or take half; all begin within that time."""
    random = Random(7)  # the same each time
    waiting = selectors.DefaultSelector()
    turns: list[tuple[float, int, Person]] = []
    begun, used = time.perf_counter(), time.process_time()
    for number, requests in enumerate(people):
        wire = socket.create_connection(("127.0.0.1", port))
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        person = Person(wire, b"", requests=requests, next=number)
        waiting.register(wire, selectors.EVENT_READ, person)
        person.due = begun + 1 + random.random() * think
        turns.append((person.due, number, person))
    heapq.heapify(turns)
    took: dict[str, list[float]] = {}
    errors: list[str] = []
    sent = 0
    while (now := time.perf_counter()) - begun < warm + seconds:
        while turns and turns[0][0] <= now:
            heapq.heappop(turns)[2].go_on()
            sent += 1
        for key, _events in waiting.select(min(1.0, max(0.0, turns[0][0] - now)) if turns else 1):
            person = key.data
            try:
                whole = person.hear()
            except (OSError, ValueError) as error:
                errors.append(repr(error))
                waiting.unregister(person.wire)
                continue
            if whole:
                now, person.waits = time.perf_counter(), False
                if person.sent_at - begun >= warm:
                    took.setdefault(person.kind, []).append((now - person.sent_at) * 1000)
                if person.received[9:12] != b"200":
                    errors.append(bytes(person.received[:300]).decode("utf-8", "replace"))
                person.due = now + think * (0.5 + random.random())
                heapq.heappush(turns, (person.due, id(person), person))
    late = sum(1 for key in waiting.get_map().values() if key.data.waits and now - key.data.sent_at > 5)
    return {
        "took": took, "errors": errors[:5], "failed": len(errors), "unanswered": late, "sent": sent,
        "processor": (time.process_time() - used) / (now - begun),
    }  # fmt: skip


if __name__ == "__main__":
    port, clients, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    if len(sys.argv) > 4:
        each = [[(one[0], bytes.fromhex(one[1:])) for one in line.split()] for line in sys.stdin if line.strip()]
        print(json.dumps(work(port, each[:clients], seconds, *map(float, sys.argv[4:6]))))
    else:
        lines = [bytes.fromhex(line.strip()) for line in sys.stdin if line.strip()]
        print(json.dumps(run(port, clients, seconds, lines)))
