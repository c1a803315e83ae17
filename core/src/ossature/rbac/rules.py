"""Who may call a route: said beside the view, enforced before it in one place, refused at boot when missing.

@requires("ossature.members.manage")   members whose roles grant it; 401 signed out, 403 without
@signed_in                             any member of the tenant
@signed_in(tenant=False)               anybody with an account, tenant chosen or not
@platform_admin                        administrators of the installation
@public                                everybody; who is signed in is known where they are
@bare                                  everybody, and nothing is looked up: assets, probes
@link("billing.quote.accept")          who holds a link for that purpose (`ossature.records.links`)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, overload

from flask import g

View = TypeVar("View", bound=Callable[..., Any])

Kind = Literal["permission", "signed_in", "platform_admin", "public", "bare", "link"]


@dataclass(frozen=True, slots=True)
class AccessRule:
    """What a route asks of its caller; `tenant` says whether one must be known.

    `link` is the purpose of the links that open it, `may` what they permit besides seeing the record.
    """

    kind: Kind
    permission: str | None = None
    tenant: bool = True
    link: str | None = None
    may: tuple[str, ...] = ()


PUBLIC = AccessRule("public", tenant=False)
BARE = AccessRule("bare", tenant=False)


def declare(view: View, rule: AccessRule) -> View:
    """Give a view its rule; also for views made in a loop or by a library."""
    view.__access__ = rule  # type: ignore[attr-defined]
    return view


def requires(permission: str) -> Callable[[View], View]:
    return lambda view: declare(view, AccessRule("permission", permission))


@overload
def signed_in(view: View) -> View: ...
@overload
def signed_in(*, tenant: bool = True) -> Callable[[View], View]: ...
def signed_in(view: Any = None, *, tenant: bool = True) -> Any:
    rule = AccessRule("signed_in", tenant=tenant)
    return declare(view, rule) if view is not None else lambda it: declare(it, rule)


def platform_admin(view: View) -> View:
    return declare(view, AccessRule("platform_admin", tenant=False))


def public(view: View) -> View:
    return declare(view, PUBLIC)


def bare(view: View) -> View:
    return declare(view, BARE)


def shows_again(view: View) -> View:
    """Say that a view can show a form again that was sent without a proof of coming from our page, since the session is
    a new one: what was typed comes back with a fresh proof. Such a view asks `unproven()` and then writes nothing."""
    view.__shows_again__ = True  # type: ignore[attr-defined]
    return view


def unproven() -> bool:
    """Whether what was sent lacks that proof, so that nothing may be written."""
    return bool(g.get("unproven"))


def takes_files(view: View, most: Literal["files_max_bytes", "import_max_bytes"] = "files_max_bytes") -> View:
    """A request for it may be as large as a file, the setting `most` says how large; others have the general limit."""
    view.__takes_files__ = most  # type: ignore[attr-defined]
    return view


def rule_of(view: Callable[..., Any], method: str) -> AccessRule | None:
    """The rule of a view function, or of the method of a class-based view that answers `method`."""
    rule = getattr(view, "__access__", None)
    if rule is None and (cls := getattr(view, "view_class", None)) is not None:
        handler = getattr(cls, method.lower(), None) or (getattr(cls, "get", None) if method == "HEAD" else None)
        rule = getattr(handler, "__access__", None) or getattr(cls, "__access__", None)
    return rule if isinstance(rule, AccessRule) else None
