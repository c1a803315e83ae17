"""Texts inside templates: `_()` and `ngettext()` use the domain of the folder the template lies in.

A page of a plugin extends a layout of the kernel, and both call `_()` while one page is rendered; the domain is
therefore decided when a template is compiled, from its own name, not from the page being shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from ossature.i18n.texts import KERNEL_DOMAIN, known_domains, translate, translate_plural

_CALLS = frozenset({"_", "ngettext"})


def domain_of(template: str | None) -> str:
    """`crm/contact.html` -> `crm`; templates outside a plugin's folder are the kernel's."""
    folder = (template or "").partition("/")[0]
    return folder if folder in known_domains() else KERNEL_DOMAIN


class TextExtension(Extension):
    """Gives each call of `_` and `ngettext` its template's domain as first argument."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        domain = domain_of(stream.name)
        before: Token | None = None
        last: Token | None = None
        for token in stream:
            yield token
            called = last is not None and last.type == "name" and last.value in _CALLS
            if token.type == "lparen" and called and not (before is not None and before.type == "dot"):
                yield Token(token.lineno, "string", domain)
                yield Token(token.lineno, "comma", ",")
            before, last = last, token


def _text(domain: str, message: str, /, **values: Any) -> str:
    text = translate(domain, message)
    return text % values if values else text


def _plural(domain: str, one: str, many: str, num: int, /, **values: Any) -> str:
    return translate_plural(domain, one, many, num) % {"num": num, **values}


def install_texts(environment: Environment) -> None:
    """Make `_()` and `ngettext()` available in all templates of an environment."""
    environment.add_extension(TextExtension)
    environment.globals.update(_=_text, ngettext=_plural)
