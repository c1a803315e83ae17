"""Where the columns of a file go, as a form: from the mapping to what the page shows, and back from what was posted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import url_for
from werkzeug.datastructures import MultiDict

from ossature.errors import Detail, Invalid
from ossature.i18n.texts import translator
from ossature.imports.column_options import option_errors, options_of, read_options
from ossature.imports.column_values import values_of_column
from ossature.imports.mapping import EXTERNAL, ID, Column, Mapping, Mode, Target, check_mapping, place_of, targets
from ossature.imports.presets import presets
from ossature.imports.results import rows
from ossature.imports.rights import may_be
from ossature.imports.runs import Import
from ossature.imports.step_views import head_of, row_words
from ossature.records.clean import whole_number
from ossature.records.rules import folded
from ossature.records.views import page_endpoint
from ossature.web.import_models import (
    ColumnForm,
    ColumnsForm,
    DefaultLine,
    Pick,
    PresetLine,
    TargetGroup,
    ValueLine,
    ValueMap,
)
from ossature.web.models import Choice

_, _l, _n = translator("ossature")

SAMPLES, LONGEST_SAMPLE, SAMPLED_ROWS = 3, 60, 20
MOST_KEYS, MOST_VALUES = 3, 200
TELLS_NOTHING = ("money", "currency", "tags", "long_text", "collection")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form is shown for: the mapping as it is or was typed, its faults, what is unfolded."""

    mapping: Mapping
    faults: Sequence[Detail] = ()
    open: frozenset[int] = frozenset()
    loaded: frozenset[int] = frozenset()
    blank: int = 1
    """How many empty lines there are to give a default in."""


def read_form(imp: Import, posted: MultiDict[str, str]) -> Mapping:
    """The mapping that was posted; what is no number or not offered is passed over."""
    columns = []
    seen: set[int] = set()
    for position, (place, to) in enumerate(zip(posted.getlist("c-index"), posted.getlist("c-to"), strict=False)):
        index = whole_number(place, len(imp.headers) - 1)
        if index is None:
            continue
        seen.add(index)
        target = to[:200] or None
        columns.append(Column(index=index, header=imp.headers[index], to=target, **read_options(posted, position)))
    columns += [Column(index=n, header=name) for n, name in enumerate(imp.headers) if n not in seen]
    defaults = {to: value for to, value in zip(posted.getlist("d-to"), posted.getlist("d-value"), strict=False) if to}
    mode = posted.get("mode", "")
    key = [one for one in dict.fromkeys(posted.getlist("key")) if one] if mode != "create" else []
    return Mapping.model_validate(
        {
            "columns": columns, "defaults": defaults, "key": key[:MOST_KEYS],
            "mode": mode if mode in ("create", "update", "both") else imp.mapping.mode,
            "policy": "all" if posted.get("policy") == "all" else "good",
        }
    )  # fmt: skip


def asked_of(
    posted: MultiDict[str, str], mapping: Mapping, faults: Sequence[Detail] = (), places: Sequence[int | None] = ()
) -> Asked:
    """The form as it was, with the faults of what was posted. `places` are those that the columns had in it, None for a
    column that has come in between, where they are not where they were."""
    places = places or range(len(mapping.columns))

    def said(what: str) -> frozenset[int]:
        return frozenset(n for n, place in enumerate(places) if place is not None and posted.get(f"c{place}-{what}"))

    return Asked(mapping, faults, said("open"), said("loaded"))


def faults_of(imp: Import, mapping: Mapping) -> Sequence[Detail]:
    """What is wrong with a mapping, for now."""
    try:
        check_mapping(imp.rt, mapping, len(imp.headers))
    except Invalid as invalid:
        return invalid.details
    return ()


def once_more(mapping: Mapping, position: int) -> Mapping:
    """The same with a column used for a second time."""
    columns = list(mapping.columns)
    column = columns[position]
    columns.insert(position + 1, Column(index=column.index, header=column.header))
    return mapping.model_copy(update={"columns": columns})


def without(mapping: Mapping, position: int) -> Mapping:
    columns = [column for number, column in enumerate(mapping.columns) if number != position]
    return mapping.model_copy(update={"columns": columns})


