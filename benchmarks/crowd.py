"""Many clients at once, from a process of their own: `python crowd.py PORT CLIENTS SECONDS < requests`.

Each line of standard input is a request in hexadecimal; clients take them in turn and keep asking the same. One thread
and epoll: the clients take as little as they can of the processors that the server needs.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

from wire import length_of


@dataclass
class Client:
    wire: socket.socket
    request: bytes
    sent_at: float = 0.0
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


if __name__ == "__main__":
    lines = [bytes.fromhex(line.strip()) for line in sys.stdin if line.strip()]
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), lines)))
