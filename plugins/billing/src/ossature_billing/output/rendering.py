"""Pages as PDF/A-3, and as Factur-X with the XML of the document inside."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from facturx import generate_from_binary

from ossature_billing.documents import Document
from ossature_billing.output.look import Look
from ossature_billing.output.page import FONT, LOGO, Quote, html
from ossature_billing.xml.writing import LEVEL, cii

if TYPE_CHECKING:
    from weasyprint.urls import URLFetcher

VARIANT = "pdf/a-3b"
PACKAGES = {
    "libgobject": "libglib2.0-0", "libpangoft2": "libpangoft2-1.0-0", "libpango": "libpango-1.0-0",
    "libharfbuzz-subset": "libharfbuzz-subset0", "libharfbuzz": "libharfbuzz0b", "libfontconfig": "libfontconfig1",
}  # fmt: skip
"""Debian's packages of the libraries that WeasyPrint loads."""


class LibraryMissing(RuntimeError):
    """This machine cannot print PDF: `package` is what Debian calls the package that lacks."""

    def __init__(self, problem: str) -> None:
        self.package = next((name for library, name in PACKAGES.items() if library in problem), "libpango-1.0-0")
        super().__init__(f"PDF cannot be printed here: apt-get install {self.package} ({problem})")


def pdf(document: Document, look: Look, language: str, quote: Quote | None = None) -> bytes:
    """The document as PDF/A-3b in the customer's language, `fr` or `en`: the same bytes each time on the same machine.

    Fonts and logo lie inside; nothing is fetched. Raises LibraryMissing.
    """
    weasyprint = _weasyprint()
    page = weasyprint.HTML(string=html(document, look, language, quote), url_fetcher=fetcher(look), base_url="page:")
    printed = page.write_pdf(pdf_variant=VARIANT)
    assert isinstance(printed, bytes)
    return printed


def factur_x(document: Document, look: Look, language: str) -> bytes:
    """The document as Factur-X of the level EN 16931: its PDF/A-3b with `factur-x.xml` inside, byte for byte `cii`.

    factur-x stamps the time at which it was made, so that no two are equal: the bytes are to be made once, at issue,
    and kept. The rules are not run here (`xml.official`). Raises LibraryMissing, ValueError as `cii`.
    """
    printed = pdf(document, look, language)
    seller = (document.seller and document.seller.name) or ""
    made = generate_from_binary(
        printed, cii(document), flavor="factur-x", level=LEVEL, check_xsd=False, check_schematron=False, lang=language,
        pdf_metadata={
            "author": seller, "title": f"{seller} {document.number}", "subject": f"Factur-X {document.number}",
            "keywords": "Factur-X",
        },
    )  # fmt: skip
    assert isinstance(made, bytes)
    return made


def _weasyprint() -> Any:
    """WeasyPrint loads its libraries when it is imported, which nothing else of this product needs."""
    try:
        import weasyprint
    except OSError as error:
        raise LibraryMissing(str(error)) from None
    return weasyprint


def fetcher(look: Look) -> URLFetcher:
    """Gives the logo and the fonts by name, and refuses every other address: of the network and of the disk."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Inside(URLFetcher):  # type: ignore[misc,unused-ignore]
        def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
            name = url.removeprefix("page:")
            if name == LOGO and look.logo:
                return URLFetcherResponse(url, look.logo.data, {"Content-Type": look.logo.type})
            if name in FONT.values():
                face = files("font_source_sans_pro").joinpath("files", f"SourceSansPro-{name}.ttf")
                return URLFetcherResponse(url, face.read_bytes(), {"Content-Type": "font/ttf"})
            raise ValueError(f"a document fetches nothing: {url[:200]}")

    return Inside(allowed_protocols=())
