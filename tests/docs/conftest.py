"""Reading the documentation: its code blocks, and the exchanges with the API that it shows.

A paragraph that is nothing but `a/path`: names the file that the block below it shows. A block ```http that begins
with a verb is a request, one that begins with HTTP/ the answer to the request above it. In answers `…` stands for
anything, and a value such as "{contact}" is remembered: later requests may say {contact}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"(?:^|\n)`([\w./-]+)`:\n\n$")
_NAME = re.compile(r"\{([a-z_]+)\}")

Send = Callable[[str, str, dict[str, str], str], tuple[int, dict[str, str], str]]


@dataclass(frozen=True)
class Block:
    """A code block; `file` is the path that the line above names, `line` where it stands in the page."""

    page: str
    line: int
    language: str
    text: str
    file: str | None

    @property
    def place(self) -> str:
        return f"docs/{self.page}:{self.line}"


@dataclass(frozen=True)
class Message:
    """A request or an answer as the page shows it."""

    first: str
    headers: dict[str, str]
    body: str


def blocks(page: str, language: str | None = None) -> list[Block]:
    text = (DOCS / page).read_text("utf-8")
    found = []
    for match in _FENCE.finditer(text):
        named = _NAMED.search(text[: match.start()])
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, match[1], match[2], named[1] if named else None))
    return [block for block in found if language in (None, block.language)]


def pages() -> list[str]:
    return sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def message(block: Block) -> Message:
    head, _, body = block.text.partition("\n\n")
    first, *rest = head.strip().splitlines()
    return Message(first, dict(line.split(": ", 1) for line in rest), body.strip())


def converse(page: str, send: Send, known: dict[str, str] | None = None) -> int:
    """Send every request of a page and compare what comes back with what it shows; how many there were."""
    known = {} if known is None else known
    waiting = iter(blocks(page, "http"))
    number = 0
    for asked in waiting:
        answered = next(waiting, None)
        assert answered is not None, f"{asked.place}: no answer is shown"
        request, wanted = message(asked), message(answered)
        verb, _, path = request.first.partition(" ")
        body = _filled(request.body, known)
        headers = {"Accept-Language": "en"} | {name: _filled(value, known) for name, value in request.headers.items()}
        status, got_headers, got = send(verb, _filled(path, known), headers, body)
        place = f"{asked.place} {request.first}"
        assert wanted.first.split()[1] == str(status), f"{place}: answered {status}\n{got}"
        for name, value in wanted.headers.items():
            assert name in got_headers, f"{place}: no header {name}"
            for fault in _differences(value, got_headers[name], known, name):
                raise AssertionError(f"{place}: {fault}")
        if wanted.body:
            faults = list(_differences(json.loads(wanted.body), json.loads(got), known, ""))
            assert not faults, f"{place}:\n" + "\n".join(faults) + f"\n{got}"
        number += 1
    return number


def _filled(text: str, known: dict[str, str]) -> str:
    return _NAME.sub(lambda match: known.get(match[1], match[0]), text)


def _differences(shown: Any, got: Any, known: dict[str, str], where: str) -> Iterator[str]:
    if shown == "…":
        return
    if isinstance(shown, str) and isinstance(got, str):
        yield from _text(shown, got, known, where)
    elif isinstance(shown, dict) and isinstance(got, dict):
        open_ended = "…" in shown
        for name in shown.keys() - {"…"}:
            if name not in got:
                yield f"{where}.{name} is not there"
            else:
                yield from _differences(shown[name], got[name], known, f"{where}.{name}")
        if not open_ended and (more := got.keys() - shown.keys()):
            yield f"{where or 'the answer'} also has {', '.join(sorted(more))}"
    elif isinstance(shown, list) and isinstance(got, list):
        shorter = [item for item in shown if item != "…"]
        if len(shorter) != len(got) and len(shorter) == len(shown):
            yield f"{where} has {len(got)} entries, {len(shown)} are shown"
        for number, (one, other) in enumerate(zip(shorter, got, strict=False)):
            yield from _differences(one, other, known, f"{where}.{number}")
    elif shown != got or type(shown) is not type(got):
        yield f"{where} is {got!r}, not {shown!r}"


def _text(shown: str, got: str, known: dict[str, str], where: str) -> Iterator[str]:
    """Texts are equal but for `…`; a name in braces is remembered, or compared with what it was before."""
    pattern, names = "", []
    for piece in re.split(r"(…|\{[a-z_]+\})", shown):
        if piece == "…":
            pattern += ".*"
        elif piece.startswith("{") and piece[1:-1] in known:
            pattern += re.escape(known[piece[1:-1]])
        elif piece.startswith("{"):
            names.append(piece[1:-1])
            pattern += "(.+)"
        else:
            pattern += re.escape(piece)
    match = re.fullmatch(pattern, got, re.DOTALL)
    if match is None:
        yield f"{where} is {got!r}, not {shown!r}"
    else:
        known.update(zip(names, match.groups(), strict=True))


class Docs:
    """What the tests ask of the documentation."""

    folder = DOCS
    root = ROOT
    blocks = staticmethod(blocks)
    pages = staticmethod(pages)
    converse = staticmethod(converse)


@pytest.fixture
def docs() -> Docs:
    return Docs()
