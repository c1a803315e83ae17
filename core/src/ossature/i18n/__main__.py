"""`python -m ossature.i18n check | update [FOLDER ...]`: catalogues of the kernel and of plugins being worked on."""

from __future__ import annotations

from pathlib import Path

import click

import ossature
from ossature.i18n.check import check_package, too_many_same, update_package
from ossature.i18n.extraction import Package
from ossature.i18n.texts import KERNEL_DOMAIN
from ossature.plugins.manifest import discover, read_manifest

folders = click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))


def packages(chosen: tuple[Path, ...]) -> list[Package]:
    """The packages that lie in these folders; without any, the kernel and the plugins installed from a checkout."""
    if chosen:
        return [Package(_domain(folder), folder.resolve()) for folder in chosen]
    kernel = Package(KERNEL_DOMAIN, Path(ossature.__file__).parent)
    plugins = [Package(plugin.key, plugin.directory) for plugin in discover() if plugin.directory and plugin.manifest]
    return [package for package in (kernel, *plugins) if "site-packages" not in package.directory.parts]


def _domain(folder: Path) -> str:
    manifest = folder / "manifest.toml"
    return read_manifest(manifest).key if manifest.is_file() else KERNEL_DOMAIN


@click.group()
def main() -> None:
    """Catalogues of translations."""


@main.command()
@folders
def check(folders: tuple[Path, ...]) -> None:
    """Fail when a text is missing, fuzzy, unused, has other placeholders, or too many are left in English."""
    reports = [check_package(package) for package in packages(folders)]
    problems = [problem for report in reports for problem in report.problems]
    if not folders:  # the share is one of the whole product: a small plugin may need a SIREN and a SIRET
        problems += filter(None, [too_many_same(reports)])
    for problem in problems:
        click.echo(problem, err=True)
    for report in reports:
        click.echo(f"{report.package.domain}: {report.texts} texts, {report.same} the same in both languages")
    if problems:
        raise click.ClickException(f"{len(problems)} problems in translations")


@main.command()
@folders
def update(folders: tuple[Path, ...]) -> None:
    """Write the catalogues anew from the code: new texts empty, gone ones dropped, translations kept."""
    for package in packages(folders):
        texts, untranslated = update_package(package)
        click.echo(f"{package.domain}: {texts} texts, {untranslated} to translate")


main()
