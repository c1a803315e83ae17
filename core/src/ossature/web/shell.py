"""The frame around every page: what `page` is in the layouts, and how it is put together for one request.

The kernel builds one `Shell` at boot from the registries and hands it to `rendering.install_web`; a request asks it for
a `Page`. Nothing here reads the database: tenants and the reader come from callables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlencode

from flask import g, request, url_for

from ossature.context import Context, current_or_none
from ossature.hooks.types import NAV_GROUPS, NavItem
from ossature.i18n import translator
from ossature.web.csp import csp_nonce

_, _l, _n = translator("ossature")

COOKIE = "ossature_ui"
THEMES = ("auto", "light", "dark")
DENSITIES = ("comfortable", "compact")
GROUP_LABELS = {
    "main": _l("Home"),
    "sales": _l("Sales"),
    "billing": _l("Billing"),
    "stock": _l("Stock"),
    "training": _l("Training"),
    "reports": _l("Reports"),
    "settings": _l("Settings"),
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """How this device shows things; kept in a cookie that scripts write too, so that a choice holds without a request."""

    theme: str = "auto"
    density: str = "comfortable"
    rail: bool = False
    """The navigation is folded to icons."""
    keys: bool = True
    """Single-letter shortcuts are on (WCAG 2.1.4 lets people switch them off)."""
    closed: frozenset[str] = frozenset()
    """Navigation groups that are folded."""
    filters: bool = False
    """Lists show an input below each header."""

    @classmethod
    def read(cls, cookie: str | None, theme: str | None = None, density: str | None = None) -> Preferences:
        """From the cookie, else from what the account says; anything unknown is the default."""
        said = dict(parse_qsl(unquote(cookie or "")))
        chosen_theme = said.get("theme") or theme
        chosen_density = said.get("density") or density
        return cls(
            theme=chosen_theme if chosen_theme in THEMES else "auto",
            density=chosen_density if chosen_density in DENSITIES else "comfortable",
            rail=said.get("rail") == "1",
            keys=said.get("keys") != "0",
            filters=said.get("filters") == "1",
            closed=frozenset(filter(None, said.get("closed", "").split("."))),
        )

    def write(self) -> str:
        """The cookie's text, as the scripts write it."""
        said = {"theme": self.theme, "density": self.density, "rail": "1" if self.rail else "0"}
        said |= {"keys": "1" if self.keys else "0", "filters": "1" if self.filters else "0"}
        said["closed"] = ".".join(sorted(self.closed))
        return urlencode(said)


@dataclass(frozen=True, slots=True)
class Crumb:
    label: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class NavEntry:
    """A line of the navigation; `go` is the letter after `g` that leads there."""

    key: str
    label: str
    url: str
    icon: str
    active: bool = False
    go: str | None = None


@dataclass(frozen=True, slots=True)
class NavGroup:
    key: str
    label: str
    entries: tuple[NavEntry, ...]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is signed in, as the me menu shows it."""

    name: str
    email: str = ""
    theme: str | None = None
    density: str | None = None


@dataclass(frozen=True, slots=True)
class TenantChoice:
    """An organisation that the reader may work in."""

    name: str
    value: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class CreateEntry:
    label: str
    url: str
    icon: str = "plus"


@dataclass(frozen=True, slots=True)
class LocaleChoice:
    code: str
    name: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Banner:
    """One line for administrators over every page: something runs degraded."""

    text: str
    tone: Literal["info", "warning", "danger"] = "warning"
    url: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the layouts read."""

    title: str = ""
    product: str = "Ossature"
    locale: str = "en"
    nonce: str = ""
    fragment: bool = False
    preferences: Preferences = Preferences()
    navigation: tuple[NavGroup, ...] = ()
    bar: tuple[NavEntry, ...] = ()
    breadcrumbs: tuple[Crumb, ...] = ()
    reader: Reader | None = None
    tenant_name: str = ""
    tenants: tuple[TenantChoice, ...] = ()
    create: tuple[CreateEntry, ...] = ()
    locales: tuple[LocaleChoice, ...] = ()
    banner: Banner | None = None
    dead: int = 0
    """Jobs and events that failed for good, for those who look after them."""
    home_url: str = "/"
    search_url: str | None = None
    me_url: str | None = None
    settings_url: str | None = None
    sign_in_url: str | None = None
    sign_out_url: str | None = None
    switch_tenant_url: str | None = None
    locale_url: str | None = None
    preferences_url: str | None = None
    request_id: str = ""

    @property
    def gos(self) -> tuple[NavEntry, ...]:
        """Entries reached by `g` and a letter, for the sheet of shortcuts."""
        return tuple(entry for group in self.navigation for entry in group.entries if entry.go)


Endpoint = str | None


