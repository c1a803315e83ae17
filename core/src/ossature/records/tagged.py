"""Which rows carry which tags, asked of a narrow table with an index: operators of arrays are not leakproof, so that
under row-level security no index on the column itself would be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, not_, select

from ossature.context import current
from ossature.db.kernel import tagging
from ossature.i18n.texts import translator
from ossature.records.fields import LONGEST_TAG, NO_TAGS
from ossature.records.filter_values import Unsuitable, several, text_of
from ossature.records.rules import folded
from ossature.records.types import RecordType

_, _l, _n = translator("ossature")


def tagged(rt: RecordType, op: str, value: Any) -> ColumnElement[bool]:
    """The rows that carry a tag (`is`), one of several (`in`), each of them (`all`), or do not carry one (`not`).

    Blind to case and accents, as tags are. Raises `Unsuitable`.
    """
    if op in ("empty", "filled"):
        none: ColumnElement[bool] = rt.c.tags == sa.literal_column(NO_TAGS)
        return none if op == "empty" else _carry(rt)
    asked = sorted({_asked(one) for one in (several(value) if op in ("in", "all") else [value])})
    if op == "all":
        return and_(*(_carry(rt, [one]) for one in asked))
    return not_(_carry(rt, asked)) if op == "not" else _carry(rt, asked)


def _carry(rt: RecordType, folds: Sequence[str] = ()) -> ColumnElement[bool]:
    there = tagging.alias()
    found = select(there.c.record_id).where(there.c.tenant_id == current().tenant_id, there.c.record == rt.key)
    if folds:
        found = found.where(there.c.fold == folds[0] if len(folds) == 1 else there.c.fold.in_(folds))
    carried: ColumnElement[bool] = rt.c.id.in_(found)
    return carried


def _asked(value: Any) -> str:
    found = folded(" ".join(text_of(value).split()))
    if not found:
        raise Unsuitable(_("Give a text with at least one letter or sign."))
    return found[: 4 * LONGEST_TAG]
