"""Which language and which time zone a person gets."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from ossature.i18n.texts import SOURCE_LOCALE, locales

DEFAULT_TIME_ZONE = "Europe/Paris"


def negotiate(accept_language: str | None) -> str | None:
    """The language of ours that a browser's `Accept-Language` likes best, None when it names none of them."""
    if not accept_language:
        return None
    # best_match() would prefer a lesser wish named exactly (en) to a greater one named with its region (fr-CH)
    for wish, quality in parse_accept_header(accept_language, LanguageAccept):
        language = wish.replace("_", "-").partition("-")[0].lower()
        if quality > 0 and language in locales():
            return language
    return None


def choose_locale(user: str | None = None, tenant: str | None = None, accept_language: str | None = None) -> str:
    """The person's own choice, else the tenant's, else the browser's, else English."""
    for wish in (user, tenant):
        if wish and wish in locales():
            return wish
    return negotiate(accept_language) or SOURCE_LOCALE


def choose_time_zone(user: str | None = None, tenant: str | None = None) -> str:
    """The person's own choice, else the tenant's, else Paris; names unknown to this machine are passed over."""
    for wish in (user, tenant):
        if wish and is_time_zone(wish):
            return wish
    return DEFAULT_TIME_ZONE


@cache
def time_zones() -> frozenset[str]:
    """The names this machine knows; read from disk once."""
    return frozenset(available_timezones())


def is_time_zone(name: str) -> bool:
    return name in time_zones()


def zone(name: str) -> ZoneInfo:
    """The zone of a stored name, Paris when this machine does not know it."""
    return ZoneInfo(name if is_time_zone(name) else DEFAULT_TIME_ZONE)