def fitted(mapping: Mapping, headers: Sequence[str]) -> Mapping:
    """A mapping that was made for another file, for one with these columns: they are known by their names."""
    places = {folded(header): index for index, header in enumerate(headers)}
    columns = [
        column.model_copy(update={"index": places[name], "header": headers[places[name]]})
        for column in mapping.columns
        if (name := folded(column.header)) in places
    ]
    seen = {column.index for column in columns}
    columns += [Column(index=n, header=name) for n, name in enumerate(headers) if n not in seen]
    told = {column.to for column in columns}
    key = [path for path in mapping.key if path in told]
    mode = mapping.mode if key or mapping.mode == "create" else "create"
    ordered = sorted(columns, key=lambda column: column.index)
    return mapping.model_copy(update={"columns": ordered, "key": key, "mode": mode})


def columns_form(imp: Import, asked: Asked, errors: Sequence[str] = ()) -> ColumnsForm:
    rt, mapping = imp.rt, asked.mapping
    known = {target.path: target for target in targets(rt)}
    url = url_for(page_endpoint(rt, "import_columns"), id=imp.id)
    samples = _samples(imp)
    seen: set[int] = set()
    columns = []
    for position, column in enumerate(mapping.columns):
        columns.append(_column(imp, column, position, known, samples[column.index], asked, column.index in seen))
        seen.add(column.index)
    kept = presets(rt)
    same = [one for one in kept if one.fits(imp.headers) and one.mapping_of(imp.headers) == imp.mapping]
    fits = max(same, key=lambda one: one.created_at).name if same else ""
    return ColumnsForm(
        head=head_of(imp, "columns"), url=url, groups=grouped(known.values()), columns=tuple(columns),
        defaults=tuple(_defaults(asked, known)), fixed=grouped(one for one in known.values() if _may_be_fixed(one)),
        mode=mapping.mode, modes=_modes(imp), keys=tuple(_keys(imp, mapping, known)),
        key_error=next((str(one.message) for one in asked.faults if one.field.startswith("key")), ""),
        policy=mapping.policy, policies=_policies(), used=_used(mapping), missing=tuple(_missing(mapping, known)),
        errors=tuple(errors), presets=tuple(PresetLine(one.id, one.name) for one in kept), preset=fits,
        check_label=_("Check %(rows)s", rows=row_words(imp.total)),
    )  # fmt: skip


def grouped(found: Iterable[Target]) -> tuple[TargetGroup, ...]:
    """Targets under the names of their groups, in their order."""
    groups: dict[str, list[Choice]] = {}
    for target in found:
        groups.setdefault(target.group, []).append(Choice(target.path, target.label))
    return tuple(TargetGroup(label, tuple(choices)) for label, choices in groups.items())


def _column(
    imp: Import, column: Column, position: int, known: dict[str, Target], samples: tuple[str, ...], asked: Asked,
    again: bool,
) -> ColumnForm:  # fmt: skip
    at = f"columns.{position}."
    errors = {one.field.removeprefix(at): str(one.message) for one in asked.faults if one.field.startswith(at)}
    target = known.get(column.to or "")
    picks, summary = (
        options_of(imp, column, position, target, asked.mapping.mode, option_errors(errors)) if target else ((), "")
    )
    return ColumnForm(
        position, column.index, column.header, samples, column.to or "", errors.get("to", ""), picks, summary,
        _values(imp, column, position, position in asked.loaded) if target else None, again,
        position in asked.open or bool(set(errors) - {"to"}),
    )  # fmt: skip


