"""Tables of the documentation that follow from the code: `python tools/reference_pages.py` writes them anew.

A page says where: everything between `<!-- table: NAME -->` and `<!-- end -->` is replaced. `--check` writes nothing
and fails when a page is not what it would be.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ossature import api
from ossature.builtin import MODULES
from ossature.config import Config
from ossature.context import Context, use_context
from ossature.hooks.calls import PERMISSIONS, PRESET_GRANTS, RECORDS
from ossature.hooks.types import Permission, PresetGrant
from ossature.plugins.loading import load_plugins
from ossature.plugins.manifest import discover
from ossature.rbac.permissions import ALIASES
from ossature.rbac.presets import OWNER_ROLE, PRESETS, PresetRole
from ossature.records.types import RecordTypes

DOCS = Path(__file__).resolve().parent.parent / "docs"
PLUGINS = ("crm",)

_TABLE = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

# What `Config` works out when a variable is not given, in words.
FILLED_IN = {
    "base_url": "`http://localhost:PORT`",
    "api_url": "`BASE_URL/api`",
    "home": "`.ossature` in a checkout, else the user's data folder",
    "database_url": "the PostgreSQL inside",
    "app_database_url": "derived",
    "system_database_url": "derived",
    "redis_url": "the Redis inside",
    "secret_key": "made once and kept in the home; must be given in production",
    "access_token_secret": "derived",
    "refresh_token_secret": "derived",
    "encryption_keys": "derived",
    "log_format": "`json` in production, else `console`",
    "demo_password": "one that works on loopback only",
    "plugins": "those that are active",
}

# Names of the facade that are other libraries', or have no text of their own.
SAID = {
    "API_VERSION": "The version of this facade; a manifest names the one it is written for.",
    "APIBlueprint": "APIFlask's blueprint, for endpoints that the API's description shows.",
    "Blueprint": "Flask's blueprint, for pages.",
    "ChangeKind": "What a change does: created, updated, deleted, restored.",
    "Crumb": "One step of where the reader is: a label, and the address it leads back to.",
    "DemoSize": "How much sample data: small, medium, large.",
    "Mapped": "SQLAlchemy's annotation of a field: `Mapped[str]` is required, `Mapped[str | None]` optional.",
    "PreconditionFailed": "The record is at another version than the caller demands.",
    "hookimpl": "Marks a function as the plugin's answer to the hook of the same name.",
    "platform_admin": "A route for administrators of the installation.",
    "public": "A route for everybody.",
    "requires": "A route for members whose roles grant a permission.",
    "rules": "Rules for text that has a form: siren, siret, vat_number and others, to be given as `rule`.",
    "signed_in": "A route for every member; with `tenant=False` for everybody who has an account.",
}


def settings_table() -> list[str]:
    rows = []
    for name, field in Config.model_fields.items():
        default = FILLED_IN.get(name)
        if default is None:
            default = f"`{field.default}`" if field.default not in ("", (), None) else ""
        rows.append((f"`OSSATURE_{name.upper()}`", default, str(field.description)))
    return _table(("variable", "unless given", "meaning"), rows)


def permissions_table() -> list[str]:
    permissions, _grants = _rights()
    rows = [(f"`{one.key}`", *_both(one.label), *_both(one.group)) for one in permissions]
    return _table(("permission", "English", "French", "group", "French"), rows)


def presets_table() -> list[str]:
    permissions, grants = _rights()
    roles = _roles()
    held = {role.key: role.grants([one.key for one in permissions], grants) for role in roles}
    rows = [
        (f"`{one.key}`", *(str(held[role.key].get(one.key, "")).replace("None", "") for role in roles))
        for one in permissions
    ]
    return _table(("permission", *(f"`{role.key}`" for role in roles)), rows)


def roles_table() -> list[str]:
    rows = []
    for role in _roles():
        sets = [preset.key for preset in PRESETS.values() if role.key in {one.key for one in preset.roles}]
        rows.append(
            (f"`{role.key}`", *_both(role.name), str(role.rank), ", ".join(sets) or "all", *_both(role.description))
        )
    return _table(("role", "English", "French", "rank", "role set", "meaning", "French"), rows)


def aliases_table() -> list[str]:
    rows = [(f"`{alias}`", " and ".join(f"`{name}`" for name in names)) for alias, names in ALIASES.items()]
    return _table(("name", "permission"), rows)


def facade_table() -> list[str]:
    rows = []
    for name in sorted(api.__all__, key=str.casefold):
        value = getattr(api, name)
        said = SAID.get(name) or inspect.cleandoc(getattr(value, "__doc__", None) or "")
        rows.append((f"`{name}`", " ".join(said.partition("\n\n")[0].split())))
    return _table(("name", "what it is"), rows)


TABLES: dict[str, Callable[[], list[str]]] = {
    "settings": settings_table,
    "permissions": permissions_table,
    "presets": presets_table,
    "roles": roles_table,
    "aliases": aliases_table,
    "facade": facade_table,
}


def _rights() -> tuple[list[Permission], list[PresetGrant]]:
    """The permissions and preset grants of the kernel and of the product's own plugins, without a database."""
    found = [plugin for plugin in discover() if plugin.key in PLUGINS]
    registry = load_plugins(PLUGINS, builtin=MODULES, found=found, strict=True)
    types = RecordTypes()
    for key in ("ossature", *registry.keys):
        types.add([entry.value for entry in registry.registered(RECORDS) if entry.plugin == key])
    permissions = [*registry.values(PERMISSIONS), *(one for rt in types for one in rt.permissions())]
    return sorted(permissions, key=lambda one: one.key), list(registry.values(PRESET_GRANTS))


def _roles() -> list[PresetRole]:
    roles = {role.key: role for preset in PRESETS.values() for role in preset.roles}
    return sorted([OWNER_ROLE, *roles.values()], key=lambda role: -role.rank)


def _both(text: object) -> tuple[str, str]:
    """A text in English and in French."""
    with use_context(Context(locale="en")):
        english = str(text)
    with use_context(Context(locale="fr")):
        return english, str(text)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def written(text: str) -> str:
    """A page with its tables as they follow from the code."""
    return _TABLE.sub(lambda found: found[1] + "\n" + "\n".join(TABLES[found[2]]()) + "\n\n" + found[4], text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Tables of the documentation that follow from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something would change")
    check = parser.parse_args(arguments).check
    late = []
    for page in sorted(DOCS.rglob("*.md")):
        before = page.read_text("utf-8")
        after = written(before)
        if after != before:
            late.append(str(page.relative_to(DOCS.parent)))
            if not check:
                page.write_text(after, "utf-8")
    for name in late:
        print(f"{name} {'is out of date; run: python tools/reference_pages.py' if check else 'is written anew'}")
    return 1 if check and late else 0


if __name__ == "__main__":
    sys.exit(main())
