"""Texts in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import DictLoader, Environment

from ossature.context import Context, use_context
from ossature.i18n import Text, choose_locale, choose_time_zone, load_catalogues, load_kernel_catalogues, translator
from ossature.i18n.templates import install_texts
from ossature.i18n.texts import locales

HEAD = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
FRENCH = (
    HEAD
    + """
msgid "Save"
msgstr "Enregistrer"

msgid "Hello %(name)s"
msgstr "Bonjour %(name)s"

msgid "%(num)d tree"
msgid_plural "%(num)d trees"
msgstr[0] "%(num)d arbre"
msgstr[1] "%(num)d arbres"

#, fuzzy
msgid "Cut"
msgstr "Copier"

msgid "Empty"
msgstr ""
"""
)

_, _l, ngettext = translator("grove")
ENGLISH = Context(locale="en")
FRENCH_READER = Context(locale="fr")


@pytest.fixture(autouse=True)
def grove(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "fr.po").write_text(FRENCH, "utf-8")
    load_kernel_catalogues()
    load_catalogues("grove", tmp_path)
    yield
    load_catalogues("grove", tmp_path / "gone")


@pytest.mark.req("S3-100", "S3-101", "S3-102")
def test_a_text_is_in_the_language_of_the_context() -> None:
    with use_context(FRENCH_READER):
        assert _("Save") == "Enregistrer"
        assert _("Hello %(name)s", name="Zoé") == "Bonjour Zoé"
    with use_context(ENGLISH):
        assert _("Save") == "Save"
    assert _("Save") == "Save"


def test_a_label_made_at_import_is_translated_when_shown() -> None:
    label = _l("Hello %(name)s", name=_l("Save"))
    assert str(label) == "Hello Save"
    with use_context(FRENCH_READER):
        assert f"{label}" == "Bonjour Enregistrer"
    assert label.in_locale("fr") == "Bonjour Enregistrer"


def test_labels_compare_by_what_they_say() -> None:
    assert _l("Save") == _l("Save")
    assert len({_l("Save"), _l("Save"), Text("other", "Save")}) == 2


@pytest.mark.parametrize(
    ("number", "english", "french"),
    [(0, "0 trees", "0 arbre"), (1, "1 tree", "1 arbre"), (2, "2 trees", "2 arbres")],
)
def test_plurals_follow_the_rules_of_the_language(number: int, english: str, french: str) -> None:
    with use_context(ENGLISH):
        assert ngettext("%(num)d tree", "%(num)d trees", number) == english
    with use_context(FRENCH_READER):
        assert ngettext("%(num)d tree", "%(num)d trees", number) == french


def test_a_regional_language_falls_back_to_its_own() -> None:
    with use_context(Context(locale="fr_CA")):
        assert _("Save") == "Enregistrer"


@pytest.mark.parametrize("text", ["Cut", "Empty", "Unknown", "100 % sure"])
def test_a_text_without_a_sure_translation_stays_english(text: str) -> None:
    with use_context(FRENCH_READER):
        assert _(text) == text


def test_a_template_uses_the_domain_of_its_own_folder_even_inside_a_kernel_layout(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel" / "fr.po").write_text(f'{HEAD}\nmsgid "Save"\nmsgstr "Sauver"\n', "utf-8")
    load_catalogues("ossature", tmp_path / "kernel")
    try:
        environment = Environment(
            loader=DictLoader(
                {
                    "layout/app.html": "{{ _('Save') }}|{% block content %}{% endblock %}",
                    "grove/a.html": (
                        "{% extends 'layout/app.html' %}{% from 'ui/b.html' import b %}{% block content %}{{ _('Save') }}|"
                        "{{ b() }}|{{ _('Hello %(name)s', name='Zoé') }}|"
                        "{{ ngettext('%(num)d tree', '%(num)d trees', 2) }}{% endblock %}"
                    ),
                    "ui/b.html": "{% macro b() %}{{ _('Save') }}{% endmacro %}",
                }
            ),
            autoescape=True,
        )
        install_texts(environment)
        with use_context(FRENCH_READER):
            page = environment.get_template("grove/a.html").render()
        assert page == "Sauver|Enregistrer|Sauver|Bonjour Zoé|2 arbres"
    finally:
        load_kernel_catalogues()


def test_values_put_into_a_text_are_escaped_in_a_page() -> None:
    environment = Environment(loader=DictLoader({"a.html": "{{ _('Hello %(name)s', name=name) }}"}), autoescape=True)
    install_texts(environment)
    assert environment.get_template("a.html").render(name="<b>") == "Hello &lt;b&gt;"


@pytest.mark.req("S3-100", "S3-101")
def test_the_product_speaks_english_and_french() -> None:
    assert locales() == ("en", "fr")


@pytest.mark.parametrize(
    ("user", "tenant", "browser", "chosen"),
    [
        ("en", "fr", "fr", "en"),
        (None, "fr", "en", "fr"),
        (None, None, "fr-CH, de;q=0.9, en;q=0.1", "fr"),
        (None, None, "de, en;q=0.5", "en"),
        (None, None, "de", "en"),
        (None, None, None, "en"),
        ("xx", "fr", "en", "fr"),
    ],
)
def test_the_language_is_the_persons_then_the_tenants_then_the_browsers(
    user: str | None, tenant: str | None, browser: str | None, chosen: str
) -> None:
    assert choose_locale(user, tenant, browser) == chosen


def test_the_time_zone_is_the_persons_then_the_tenants() -> None:
    assert choose_time_zone("Asia/Tokyo", "Europe/Rome") == "Asia/Tokyo"
    assert choose_time_zone(None, "Europe/Rome") == "Europe/Rome"
    assert choose_time_zone("Mars/Olympus", None) == "Europe/Paris"


AGREEING = re.compile(r"\b\w+(?:é|ée|és|ées)\b")


@pytest.mark.parametrize(
    "text",
    [
        "changed", "created", "deleted", "refused", "unchanged", "not reached", "left as it was", "Left as it was",
        "%(count)s changed", "%(count)s deleted", "%(count)s refused", "%(count)s unchanged", "%(count)s not reached",
        "%(n)s created", "%(n)s changed", "%(n)s %(records)s created", "%(n)s left as it was",
    ],
)  # fmt: skip
def test_what_became_of_rows_agrees_in_french_with_records_of_either_gender(text: str) -> None:
    with (files("ossature") / "translations" / "fr.po").open("rb") as file:
        found = read_po(file, "fr").get(text)
    assert found is not None
    said = [found.string] if isinstance(found.string, str) else list(found.string)
    assert all(said)
    assert not [one for one in said if AGREEING.search(one)]