def _values(imp: Import, column: Column, position: int, loaded: bool) -> ValueMap:
    """What stands for what: the values that are mapped, and once they were asked for those of the file."""
    place = place_of(imp.rt, column.to or "")
    item = place.field if place else None
    choices = tuple(Choice(value, str(label)) for value, label in (item.choices if item else {}).items())
    counts = dict(values_of_column(imp, column.index, MOST_VALUES)) if loaded else {}
    lines = [ValueLine(value, count, column.values.get(value, "")) for value, count in counts.items()]
    lines += [ValueLine(value, 0, into) for value, into in column.values.items() if value not in counts]
    others = Pick(
        f"c{position}-others", _("All other values"), column.others,
        (Choice("keep", _("are taken as they are")), Choice("refuse", _("cannot go in")),
         Choice("empty", _("are left empty"))),
    )  # fmt: skip
    return ValueMap(tuple(lines), choices, others, loaded, len(counts) >= MOST_VALUES)


def _samples(imp: Import) -> list[tuple[str, ...]]:
    """The first different values of each column."""
    found: list[dict[str, None]] = [{} for _header in imp.headers]
    for row in rows(imp, limit=SAMPLED_ROWS):
        for index, text in enumerate(row.cells[: len(found)]):
            if text.strip() and len(found[index]) < SAMPLES:
                found[index][text if len(text) <= LONGEST_SAMPLE else f"{text[:LONGEST_SAMPLE]}…"] = None
    return [tuple(texts) for texts in found]


def _defaults(asked: Asked, known: dict[str, Target]) -> Iterable[DefaultLine]:
    errors = {one.field: str(one.message) for one in asked.faults if one.field.startswith("defaults.")}
    lines = list(asked.mapping.defaults.items())
    for position, (to, value) in enumerate([*lines, *[("", "")] * asked.blank]):
        yield DefaultLine(position, to, value, errors.get(f"defaults.{to}", "") if to else "")


def _may_be_fixed(target: Target) -> bool:
    return target.path not in (ID, EXTERNAL) and target.kind not in ("collection", "external", "id")


def _modes(imp: Import) -> tuple[Choice, ...]:
    rt, plural = imp.rt, str(imp.rt.plural).lower()
    found: dict[Mode, str] = {
        "create": _("No: create one for each row"),
        "both": _("Yes: change the %(records)s that are here, create the others", records=plural),
        "update": _("Yes: only change those that are here, create none"),
    }
    return tuple(Choice(mode, label) for mode, label in found.items() if may_be(rt, mode))


def _policies() -> tuple[Choice, ...]:
    return (
        Choice("good", _("Import all others, and leave these out")),
        Choice("all", _("Import nothing at all until every row can go in")),
    )


def _keys(imp: Import, mapping: Mapping, known: dict[str, Target]) -> Iterable[Pick]:
    """By what a row is known to be a record that is here: the columns that tell it, one select more than are chosen."""
    told = [
        Choice(path, f"{known[path].label} ({column.header})")
        for column in mapping.columns
        if (path := column.to or "") in known and _may_tell(known[path])
    ]
    labels = (_("They are the same where this is the same"), _("and this"), _("and this"))
    single = bool(mapping.key) and mapping.key[0] in (ID, EXTERNAL)
    shown = mapping.key[:1] if single else [*mapping.key, ""][:MOST_KEYS]
    shown = shown or [""]
    for number, path in enumerate(shown):
        choices = [one for one in told if not number or one.value not in (ID, EXTERNAL)]
        choices = [one for one in choices if one.value == path or one.value not in mapping.key]
        blank = _("Choose a column") if not number else _("nothing else")
        yield Pick("key", labels[number], path, (Choice("", blank), *choices))


def _may_tell(target: Target) -> bool:
    return target.path in (ID, EXTERNAL) or ("." not in target.path and target.kind not in TELLS_NOTHING)


def _used(mapping: Mapping) -> str:
    used = len({column.index for column in mapping.columns if column.to})
    left = len({column.index for column in mapping.columns}) - used
    words = _n("%(num)d column goes in", "%(num)d columns go in", used)
    return ", ".join([words, _n("%(num)d is left out", "%(num)d are left out", left)]) if left else words


def _missing(mapping: Mapping, known: dict[str, Target]) -> Iterable[str]:
    """What each new record needs and neither a column nor a default gives."""
    if mapping.mode == "update":
        return
    given = {column.to for column in mapping.columns} | set(mapping.defaults)
    for target in known.values():
        if target.required and "." not in target.path and target.path not in given:
            yield target.label
