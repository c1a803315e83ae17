"""Taking a list out into a file, as a request does it, without the network."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ossature.context import Context
from ossature.db import transaction
from ossature.kernel import Kernel
from ossature.records.export_pages import file_response
from ossature.records.exporting import Export, Format, exportable
from ossature.records.lookup import record_type
from ossature.records.query import ListQuery

WIDE = 20


@dataclass(frozen=True)
class Exported:
    """Seconds that it took, bytes that were sent and those of the largest piece, which is what is held at a time."""

    seconds: float
    sent: int
    largest: int


def export_contacts(kernel: Kernel, context: Context, format: Format) -> Exported:
    """All contacts with up to `WIDE` columns, under the reader's words. To be called with an application's context."""
    contact = record_type("crm.contact")
    begun = time.perf_counter()
    with transaction(context, database=kernel.db):
        names = tuple(exportable(contact))[:WIDE]
        response = file_response(Export(contact, ListQuery(), names, format, dialect="excel"))
    sent = largest = 0
    for chunk in response.iter_encoded():
        sent, largest = sent + len(chunk), max(largest, len(chunk))
    return Exported(time.perf_counter() - begun, sent, largest)
