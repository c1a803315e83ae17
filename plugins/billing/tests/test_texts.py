"""Every text is in the catalogue, translated; the product's own check looks at plugins that have an entry point."""

from __future__ import annotations

from pathlib import Path

import ossature_billing
from ossature.i18n.check import check_package
from ossature.i18n.extraction import Package


def test_every_text_has_its_translation() -> None:
    report = check_package(Package("billing", Path(ossature_billing.__file__).parent))
    assert report.texts > 100
    assert report.problems == ()
