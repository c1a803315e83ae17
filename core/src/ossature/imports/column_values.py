"""The texts that a column of an import holds, and how many rows have each."""

from __future__ import annotations

import sqlalchemy as sa

from ossature.context import current
from ossature.db.work import session
from ossature.imports.runs import Import

_VALUES = sa.text(
    "SELECT btrim(r.cells ->> :index) AS value, count(*) AS many FROM ossature.import_row r "
    "WHERE r.tenant_id = :tenant AND r.import_id = :import AND jsonb_typeof(r.cells -> :index) <> 'object' "
    "AND btrim(r.cells ->> :index) <> '' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :most"
)


def values_of_column(imp: Import, index: int, limit: int) -> list[tuple[str, int]]:
    """The most frequent ones first; days and moments are no texts."""
    found = session().execute(
        _VALUES, {"tenant": current().tenant_id, "import": imp.id, "index": index, "most": limit}
    )  # fmt: skip
    return [(row.value, row.many) for row in found]
