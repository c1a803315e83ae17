"""The client that writes while things are killed, and keeps its own list of what was answered."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

from torture.deployment import Deployment

STONES = "/api/_torture/stones"


@dataclass(frozen=True, slots=True)
class Answered:
    """A write that was answered 2xx: what it was, and the ids and version that were told."""

    kind: Literal["create", "change", "throw"]
    number: int
    id: str
    version: int = 0
    job: str = ""
    event: str = ""


class Writer(threading.Thread):
    """Writes while `writing` is set: creates and changes of the same few records, and now and then a throw."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(name="writer", daemon=True)
        self.writing, self.idle, self.over = threading.Event(), threading.Event(), threading.Event()
        self.answered: list[Answered] = []
        self.refused: list[str] = []
        self.unknown = 0
        self._deployment = deployment
        self._number = 0
        self._stones: list[str] = []
        self._wire: http.client.HTTPConnection | None = None

    def run(self) -> None:
        while not self.over.is_set():
            if not self.writing.is_set():
                self.idle.set()
                self.writing.wait(0.1)
                continue
            self.idle.clear()
            self._number += 1
            try:
                self._write(self._number)
            except (OSError, http.client.HTTPException):
                self.unknown += 1  # it may have been written or not
                self._hang_up()
                time.sleep(0.05)
        self._hang_up()

    def pause(self) -> None:
        self.writing.clear()
        self.idle.wait()

    def forget(self) -> None:
        self.answered, self.refused, self.unknown = [], [], 0

    def _write(self, number: int) -> None:
        turn = number % 8
        if turn == 1 or not self._stones:
            status, data = self._ask("POST", STONES, {"name": f"Stone {number}", "number": number})
            if status == 201:
                self._stones = [*self._stones[-3:], data["id"]]
                self.answered.append(Answered("create", number, data["id"], data["version"]))
        elif turn == 5:
            stone = self._stones[0]
            status, data = self._ask("POST", "/api/_torture/throws", {"stone": stone, "number": number, "seconds": 0.4})
            if status == 201:
                self.answered.append(Answered("throw", number, stone, job=data["job"], event=data["event"]))
        else:
            stone = self._stones[number % len(self._stones)]
            status, data = self._ask("PATCH", f"{STONES}/{stone}", {"number": number})
            if status == 200:
                self.answered.append(Answered("change", number, stone, data["version"]))
        if not 200 <= status < 300:
            if status != 503:  # while PostgreSQL is away
                self.refused.append(f"{status} {data!r}")
            time.sleep(0.05)

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> Any:
        if self._wire is None:
            self._wire = http.client.HTTPConnection("127.0.0.1", self._deployment.port, timeout=15)
        return self._deployment.ask(method, path, body, self._wire)

    def _hang_up(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
