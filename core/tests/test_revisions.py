"""A declaration that changes becomes a migration that leads there, and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection
from sqlalchemy.orm import Mapped

from ossature.config import Config
from ossature.context import Context, use_context
from ossature.db import Database
from ossature.db.migrate import ensure_schema, migration_options
from ossature.db.operations import create_record_table, fk
from ossature.db.tenancy import Base
from ossature.records import Record, choice, day, decimal, derived, describe, integer, reference, secret, text
from ossature.revisions.alteration import altered
from ossature.revisions.declaration import declared_table

pytestmark = [
    pytest.mark.database,
    pytest.mark.filterwarnings("ignore:This declarative base already contains"),  # the same class, declared anew
]


@pytest.fixture
def connection(ossature_config: Config, app: object) -> Iterator[Connection]:
    """A connection as owner whose changes are undone; `app` so that the kernel's tables are there."""
    database = Database(ossature_config)
    with use_context(Context(means="command")), database.owner.connect() as found:
        ensure_schema(found, ossature_config, "attic")
        yield found
        found.rollback()
    database.dispose()


@pytest.fixture(autouse=True)
def no_box_left() -> Iterator[None]:
    yield
    for name in ("attic.box",):
        if name in Base.metadata.tables:
            Base.metadata.remove(Base.metadata.tables[name])


def first() -> type[Record]:
    class Box(Record):
        __key__ = "attic.box"

        name: Mapped[str] = text("Name", sort=True, search=True)
        kind: Mapped[str] = choice("Kind", {"old": "Old", "new": "New"}, default="new")
        weight: Mapped[int | None] = integer("Weight", minimum=0)
        note: Mapped[str | None] = text("Note", max_length=50)

    return Box


def second() -> type[Record]:
    Base.metadata.remove(Base.metadata.tables["attic.box"])

    class Box(Record):
        __key__ = "attic.box"

        name: Mapped[str] = text("Name", sort=True, search=True, unique=True)
        kind: Mapped[str] = choice("Kind", {"old": "Old", "new": "New", "lost": "Lost"}, default="new")
        weight: Mapped[Decimal | None] = decimal("Weight", places=2)
        place: Mapped[str | None] = text("Place", max_length=40, search=True)
        code: Mapped[str | None] = secret("Code")
        score: Mapped[int | None] = integer("Score", tracked=False)
        found_on: Mapped[date | None] = day("Found on", sort=True)
        full: Mapped[str | None] = derived("Full", "name || coalesce(place, '')", sort=True)
        inside_id: Mapped[UUID | None] = reference("attic.box", "Inside")

    return Box


def run(operations: Operations, statement: str) -> None:
    exec(statement, {"op": operations, "sa": sa, "fk": fk})


def columns(connection: Connection) -> dict[str, Any]:
    return {column["name"]: str(column["type"]) for column in sa.inspect(connection).get_columns("box", "attic")}


@pytest.mark.req("S0-13", "S3-121", "S4-114")
def test_every_change_of_a_declaration_is_led_to_and_back(connection: Connection, ossature_config: Config) -> None:
    operations = Operations(
        MigrationContext.configure(connection, opts=migration_options(ossature_config, "attic", connection))
    )
    before = describe(first())
    create_record_table(operations, declared_table(before))
    assert altered(ossature_config, connection, before) == []
    at_first = columns(connection)

    after = describe(second())
    steps = altered(ossature_config, connection, after)
    for step in steps:
        run(operations, step.up)
    assert altered(ossature_config, connection, after) == []
    assert {"place", "code", "score", "full", "full_fold", "found_on_sort", "inside_id"} <= columns(connection).keys()

    for step in reversed(steps):
        run(operations, step.down)
    assert columns(connection) == at_first
    connection.execute(sa.text("INSERT INTO ossature.tenant (id, slug, name) VALUES (:id, 'attic', 'Attic')"), TENANT)
    connection.execute(sa.text("SELECT set_config('ossature.tenant', :text, true)"), {"text": str(TENANT["id"])})
    connection.execute(sa.text("INSERT INTO attic.box (id, name, note) VALUES (gen_random_uuid(), 'Élan', 'x')"))
    terms = '[{"starts": ["elan"], "parts": ["elan"], "words": []}]'
    search = sa.text("SELECT cardinality(words) FROM ossature.search('attic.box', :terms, '{}', '{}', 10, false)")
    assert connection.execute(search, {"terms": terms}).scalar_one() == 1


@pytest.mark.req("S3-122")
def test_a_secret_added_later_never_enters_the_history(connection: Connection, ossature_config: Config) -> None:
    operations = Operations(
        MigrationContext.configure(connection, opts=migration_options(ossature_config, "attic", connection))
    )
    create_record_table(operations, declared_table(describe(first())))
    for step in altered(ossature_config, connection, describe(second())):
        run(operations, step.up)
    connection.execute(sa.text("INSERT INTO ossature.tenant (id, slug, name) VALUES (:id, 'attic', 'Attic')"), TENANT)
    connection.execute(sa.text("SELECT set_config('ossature.tenant', :text, true)"), {"text": str(TENANT["id"])})
    connection.execute(
        sa.text("INSERT INTO attic.box (id, name, code, score) VALUES (gen_random_uuid(), 'Box', 'k1:sealed', 7)")
    )
    connection.execute(sa.text("UPDATE attic.box SET score = 8, code = 'k1:other'"))
    rows = connection.execute(sa.text("SELECT payload FROM ossature.change WHERE record = 'attic.box'")).scalars().all()
    assert len(rows) == 1
    assert not {"code", "score", "name_fold", "search_text"} & rows[0].keys()
    assert connection.execute(sa.text("SELECT version FROM attic.box")).scalar() == 1


TENANT = {"id": UUID("01890000-0000-7000-8000-00000000a771")}
