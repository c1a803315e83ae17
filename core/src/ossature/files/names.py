"""Names of files, as they come from everywhere: without folders, without what deceives the eye, not too long."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 200
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)


def clean_name(given: str, otherwise: str = "file") -> str:
    """The name as it is kept: what stands after the last slash, composed (NFC), without control and formatting
    characters (which turn the direction of writing, or hide an ending), 200 characters at most, its ending kept."""
    name = re.split(r"[/\\]", given)[-1]
    name = "".join(one for one in unicodedata.normalize("NFC", name) if unicodedata.category(one)[0] != "C")
    name = re.sub(r"\s+", " ", name).strip(" .")
    name = re.sub(r'[<>:"|?*]', "_", name)
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    if not stem:
        return otherwise
    if _RESERVED.match(stem):
        stem = f"_{stem}"
    if len(ending) > 20:
        stem, ending = name, ""
    ending = f".{ending}" if ending else ""
    return stem[: LONGEST - len(ending)].rstrip(" .") + ending


def ending_of(name: str) -> str:
    """What stands after the last dot, in lower case; empty without one."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def numbered(name: str, number: int) -> str:
    """Another name like it: `offer.pdf` -> `offer (2).pdf`."""
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    added = f" ({number}){dot}{ending}"
    return stem[: LONGEST - len(added)] + added
