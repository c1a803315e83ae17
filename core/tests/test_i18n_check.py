"""A catalogue that is incomplete or wrong is refused, each fault by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages import pofile

from ossature.i18n.check import Report, check_package, too_many_same, update_package
from ossature.i18n.extraction import Package

CODE = """
_, _l, ngettext = translator("grove")
a = _l("Save")
b = _("Hello %(name)s", name="x")
c = ngettext("%(num)d tree", "%(num)d trees", 2)
"""
HEAD = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
GOOD = {
    "Save": "Enregistrer",
    "Hello %(name)s": "Bonjour %(name)s",
    "Grove": "Bosquet",
    "Wood": "Bois",
    "Delete?": "Supprimer\u202f?",
}
TREES = 'msgid "%(num)d tree"\nmsgid_plural "%(num)d trees"\nmsgstr[0] "%(num)d arbre"\nmsgstr[1] "%(num)d arbres"\n'


@pytest.fixture
def package(tmp_path: Path) -> Package:
    (tmp_path / "views.py").write_text(CODE)
    (tmp_path / "templates" / "grove").mkdir(parents=True)
    (tmp_path / "templates" / "grove" / "a.html").write_text("<p>{{ _('Wood') }} {{ _('Delete?') }}</p>")
    (tmp_path / "manifest.toml").write_text('key = "grove"\ntitle = "Grove"\napi = "1"\n')
    (tmp_path / "translations").mkdir()
    return Package("grove", tmp_path)


def write(package: Package, changes: dict[str, str | None] | None = None, more: str = TREES) -> None:
    texts = {**GOOD, **(changes or {})}
    body = "\n".join(f'msgid "{key}"\nmsgstr "{text}"\n' for key, text in texts.items() if text is not None)
    package.catalogue("fr").write_text(f"{HEAD}\n{body}\n{more}", "utf-8")


def faults(package: Package) -> str:
    return "\n".join(check_package(package).problems)


@pytest.mark.req("S3-102")
def test_texts_are_found_in_code_templates_and_the_manifest(package: Package) -> None:
    write(package)
    report = check_package(package)
    assert (report.texts, report.problems) == (6, ())


def test_a_missing_catalogue_is_named_with_the_command(package: Package) -> None:
    assert "python -m ossature.i18n update" in faults(package)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"Save": None}, "not translated: 'Save'"),
        ({"Save": ""}, "not translated: 'Save'"),
        ({"Saw": "Scie"}, "no longer used: 'Saw'"),
        ({"Hello %(name)s": "Bonjour"}, "lacks placeholder %(name)s"),
        ({"Hello %(name)s": "Bonjour %(nom)s"}, "unknown placeholder %(nom)s"),
        ({"Save": "Save"}, "not listed in same.txt: 'Save'"),
        ({"Delete?": "Supprimer ?"}, "narrow no-break space"),
        ({"Delete?": "Supprimer?"}, "narrow no-break space"),
        ({"Delete?": "Supprimer «tout\u202f»\u202f?"}, "narrow no-break space"),
        ({"Save": "Note: enregistrer"}, "narrow no-break space"),
        ({"Save": "L'arbre"}, "needs ’"),
    ],
)
def test_a_fault_of_a_text_is_named(package: Package, changes: dict[str, str | None], fault: str) -> None:
    write(package, changes)
    assert fault in faults(package)


def test_what_stands_in_the_english_too_is_code(package: Package) -> None:
    (package.directory / "views.py").write_text(CODE + '_("Send Accept: text/html")')
    write(package, {"Send Accept: text/html": "Envoyez Accept: text/html"})
    assert faults(package) == ""


@pytest.mark.parametrize("text", ["Voir https://example.com", "À 10:30", "a%(num)d/b", "Aller… (vite)", "Ah\u202f?!"])
def test_addresses_and_times_need_no_special_space(package: Package, text: str) -> None:
    write(package, {"Save": text.replace("%(num)d", "")})
    assert faults(package) == ""


def test_a_fuzzy_text_is_not_a_translation(package: Package) -> None:
    write(package, {"Save": None}, more=f'{TREES}\n#, fuzzy\nmsgid "Save"\nmsgstr "Enregistrer"\n')
    assert "fuzzy: 'Save'" in faults(package)


def test_an_obsolete_text_is_named(package: Package) -> None:
    write(package, more=f'{TREES}\n#~ msgid "Old"\n#~ msgstr "Vieux"\n')
    assert "no longer used: 'Old'" in faults(package)


def test_a_text_that_is_the_same_is_listed_by_name(package: Package) -> None:
    write(package, {"Save": "Save"})
    (package.translations / "same.txt").write_text("Save\n")
    assert faults(package) == ""
    write(package)
    assert "listed, but not the same" in faults(package)


def test_at_most_five_percent_are_the_same(package: Package) -> None:
    assert too_many_same([Report(package, 60, 2, ()), Report(package, 40, 3, ())]) is None
    assert "6 of 100 texts" in (too_many_same([Report(package, 60, 3, ()), Report(package, 40, 3, ())]) or "")


def test_an_update_adds_new_texts_keeps_translations_and_drops_what_is_gone(package: Package) -> None:
    write(package, {"Save": None, "Saw": "Scie"})
    assert update_package(package) == (6, 1)
    with package.catalogue("fr").open("rb") as file:
        catalogue = pofile.read_po(file, locale="fr")
    assert catalogue["Grove"].string == "Bosquet"
    assert catalogue["Save"].string == ""
    assert "Saw" not in catalogue


def test_an_update_without_changes_writes_the_same_file(package: Package) -> None:
    update_package(package)
    once = package.catalogue("fr").read_bytes()
    update_package(package)
    assert package.catalogue("fr").read_bytes() == once
