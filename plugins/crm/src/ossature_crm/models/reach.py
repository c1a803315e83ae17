"""Ways to reach people and companies, declared once for both."""

from __future__ import annotations

from typing import ClassVar

from ossature.api import Mapped, choice, country, email_address, phone_number, text, translator

_, _l, ngettext = translator("crm")

SOURCES = {
    "website": _l("Website"),
    "referral": _l("Referral"),
    "cold_call": _l("Cold call"),
    "event": _l("Event"),
    "partner": _l("Partner"),
    "advertisement": _l("Advertisement"),
    "other": _l("Other"),
}
"""Where people and deals come from."""


class AddressFields:
    """A postal address: two lines, city, state, postal code, country."""

    __lines__: ClassVar[tuple[str, ...]] = ("line1", "line2", "postal_code city", "state", "country")

    kind: Mapped[str] = choice(
        _l("Kind"),
        {
            "headquarters": _l("Headquarters"),
            "billing": _l("Billing"),
            "delivery": _l("Delivery"),
            "home": _l("Home"),
            "other": _l("Other"),
        },
        default="headquarters",
    )
    line1: Mapped[str] = text(_l("Street"), personal=True)
    line2: Mapped[str | None] = text(_l("Street, second line"), personal=True)
    postal_code: Mapped[str | None] = text(_l("Postal code"), max_length=20, personal=True)
    city: Mapped[str] = text(_l("City"), max_length=120, personal=True)
    state: Mapped[str | None] = text(_l("State or region"), max_length=120, personal=True)
    country: Mapped[str] = country(_l("Country"), default="FR")


class EmailFields:
    """A further e-mail address and what it is for."""

    email: Mapped[str] = email_address(_l("E-mail"))
    label: Mapped[str | None] = text(_l("What for"), max_length=60)


class PhoneFields:
    """A further telephone number and what it is for."""

    phone: Mapped[str] = phone_number(_l("Telephone"))
    label: Mapped[str | None] = text(_l("What for"), max_length=60)


__all__ = ["AddressFields", "EmailFields", "PhoneFields"]
