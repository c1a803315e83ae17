"""How a file is written: what was found out about it, what its reader said of it, and what stays in doubt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ossature.i18n.texts import translator
from ossature.imports.cells import Cell, storable

_, _l, _n = translator("ossature")

DecimalMark = Literal[".", ","]
Dates = Literal["dmy", "mdy", "ymd"]
FileFormat = Literal["csv", "xlsx"]
DELIMITERS = {",": _l("Comma"), ";": _l("Semicolon"), "\t": _l("Tab"), "|": _l("Vertical bar")}
DATE_ORDERS = {
    "dmy": _l("Day, month, year"), "mdy": _l("Month, day, year"), "ymd": _l("Year, month, day"),
}  # fmt: skip

DATE = re.compile(r"(\d{1,4})([/.\- ])(\d{1,2})\2(\d{1,4})(?=$|[ T,])(?!\2\d+(?:\2|$))")
"""A date in numbers, at the beginning of a text; `01 23 45 67 89` is a telephone number."""
_NUMBER = re.compile(r"[+-]?[^\w\s.,+-]{0,3}\s?\d[\d\s'’.,]*(?:\s?(?:[^\w\s.,]{1,3}|[A-Z]{3}))?")
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{3})+")


def can_divide(sign: str) -> bool:
    """Whether cells may be set apart by a sign: quotation marks enclose them, an apostrophe before a text keeps it from
    being a formula, and lines end where they end."""
    return len(sign) == 1 and sign not in "\"'\r\n\0" and storable(sign) == sign


def _dividing(sign: str) -> str:
    if not can_divide(sign):
        raise PydanticCustomError("invalid", _("Cells cannot be divided by this; use a comma, semicolon or tab."))
    return sign


class Said(BaseModel):
    """What somebody said of a file; what is None is found out. `header` is the number of the row with the names of the
    columns as a spreadsheet shows it, 0 where the file has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoding: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_dividing)] | None = None
    sheet: str | None = None
    header: int | None = Field(None, ge=0, le=1000)
    decimal: DecimalMark | None = None
    dates: Dates | None = None


class Notation(BaseModel):
    """How a file is read. `width` is how many columns its table has; `dates` is the order of day, month and year."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: FileFormat = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    sheet: str = ""
    header: int = 1
    width: int = 0
    decimal: DecimalMark = "."
    dates: Dates = "dmy"

    def of_column(self, decimal: str | None = None, dates: str | None = None) -> Notation:
        """That of one column whose numbers or dates are written otherwise."""
        if not decimal and not dates:
            return self
        return Notation.model_validate(
            {**self.model_dump(), **({"decimal": decimal} if decimal else {}), **({"dates": dates} if dates else {})}
        )


@dataclass(frozen=True, slots=True)
class Note:
    """What the reader should know. `about` is the part of the notation it is about, or `file`; `doubt` says that it
    might as well be otherwise."""

    about: str
    code: str
    message: str
    doubt: bool = False


def decimal_of(columns: Iterable[Sequence[Cell]], fallback: DecimalMark) -> tuple[DecimalMark, list[Note]]:
    """The decimal mark of the numbers among texts, in columns that hold little else."""
    votes: dict[DecimalMark, int] = {".": 0, ",": 0}
    unclear = ""
    for text in _mostly(columns, lambda text: bool(_NUMBER.fullmatch(text)) and not DATE.match(text)):
        marks = [ch for ch in text if ch in ".,"]
        if not marks:
            continue
        if len(set(marks)) == 2:
            votes["," if marks[-1] == "," else "."] += 1
        elif len(marks) > 1:
            if _GROUPED.search(text):
                votes["." if marks[0] == "," else ","] += 1
        elif _GROUPED.fullmatch(text.strip("+-€$£ ")):
            unclear = unclear or text
        else:
            votes["," if marks[0] == "," else "."] += 1
    comma, dot = votes[","], votes["."]
    if not comma and not dot:
        if not unclear:
            return fallback, []
        return fallback, [Note("decimal", "reads_both_ways", _("%(value)s reads both ways.", value=unclear), True)]
    found: DecimalMark = fallback if comma == dot else "," if comma > dot else "."
    if comma and dot:
        mixed = _("Some numbers have a decimal comma, others a point.")
        return found, [Note("decimal", "mixed", mixed, True)]
    return found, []


def dates_of(columns: Iterable[Sequence[Cell]], fallback: Dates = "dmy") -> tuple[Dates, list[Note]]:
    """The order of the dates among texts, in columns that hold little else."""
    day_first = month_first = year_first = 0
    unclear = ""
    for text in _mostly(columns, lambda text: bool(DATE.match(text))):
        match = DATE.match(text)
        assert match is not None
        first, middle, last = match[1], int(match[3]), match[4]
        if len(first) == 4:
            year_first += 1
        elif len(first) > 2 or len(last) not in (2, 4) or not int(first) or not middle:
            continue
        elif int(first) > 12 >= middle:
            day_first += 1
        elif middle > 12 >= int(first):
            month_first += 1
        elif int(first) != middle:
            unclear = unclear or text
    if day_first and month_first:
        mixed = _("Some dates begin with the day, others with the month.")
        return "dmy" if day_first >= month_first else "mdy", [Note("dates", "mixed", mixed, True)]
    if day_first or month_first:
        return "dmy" if day_first else "mdy", []
    if unclear:
        return fallback, [Note("dates", "reads_both_ways", _("%(value)s reads both ways.", value=unclear), True)]
    return "ymd" if year_first else fallback, []


def _mostly(columns: Iterable[Sequence[Cell]], test: Callable[[str], bool]) -> Iterator[str]:
    """The texts of which something is true, of columns where it is of most."""
    for column in columns:
        texts = [text for cell in column if isinstance(cell, str) and (text := cell.strip())]
        found = [text for text in texts if test(text)]
        if 2 * len(found) > len(texts):
            yield from found
