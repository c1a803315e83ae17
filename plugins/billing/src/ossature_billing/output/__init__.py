"""Documents as people read them: a page made of a document and a look, a PDF/A-3, and Factur-X with its XML inside."""

from ossature_billing.output.look import Column, Look, Template, Texts
from ossature_billing.output.page import Quote, html
from ossature_billing.output.rendering import LibraryMissing, factur_x, pdf

__all__ = ["Column", "LibraryMissing", "Look", "Quote", "Template", "Texts", "factur_x", "html", "pdf"]
