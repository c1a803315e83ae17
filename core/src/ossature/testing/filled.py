"""Records with a value in every field and entries in every collection, written through the API as a client writes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from ossature.kernel import Kernel
from ossature.records.clean import Wrong, clean_value
from ossature.records.fields import Field, Kind
from ossature.records.query import ACTOR
from ossature.records.types import RecordType
from ossature.testing.people import Person

FULL = 2
"""Records of a kind with everything; one more has only what it must have."""
_ENTRIES = 3
_TEXTS = ("=1+1; \"said\", 'so' é", "+33 \N{EM DASH} below")


class Filled:
    """What one person writes, with everything that it refers to; each kind once."""

    def __init__(self, kernel: Kernel, person: Person) -> None:
        self._kernel, self._person = kernel, person
        self._made: dict[str, list[dict[str, Any]]] = {}
        self._numbers = count(1)
        self.refused: set[tuple[str, str]] = set()
        """Fields that a record's own rules refuse beside the others, by the record's key."""

    def records(self, rt: RecordType) -> list[dict[str, Any]]:
        """Those of a kind, as the API answers them; none while they are on their way."""
        if rt.key not in self._made:
            made = self._made[rt.key] = []
            for number in range(FULL):
                made.append(self._write(rt, self._values(rt, number)))
            made.append(self._write(rt, self._values(rt, FULL, needed=True)))
            self._refer_back(rt)
        return self._made[rt.key]

    # -- writing -------------------------------------------------------------------------------------------------------

    def _write(self, rt: RecordType, values: dict[str, Any]) -> dict[str, Any]:
        """Create one; without what its rules refuse beside the rest, and with what they ask for."""
        path = f"/api/{rt.plugin}/{rt.slug}"
        for _attempt in range(10):
            answer: Any = self._person.api.post(path, json=values)
            if answer.status_code == 201:
                found: dict[str, Any] = answer.json["data"]
                return found
            faults = answer.json["error"]["details"]
            mended = [self._mend(rt, values, one["field"], one["code"]) for one in faults]
            if not any(mended):
                break
        raise AssertionError(f"{path}: {answer.text}")

    def _mend(self, rt: RecordType, values: dict[str, Any], path: str, code: str) -> bool:
        """Do what a fault says, of a field or of a field of an entry; False where there is nothing to do."""
        name, _dot, rest = path.partition(".")
        number, _dot, field = rest.partition(".")
        entries = values.get(name)
        if isinstance(entries, list) and number.isdigit() and int(number) < len(entries):
            return self._mend(rt.parts[name], entries[int(number)], field, code)
        if name in values:
            del values[name]
            self.refused.add((rt.key, name))
            return True
        if name in rt.parts:
            values[name] = self._entries(rt.parts[name], 0, "EUR")
        elif name in rt.fields and code == "required":
            values[name] = self._value(rt.fields[name], 0)
        return name in values

    def _refer_back(self, rt: RecordType) -> None:
        """What is now there is named by those that were written before it."""
        for key, made in self._made.items():
            other = self._kernel.records[key]
            missing = [item for item in other.references() if item.target == rt.key and item.writable]
            for row in made[:FULL]:
                given = {item.name: self._made[rt.key][0]["id"] for item in missing if row.get(item.name) is None}
                given = {name: id for name, id in given.items() if id != row["id"]}
                if not given:
                    continue
                answer: Any = self._person.api.patch(f"/api/{other.plugin}/{other.slug}/{row['id']}", json=given)
                if answer.status_code != 200:
                    self.refused |= {(other.key, name) for name in given}

    # -- values --------------------------------------------------------------------------------------------------------

    def _values(
        self, rt: RecordType, number: int, *, needed: bool = False, currency: str | None = None
    ) -> dict[str, Any]:
        """`currency` is that of the whole record, which is often but one."""
        currency = currency or ("EUR", "USD")[number % 2]
        values: dict[str, Any] = {}
        references = []
        for name, item in rt.fields.items():
            if not item.writable or item.orders or item.secret or (needed and not item.required):
                continue
            if item.kind is Kind.REFERENCE:
                references.append(item)
            elif item.kind is Kind.MONEY:
                values[name] = {"amount": f"{number + 1}234.50", "currency": currency}
            elif (value := self._value(item, number)) is not None:
                values[name] = value
        # The entries of what is named beside them come last: the stage of a pipeline.
        for item in sorted(references, key=lambda one: self._is_part(one)):
            if (id := self._reference(rt, item, number, values)) is not None:
                values[item.name] = id
        if rt.owned and not needed:
            values["owner_id"] = str(self._person.member_id)
        for collection, part in rt.parts.items():
            if not needed:
                values[collection] = self._entries(part, number, currency)
        return values

    def _entries(self, part: RecordType, number: int, currency: str) -> list[dict[str, Any]]:
        return [self._values(part, number + entry, currency=currency) for entry in range(_ENTRIES)]

    def _is_part(self, item: Field) -> bool:
        target = self._kernel.records.get(item.target or "")
        return target is not None and target.parent is not None

    def _reference(self, rt: RecordType, item: Field, number: int, values: dict[str, Any]) -> str | None:
        if item.target == ACTOR:
            return str(self._person.member_id)
        target = self._kernel.records.get(item.target or "")
        if target is None:
            return None
        if target.parent is None:
            made = self.records(target)
            return str(made[number % len(made)]["id"]) if made else None
        owner = self._kernel.records[target.parent]
        beside = next((values[one.name] for one in rt.references() if one.target == owner.key and one.name in values), None)  # fmt: skip
        of = next((row for row in self.records(owner) if row["id"] == beside), None) or next(iter(self.records(owner)), None)  # fmt: skip
        collection = next(name for name, part in owner.parts.items() if part.key == target.key)
        return str(of[collection][0]["id"]) if of and of[collection] else None

    def _value(self, item: Field, number: int) -> Any:
        match item.kind:
            case Kind.TEXT | Kind.LONG_TEXT:
                return self._text(item, number)
            case Kind.EMAIL:
                return f"contract{next(self._numbers)}@example.com"
            case Kind.PHONE:
                return f"+331{next(self._numbers):08}"
            case Kind.URL:
                return f"https://example.com/?contract={next(self._numbers)}"
            case Kind.INTEGER:
                return min(int(item.minimum or 0) + number + 1, int(item.maximum or 2**31))  # type: ignore[arg-type]
            case Kind.DECIMAL:
                step = Decimal(number + 1) + Decimal(1).scaleb(-item.places)
                return str(min(Decimal(str(item.minimum or 0)) + step, Decimal(str(item.maximum or 1000))))
            case Kind.BOOLEAN:
                return number % 2 == 1
            case Kind.DATE:
                return (date(2026, 3, 1) + timedelta(days=number)).isoformat()
            case Kind.DATETIME:
                return f"2026-03-0{number + 1}T10:30:0{number}Z"
            case Kind.CHOICE:
                return list(item.choices)[number % len(item.choices)]
            case Kind.TAGS:
                return ["Contract", f"Number {number}"]
        return None

    def _text(self, item: Field, number: int) -> str | None:
        """A text that the field takes; the same twice where nothing else is."""
        for text in self._texts(item, number):
            try:
                if clean_value(item, text) is not None:
                    return text
            except Wrong:
                continue
        return None

    def _texts(self, item: Field, number: int) -> Iterator[str]:
        if item.rule is None:
            lines = "\nand below" if item.kind is Kind.LONG_TEXT else ""
            text = f"{_TEXTS[number % 2]} {next(self._numbers)}{lines}"
            yield text[-(item.max_length or 200) :].strip()
            return
        if not item.unique:
            yield from ("FR", "DE")[number % 2 :]
            yield "Europe/Paris"
        start = next(self._numbers) * 1000
        for digits in (f"{start + n:09}" for n in range(1000)):
            yield digits
            yield from (f"{digits}{place:05}" for place in range(10))
            yield f"FR{(12 + 3 * (int(digits) % 97)) % 97:02}{digits}"
        yield f"Contract {next(self._numbers)}"


def wipe(connection: Any, rt: RecordType, tenant_id: UUID) -> None:
    """Take all records of a kind out of the database, as if they had never been there; `connection` is an administrator's."""
    from psycopg import sql

    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for one in (rt, *rt.parts.values()):
            table = sql.SQL("DELETE FROM {} WHERE tenant_id = %s").format(sql.Identifier(one.plugin, one.name))
            connection.execute(table, [tenant_id])
        for table_name in ("external_id", "tagging"):
            beside = sql.SQL("DELETE FROM {} WHERE tenant_id = %s AND record = %s")
            connection.execute(beside.format(sql.Identifier("ossature", table_name)), [tenant_id, rt.key])
