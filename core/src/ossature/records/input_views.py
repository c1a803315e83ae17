"""Inputs of forms as templates show them: what is in them, what may be chosen, how conditions leave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from flask import url_for

from ossature.context import current
from ossature.db.types import Money
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records.clean import CURRENCIES
from ossature.records.conditions import FieldState
from ossature.records.fields import Field, Kind
from ossature.records.forms import DeclaredField, written_number
from ossature.records.query import ACTOR, Label
from ossature.records.referred import asked_of
from ossature.records.rules import folded, shown_phone_number
from ossature.records.spelling import tones_of
from ossature.records.types import RecordType
from ossature.web import models
from ossature.web.models import Choice, FormField

_, _l, _n = translator("ossature")

KINDS: dict[Kind, models.FieldKind] = {
    Kind.TEXT: "text", Kind.LONG_TEXT: "longtext", Kind.EMAIL: "email", Kind.PHONE: "phone", Kind.URL: "url",
    Kind.SECRET: "password", Kind.INTEGER: "integer", Kind.DECIMAL: "decimal", Kind.MONEY: "money",
    Kind.BOOLEAN: "boolean", Kind.DATE: "date", Kind.DATETIME: "datetime", Kind.CHOICE: "choice",
    Kind.REFERENCE: "reference", Kind.TAGS: "tags",
}  # fmt: skip
SHORT = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.MONEY, Kind.DATE, Kind.DATETIME, Kind.CHOICE, Kind.EMAIL,
                   Kind.PHONE, Kind.URL, Kind.REFERENCE})  # fmt: skip
FIRST_CURRENCIES = ("EUR", "USD", "GBP", "CHF")


def input_view(
    rt: RecordType, field: DeclaredField, name: str, item: Field, errors: Sequence[str], shown: Mapping[UUID, Label]
) -> FormField:
    """One input with what to show in it: the text as typed, else the stored value."""
    value: Any = field.typed if field.typed is not None else field.data
    currency = None
    if item.kind is Kind.MONEY:
        money = field.data if isinstance(field.data, Money) else None
        currency = field.typed_currency or (money.currency if money else FIRST_CURRENCIES[0])
        value = field.typed if field.typed is not None else (written_number(money.amount, whole=True) if money else "")
    elif isinstance(value, Decimal):
        value = written_number(value)
    elif item.kind is Kind.BOOLEAN:
        value = bool(field.data)
    elif item.kind is Kind.PHONE and field.typed is None and value:
        value = shown_phone_number(value)
    elif item.kind is Kind.SECRET:
        value = ""
    elif item.kind is Kind.TAGS and field.typed is None:
        value = ", ".join(value or ())
    elif item.kind is Kind.DATETIME and isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(current().time_zone)).replace(tzinfo=None)
    label = shown.get(field.data) if item.kind is Kind.REFERENCE and isinstance(field.data, UUID) else None
    return FormField(
        name=name, label=str(item.label), kind=KINDS[item.kind], value=value, required=item.required or (item.default is not None and item.kind is not Kind.TAGS),
        help=str(item.help) or None, errors=tuple(errors),
        choices=_choices(item), unit=item.unit or None,
        currency=currency,
        currencies=(*FIRST_CURRENCIES, *sorted(CURRENCIES - set(FIRST_CURRENCIES))) if item.kind is Kind.MONEY else (),
        max_length=item.max_length, tones=_tones(value) if item.kind is Kind.TAGS else "", options_url=_offers(rt, item),
        create_url=create_url(item) if item.kind is Kind.REFERENCE else None,
        selected_label=_("Restricted") if label and label.hidden else (label.title if label else None),
        short=item.kind in SHORT or (item.kind is Kind.TEXT and (item.max_length or 999) <= 120),
    )  # fmt: skip


def _tones(text: str) -> str:
    names = [name for one in text.split(",") if (name := one.strip())]
    coloured = {name: tone for name, tone in zip(names, tones_of(names), strict=False) if tone != "neutral"}
    return orjson.dumps(coloured).decode() if coloured else ""


def _choices(item: Field) -> tuple[Choice, ...]:
    """In the declared order; long lists by their words."""
    found = [Choice(key, str(text)) for key, text in item.choices.items()]
    return tuple(sorted(found, key=lambda one: folded(one.label)) if len(found) > 30 else found)


def _offers(rt: RecordType, item: Field) -> str | None:
    if item.kind is Kind.TAGS:
        return url_for(f"{rt.plugin}_records_api.{rt.name}_tags")
    return options_url(item, asked_of(rt, item.name)) if item.kind is Kind.REFERENCE else None


def options_url(item: Field, tell: Sequence[str] = ()) -> str | None:
    """Where a picker searches; `tell` are fields that it answers with each option."""
    if item.target == ACTOR:
        return url_for("ossature_actors_api.options")
    target = kernel().records.get(item.target or "")
    return (
        url_for(f"{target.plugin}_records_api.{target.name}_options", tell=",".join(tell) or None) if target else None
    )


def create_url(item: Field) -> str | None:
    """Where what the picker does not find is created, None for those who may not."""
    target = kernel().records.get(item.target or "")
    if target is None or target.parent or not current().access.allows(target.permission("create")):
        return None
    return url_for(f"{target.plugin}_records.{target.name}_new")


def in_state(field: FormField, state: FieldState | None) -> FormField:
    """An input as conditions leave it now; the page follows them from there."""
    if state is None:
        return field
    return replace(
        field, required=field.required or state.required, read_only=state.locked, off=not state.shown,
        conditional=not field.required,
    )  # fmt: skip


def as_json(found: list[dict[str, Any]]) -> str:
    return orjson.dumps(found).decode() if found else ""
