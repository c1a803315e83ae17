"""For tests of reading files: files made on the spot, read as a reader of a language does, within limits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import xlsxwriter

from ossature import kernel as kernels
from ossature.config import Config
from ossature.context import Context, use_context
from ossature.imports.cells import Cell
from ossature.imports.notation import Said
from ossature.imports.reading import Look, look, rows

Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`limits(import_max_rows=10)`: what the installation allows, for this test; what it is unless set otherwise."""

    def use(**settings: Any) -> None:
        config = Config(secret_key="reading " + random.Random(1).randbytes(16).hex(), **settings)
        monkeypatch.setattr(kernels, "_process_kernel", SimpleNamespace(config=config))

    use()
    with use_context(Context(locale="en")):
        yield use


@pytest.fixture
def text_file(tmp_path: Path) -> Make:
    """`text_file("a,b\\n1,2\\n", "cp1252")`"""

    def make(content: str | bytes, encoding: str = "utf-8", name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return make


@pytest.fixture
def workbook(tmp_path: Path) -> Make:
    """`workbook(fill)`: `fill(book, sheet)` writes into the first sheet."""

    def make(fill: Callable[[Any, Any], None], name: str = "people.xlsx", **options: Any) -> Path:
        path = tmp_path / name
        book = xlsxwriter.Workbook(path, options)
        fill(book, book.add_worksheet("People"))
        book.close()
        return path

    return make


@pytest.fixture
def read() -> Callable[..., tuple[Look, list[list[Cell]]]]:
    """`read(path, locale="fr", encoding="cp1252")`: what a file looks like and the cells of all its rows."""

    def reading(path: Path, locale: str = "en", **said: Any) -> tuple[Look, list[list[Cell]]]:
        with use_context(Context(locale=locale)):
            seen = look(path, path.name, Said(**said))
            return seen, [row.cells for row in rows(path, seen.notation)]

    return reading
