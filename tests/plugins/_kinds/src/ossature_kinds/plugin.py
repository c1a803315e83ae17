"""What _kinds brings to the kernel."""

from __future__ import annotations

from ossature.api import Part, Permission, Record, hookimpl
from ossature_kinds.models.sample import Sample, SampleLine, Shelf
from ossature_kinds.permissions import SEE_REMARK


@hookimpl
def register_records() -> list[type[Record] | type[Part]]:
    return [Shelf, Sample, SampleLine]


@hookimpl
def register_permissions() -> list[Permission]:
    return [SEE_REMARK]
