"""Tabs on a record's page that are fetched when they are opened: related lists, and what plugins put beside them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode
from uuid import UUID

from flask import url_for
from werkzeug.routing import Map

from ossature.context import current
from ossature.hooks.calls import RECORD_TABS, HookError
from ossature.hooks.types import Label, RecordTab
from ossature.kernel import Kernel, kernel
from ossature.plugins.manifest import KERNEL
from ossature.plugins.offered import offered
from ossature.plugins.registry import Registered
from ossature.records.filters import Group, Question, to_arguments
from ossature.records.screens import Related
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint
from ossature.web.models import Tab


def tabs_of(rt: RecordType, id: UUID) -> Iterator[Tab]:
    """The tabs of one record for the reader: what its screens relate to it, then what plugins add."""
    for related in kernel().screens[rt.key].related:
        yield from _related(f"{related.field}-{related.record.rpartition('.')[2]}", related, related.label, id)
    for entry in offered(RECORD_TABS):
        tab = entry.value
        key = tab.key.replace(".", "-")
        if tab.record != rt.key:
            continue
        if tab.related is not None:
            yield from _related(key, tab.related, tab.title or tab.related.label, id)
        else:
            yield Tab(key, str(tab.title), url=url_for(str(tab.endpoint), id=id))


def _related(key: str, related: Related, title: Label, id: UUID) -> Iterator[Tab]:
    """The first of the records that point to this one, with the way to all of them; none where they may not be seen."""
    other = kernel().records.get(related.record)
    if other is None or not current().access.allows(other.permission("view")):
        return
    asked = tuple(Question(name, "is", str(id)) for name in (related.field, *related.also))
    arguments = to_arguments(Group("any", asked) if related.also else asked[0])
    whole = f"{url_for(page_endpoint(other, 'list'))}?{urlencode(arguments)}"
    yield Tab(key, str(title or other.plural), url=f"{whole}&part=related", icon=other.icon, page_url=whole)


def check_record_tabs(kernel: Kernel, addresses: Map) -> None:
    """Plugins whose tabs stand on what is not there, or lead to it, become failed; call when all routes are there."""
    for entry in kernel.plugins.registered(RECORD_TABS):
        if entry.plugin not in kernel.plugins:
            continue
        with kernel.plugins.guard(entry.plugin, "checking tabs"):
            if fault := _fault(kernel, addresses, entry):
                problem, next_step = fault
                raise HookError(entry.plugin, RECORD_TABS.hook, f"tab {entry.value.key!r}: {problem}", next_step)


def _fault(kernel: Kernel, addresses: Map, entry: Registered[RecordTab]) -> tuple[str, str] | None:
    """What is wrong with a tab, and what to do about it."""
    tab, manifest = entry.value, kernel.plugins.plugin(entry.plugin).manifest
    owner = tab.record.partition(".")[0]
    if owner not in (KERNEL, entry.plugin, *manifest.requires, *manifest.after):
        return f"{tab.record!r} is another plugin's record", f"name {owner!r} under requires or after in the manifest"
    if owner in manifest.after and owner not in kernel.plugins:
        return None
    record = kernel.records.get(tab.record)
    if record is None or record.parent:
        return f"there is no record {tab.record!r}", "correct the name"
    if tab.related is None:
        if not any(rule.endpoint == tab.endpoint and rule.arguments == {"id"} for rule in addresses.iter_rules()):
            return f"there is no endpoint {tab.endpoint!r} that takes an id", "correct the name or add the view"
        return None
    other = kernel.records.get(tab.related.record)
    if other is None or other.plugin != entry.plugin:
        return f"{tab.related.record!r} is no record of this plugin", "relate a record of its own"
    item = other.fields.get(tab.related.field)
    if item is None or item.target != tab.record:
        return f"{tab.related.record}.{tab.related.field} does not refer to {tab.record!r}", "name a field that does"
    if strange := set(tab.related.also) - set(other.parts):
        return f"{tab.related.record} has no collection {min(strange)!r}", "correct the name"
    return None
