"""For tests of the records machinery: one owner and the collections of `_kinds` as they are spoken to over HTTP."""

from __future__ import annotations

import pytest

from ossature.testing.people import Person
from ossature.testing.record_api import RecordApi


@pytest.fixture
def samples(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/_kinds/samples", {"name": "Quartz"})


@pytest.fixture
def shelves(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/_kinds/shelves", {"name": "Top"})
