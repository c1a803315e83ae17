"""What a number in a workbook is by the format that it is shown in."""

from __future__ import annotations

import re
from enum import StrEnum


class Shape(StrEnum):
    NUMBER = "number"
    DAY = "day"
    CLOCK = "clock"
    """An hour of the day, or a length of time in hours."""
    PERCENT = "percent"


_BUILT_IN = {
    **dict.fromkeys([9, 10], Shape.PERCENT),
    **dict.fromkeys([14, 15, 16, 17, 22, *range(27, 32), 36, *range(50, 59)], Shape.DAY),
    **dict.fromkeys([18, 19, 20, 21, *range(32, 36), 45, 46, 47], Shape.CLOCK),
}  # fmt: skip
_LONGEST = 255
"""As in a spreadsheet. Of a longer code, each bracket that is not closed would be looked for up to its end."""
_NO_FORMAT = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)


def shape_of(number: int, code: str | None = None) -> Shape:
    """By the number of a built-in format, or by the code of one's own, such as `dd/mm/yyyy;@`."""
    if code is None:
        return _BUILT_IN.get(number, Shape.NUMBER)
    plain = _NO_FORMAT.sub("", code[:_LONGEST]).lower().partition(";")[0]
    if "general" in plain or "standard" in plain:
        return Shape.NUMBER
    if any(letter in plain for letter in "ydj") or ("m" in plain and not any(letter in plain for letter in "hs0#")):
        return Shape.DAY
    if any(letter in plain for letter in "hs"):
        return Shape.CLOCK
    return Shape.PERCENT if "%" in plain else Shape.NUMBER
