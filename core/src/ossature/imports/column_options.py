"""What else may be said of a column, by the kind of what it goes to: how a reference is named, how numbers are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from ossature.i18n.texts import translator
from ossature.imports.mapping import BY_EXTERNAL, Column, Target
from ossature.imports.runs import Import
from ossature.imports.step_views import date_choices, decimal_choices
from ossature.records.external_ids import sources_of
from ossature.web.import_models import Pick
from ossature.web.models import Choice

_, _l, _n = translator("ossature")

_ONE_OF = {
    "missing": ("refuse", "create", "empty"), "others": ("keep", "refuse", "empty"), "empty": ("keep", "clear"),
    "decimal": (".", ","), "dates": ("dmy", "mdy", "ymd"),
}  # fmt: skip
MOST_MAPPED = 2000


def read_options(posted: MultiDict[str, str], position: int) -> dict[str, Any]:
    """What was said of the column at a position, as the mapping takes it."""
    at = f"c{position}-"
    found: dict[str, Any] = {
        name: value for name, known in _ONE_OF.items() if (value := posted.get(at + name, "")) in known
    }
    source = posted.get(at + "source", "").strip()[:60]
    by = posted.get(at + "by", "")[:40]
    found["by"] = f"{BY_EXTERNAL}{source}" if by == BY_EXTERNAL else by
    found["source"] = "" if by == BY_EXTERNAL else source
    found["currency"] = posted.get(at + "currency", "").strip().upper()[:3]
    pairs = zip(posted.getlist(at + "from"), posted.getlist(at + "into"), strict=False)
    found["values"] = {value: into for value, into in list(pairs)[:MOST_MAPPED] if into.strip()}
    return found


def option_errors(errors: Mapping[str, str]) -> dict[str, str]:
    """Faults by the option they stand beside."""
    return {name: message for name, message in errors.items() if name != "to"}


def options_of(
    imp: Import, column: Column, position: int, target: Target, mode: str, errors: Mapping[str, str]
) -> tuple[tuple[Pick, ...], str]:
    """The options of a column, and in a few words what is chosen."""
    picks = tuple(_options(imp, column, f"c{position}-", target, mode, errors))
    return picks, ", ".join(_words(column, target)) or _("Options")


def _options(
    imp: Import, column: Column, at: str, target: Target, mode: str, errors: Mapping[str, str]
) -> Iterable[Pick]:
    kind = target.kind
    if target.by:
        by = BY_EXTERNAL if column.by.startswith(BY_EXTERNAL) else column.by
        yield Pick(at + "by", _("Named by"), by or target.by[0][0], _pairs(target.by), error=errors.get("by", ""))
        if by == BY_EXTERNAL:
            yield Pick(at + "source", _("Of which system"), column.by.removeprefix(BY_EXTERNAL),
                       hints=tuple(sources_of(imp.rt)))  # fmt: skip
        missing = [("refuse", _("the row cannot go in")), ("empty", _("it is left empty"))]
        if target.creates:
            missing.insert(1, ("create", _("it is created")))
        yield Pick(
            at + "missing", _("Where it is not here"), column.missing, _pairs(missing), error=errors.get("missing", "")
        )
    if kind == "external":
        yield Pick(at + "source", _("Of which system"), column.source, help=_("Such as Salesforce or the name of your old software."),
                   error=errors.get("source", ""), hints=tuple(sources_of(imp.rt)))  # fmt: skip
    if kind == "money":
        yield Pick(at + "currency", _("Currency"), column.currency, help=_("Where the cell does not name it, such as EUR."),
                   error=errors.get("currency", ""))  # fmt: skip
    if kind in ("money", "integer", "decimal"):
        yield Pick(at + "decimal", _("Numbers are written like"), column.decimal or "", _as_file(decimal_choices()))
    if kind in ("date", "datetime"):
        yield Pick(at + "dates", _("Dates are written like"), column.dates or "", _as_file(date_choices()))
    if mode != "create" and not target.required and kind not in ("external", "id"):
        yield Pick(at + "empty", _("An empty cell"), column.empty,
                   _pairs([("keep", _("leaves what is there")), ("clear", _("empties the field"))]))  # fmt: skip


def _words(column: Column, target: Target) -> Iterable[str]:
    if target.by:
        by = BY_EXTERNAL if column.by.startswith(BY_EXTERNAL) else column.by or target.by[0][0]
        yield _("by %(field)s", field=dict(target.by).get(by, by).lower())
        told = {"refuse": _("unknown ones cannot go in"), "create": _("unknown ones are created"),
                "empty": _("unknown ones are left empty")}  # fmt: skip
        yield told[column.missing]
    if target.kind == "external" and column.source:
        yield column.source
    if target.kind == "money" and column.currency:
        yield column.currency
    if column.values:
        yield _n("%(num)d value is replaced", "%(num)d values are replaced", len(column.values))


def _pairs(pairs: Iterable[tuple[str, str]]) -> tuple[Choice, ...]:
    return tuple(Choice(value, label) for value, label in pairs)


def _as_file(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    return (Choice("", _("as in the rest of the file")), *choices)
