"""Addresses of a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from flask import url_for

from ossature.records.saved import Look
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint


class ListAddress:
    """Addresses of a list: `to(sort="-name")` keeps everything else of its look, `to([("part", "count")])` adds to it."""

    def __init__(self, rt: RecordType, look: Look, deleted: bool = False) -> None:
        self.url = url_for(page_endpoint(rt, "list"))
        self.look = look
        self.binned = {"deleted": "true"} if deleted else {}
        self.state = {**look.arguments(), **self.binned}
        """What a form of the list has to keep."""

    def __call__(self, more: Iterable[tuple[str, str]] = (), **elements: Any) -> str:
        kept = {**self.look.arguments(**elements), **self.binned} if elements else self.state
        arguments = [*kept.items(), *more]
        return f"{self.url}?{urlencode(arguments)}" if arguments else self.url