@dataclass(frozen=True, slots=True)
class Shell:
    """What the frame is made from. Endpoints that are None leave their part out.

    `navigation` yields the items of plugins enabled for the bound tenant; permission is checked here. `create`,
    `tenants`, `reader`, `banner` and `dead` are asked once per page.
    """

    product: str = "Ossature"
    navigation: Callable[[], Iterable[NavItem]] = tuple
    create: Callable[[Context], Iterable[CreateEntry]] = lambda context: ()
    reader: Callable[[Context], Reader | None] = lambda context: None
    tenants: Callable[[Context], Sequence[TenantChoice]] = lambda context: ()
    banner: Callable[[Context], Banner | None] = lambda context: None
    dead: Callable[[Context], int] = lambda context: 0
    locale_names: Mapping[str, str] = field(default_factory=lambda: {"en": "English", "fr": "Français"})
    home: str = "/"
    search: Endpoint = None
    me: Endpoint = None
    settings: Endpoint = None
    sign_in: Endpoint = None
    sign_out: Endpoint = None
    switch_tenant: Endpoint = None
    set_locale: Endpoint = None
    set_preferences: Endpoint = None

    def page(self, title: str = "", breadcrumbs: Sequence[Crumb] = ()) -> Page:
        """The frame of the current request's page."""
        context = current_or_none() or Context()
        reader = self.reader(context) if context.user_id or context.actor else None
        preferences = Preferences.read(
            request.cookies.get(COOKIE), reader.theme if reader else None, reader.density if reader else None
        )
        navigation = tuple(self._groups(context, preferences.closed)) if reader else ()
        tenants = tuple(self.tenants(context)) if reader else ()
        return Page(
            title=str(title),
            product=self.product,
            locale=context.locale,
            nonce=csp_nonce(),
            fragment=wants_fragment(),
            preferences=preferences,
            navigation=navigation,
            bar=_bar(navigation),
            breadcrumbs=tuple(breadcrumbs),
            reader=reader,
            tenant_name=context.tenant.name if context.tenant else "",
            tenants=tenants,
            create=tuple(self.create(context)) if reader else (),
            locales=tuple(LocaleChoice(code, name, code == context.locale) for code, name in self.locale_names.items()),
            banner=self.banner(context) if reader else None,
            dead=self.dead(context) if reader and not wants_fragment() else 0,
            home_url=self.home,
            search_url=_url(self.search),
            me_url=_url(self.me),
            settings_url=_url(self.settings),
            sign_in_url=_url(self.sign_in),
            sign_out_url=_url(self.sign_out),
            switch_tenant_url=_url(self.switch_tenant),
            locale_url=_url(self.set_locale),
            preferences_url=_url(self.set_preferences) if reader else None,
            request_id=context.request_id,
        )

    def _groups(self, context: Context, closed: frozenset[str]) -> Iterable[NavGroup]:
        items = [
            item for item in self.navigation() if item.permission is None or context.access.allows(item.permission)
        ]
        if not any(item.group == "main" for item in items):
            items.insert(0, NavItem("home", GROUP_LABELS["main"], url=self.home, icon="home"))
        urls = {item.key: item.url or url_for(str(item.endpoint)) for item in items}
        active = _active(urls)
        letters = _letters([item.key for item in items])
        for group in NAV_GROUPS:
            entries = tuple(
                NavEntry(
                    item.key, str(item.label), urls[item.key], item.icon, item.key == active, letters.get(item.key)
                )
                for item in items
                if item.group == group
            )
            if entries:
                folded = group in closed and not any(entry.active for entry in entries)
                yield NavGroup(group, str(GROUP_LABELS[group]), entries, folded)


def wants_fragment() -> bool:
    """Asked by htmx for a part of a page, and not for a page that it shows as a whole."""
    headers = request.headers
    if headers.get("HX-Request") != "true" or g.get("whole_page"):
        return False
    return headers.get("HX-Boosted") != "true" and headers.get("HX-History-Restore-Request") != "true"


def _url(endpoint: Endpoint) -> str | None:
    return url_for(endpoint) if endpoint else None


def _active(urls: Mapping[str, str]) -> str | None:
    """The item whose address is the longest beginning of this page's."""
    path = request.path.rstrip("/") or "/"
    inside = [
        (len(url), key)
        for key, url in urls.items()
        if path == (bare := url.split("?")[0].rstrip("/") or "/") or (bare != "/" and path.startswith(bare + "/"))
    ]
    return max(inside)[1] if inside else None


def _letters(keys: Sequence[str]) -> dict[str, str]:
    """A letter for each item, the first of its key that is still free; the same in every language."""
    taken: dict[str, str] = {}
    for key in keys:
        name = key.rpartition(".")[2]
        letter = next((char for char in name if char.isalpha() and char not in taken.values()), None)
        if letter:
            taken[key] = letter
    return taken


def _bar(groups: Sequence[NavGroup]) -> tuple[NavEntry, ...]:
    """The first four lines of work for the bar of a phone; the fifth place is the menu's."""
    entries = [entry for group in groups if group.key != "settings" for entry in group.entries]
    return tuple(entries[:4])
