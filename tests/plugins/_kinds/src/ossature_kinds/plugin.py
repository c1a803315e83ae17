"""What _kinds brings to the kernel."""

from __future__ import annotations

from ossature.api import Part, Permission, Record, RecordTab, Related, Screens, hookimpl
from ossature_kinds.models.sample import Sample, SampleLine, Shelf
from ossature_kinds.permissions import SEE_REMARK
from ossature_kinds.screens import SAMPLE_SCREENS


@hookimpl
def register_records() -> list[type[Record] | type[Part]]:
    return [Shelf, Sample, SampleLine]


@hookimpl
def register_screens() -> list[Screens]:
    return [SAMPLE_SCREENS]


@hookimpl
def register_record_tabs() -> list[RecordTab]:
    return [RecordTab("_kinds.on_shelf", "_kinds.shelf", related=Related("_kinds.sample", "shelf_id"))]


@hookimpl
def register_permissions() -> list[Permission]:
    return [SEE_REMARK]
