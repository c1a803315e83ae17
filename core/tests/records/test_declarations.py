"""A declaration that cannot work is refused with the record, the field and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy.orm import Mapped

from ossature.db.tenancy import Base
from ossature.records import DeclarationError, Part, Record, describe, integer, part_of, reference, secret, text

pytestmark = pytest.mark.filterwarnings("ignore:This declarative base already contains")


def no_key() -> type[Record]:
    class Odd(Record):
        __key__ = "odd"
        name: Mapped[str] = text("Name")

    return Odd


def reserved() -> type[Record]:
    class Odd(Record):
        __key__ = "odd.reserved"
        version: Mapped[int] = integer("Version")

    return Odd


def unnamed_reference() -> type[Record]:
    class Odd(Record):
        __key__ = "odd.reference"
        owner: Mapped[UUID | None] = reference("odd.other", "Owner")

    return Odd


def searched_behind_a_permission() -> type[Record]:
    class Odd(Record):
        __key__ = "odd.searched"
        name: Mapped[str | None] = text("Name", search=True, view="odd.searched.see")

    return Odd


def required_behind_a_permission() -> type[Record]:
    class Odd(Record):
        __key__ = "odd.required"
        name: Mapped[str] = text("Name", view="odd.required.see")

    return Odd


def secret_part() -> type[Part]:
    class OddPart(Part):
        __key__ = "odd.part"
        odd_id: Mapped[UUID] = part_of("odd.whole", "parts")
        code: Mapped[str | None] = secret("Code")

    return OddPart


@pytest.mark.parametrize(
    ("declare", "says"),
    [
        (no_key, "__key__ is spelled `plugin.record`"),
        (reserved, "the kernel has a column 'version' of its own"),
        (unnamed_reference, "named after what it points to plus `_id`"),
        (searched_behind_a_permission, "cannot be searched, sorted or unique"),
        (required_behind_a_permission, "cannot be required"),
        (secret_part, "a part cannot hold a secret"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(declare: Callable[[], type[Record] | type[Part]], says: str) -> None:
    try:
        with pytest.raises(DeclarationError, match=says):
            describe(declare())
    finally:
        for name in [name for name in Base.metadata.tables if name.startswith("odd.")]:
            Base.metadata.remove(Base.metadata.tables[name])
