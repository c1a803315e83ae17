"""The kernel's own records: teams and legal entities."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from ossature.i18n import is_time_zone, translator
from ossature.records import Record, Screens, Section, choice, long_text, text
from ossature.records.rules import country_code, siren, vat_number

_, _l, ngettext = translator("ossature")

CURRENCIES = ("EUR", "CHF", "GBP", "USD", "CAD", "MAD", "TND", "XOF", "XAF", "JPY")


def _time_zone(value: str) -> str:
    if not is_time_zone(value):
        raise ValueError(_("Write a time zone such as Europe/Paris."))
    return value


class Team(Record):
    """People who work together; rights of reach team cover what anybody in it owns."""

    __key__ = "ossature.team"
    __label__ = _l("Team")
    __plural__ = _l("Teams")
    __new_label__ = _l("New team")
    __slug__ = "teams"
    __icon__ = "users-group"

    name: Mapped[str] = text(_l("Name"), max_length=120, unique=True, sort=True, search=True)
    description: Mapped[str | None] = long_text(_l("What it does"), max_length=2000)


class LegalEntity(Record):
    """A company or association under whose name the organisation acts: it issues documents and keeps accounts."""

    __key__ = "ossature.legal_entity"
    __label__ = _l("Legal entity")
    __plural__ = _l("Legal entities")
    __new_label__ = _l("New legal entity")
    __slug__ = "legal-entities"
    __icon__ = "building"

    name: Mapped[str] = text(_l("Name"), sort=True, search=True)
    siren: Mapped[str | None] = text(_l("SIREN"), max_length=9, rule=siren, unique=True, search=True)
    vat_number: Mapped[str | None] = text(_l("VAT number"), max_length=20, rule=vat_number)
    street: Mapped[str | None] = text(_l("Street"))
    postcode: Mapped[str | None] = text(_l("Postcode"), max_length=20)
    city: Mapped[str | None] = text(_l("City"), max_length=120, search=True)
    country: Mapped[str] = text(
        _l("Country"), max_length=2, rule=country_code, default="FR", help=_l("Two letters, such as FR.")
    )
    currency: Mapped[str] = choice(_l("Currency"), {code: code for code in CURRENCIES}, default="EUR")
    time_zone: Mapped[str] = text(
        _l("Time zone"), max_length=60, rule=_time_zone, default="Europe/Paris", help=_l("Decides what “today” is.")
    )
    tax_regime: Mapped[str] = choice(
        _l("VAT"),
        {
            "standard": _l("Charges VAT"),
            "franchise": _l("Exempt: small business (CGI art. 293 B)"),
            "training": _l("Exempt: vocational training (CGI art. 261-4-4)"),
            "none": _l("Outside the scope of VAT"),
        },
        default="standard",
    )


TEAM_SCREENS = Screens(Team, list=["name", "description"])
LEGAL_ENTITY_SCREENS = Screens(
    LegalEntity,
    list=["name", "siren", "city", "currency"],
    facts=["siren", "vat_number", "city", "country", "currency", "time_zone", "tax_regime"],
    sections=[
        Section(["name", "siren", "vat_number", "tax_regime"]),
        Section(["street", "postcode", "city", "country"], _l("Address")),
        Section(["currency", "time_zone"], _l("Money and time")),
    ],
)
