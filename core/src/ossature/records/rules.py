"""Rules for text that has a form: each takes what was typed and returns what is stored, or raises `ValueError`.

The message of the error is a sentence for the person who typed: what is wrong and what a right value looks like.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from babel import Locale
from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES, EMAIL_MAX_LENGTH, LOCAL_PART_MAX_LENGTH
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError as NumberError
from stdnum.fr import siren as fr_siren
from stdnum.fr import siret as fr_siret

from ossature.context import current_or_none
from ossature.i18n.texts import translator

_, _l, _n = translator("ossature")

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"})
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_NUMBER_BEGINS = re.compile(r"\s*\+?[\d\s.()/-]*")
_WEB = re.compile(r"^https?://[^\s/?#@]+\.[^\s/?#@]{2,}([/?#]\S*)?$", re.IGNORECASE)

COUNTRIES: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS) | {"AQ", "TF", "UM", "BV", "HM", "GS", "PN"}


# Most addresses are such; the general way takes twenty times as long, most of it for domains, of which there are few.
_PLAIN_ADDRESS = re.compile(r"([A-Za-z0-9_+-]{1,64}(?:\.[A-Za-z0-9_+-]{1,64})*)@([A-Za-z0-9.-]{1,253})")


def email_address(value: str) -> str:
    """An e-mail address (RFC 5321 and 6531); its domain is stored in lower case."""
    try:
        plain = _PLAIN_ADDRESS.fullmatch(value) if len(value) <= EMAIL_MAX_LENGTH else None
        if plain and len(plain[1]) <= LOCAL_PART_MAX_LENGTH and plain[1].lower() not in CASE_INSENSITIVE_MAILBOX_NAMES:
            domain = _domain(plain[2])
            if domain.isascii():
                return f"{plain[1]}@{domain}"
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError(_("Enter a full e-mail address, such as anna@example.com.")) from None


@lru_cache(maxsize=8192)
def _domain(value: str) -> str:
    return validate_email(f"a@{value}", check_deliverability=False).domain


# As above: ten digits, or nine behind the country's prefix.
_FRENCH_AS_TYPED = re.compile(r"(?:0|\+33|0033)([1-9][0-9]{8})")
_BETWEEN_DIGITS = str.maketrans("", "", " .-")


def phone_number(value: str) -> str:
    """A telephone number as E.164 (`+33612345678`), an extension kept as `;ext=12`; French without a prefix."""
    if french := _FRENCH_AS_TYPED.fullmatch(value.translate(_BETWEEN_DIGITS)):
        return f"+33{french[1]}"
    try:
        number = phonenumbers.parse(value, "FR")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValueError(_("Enter a telephone number, such as 01 23 45 67 89 or +32 2 123 45 67."))
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{written};ext={number.extension}" if number.extension else written


def phone_beginning(value: str) -> str:
    """How stored numbers begin that are written so: `01 23` is `+33123`. Other text is left as it is."""
    digits = "".join(ch for ch in value.replace("(0)", "") if ch.isdecimal())
    if not _NUMBER_BEGINS.fullmatch(value) or not digits:
        return value
    if not value.lstrip().startswith("+"):
        digits = digits[2:] if digits.startswith("00") else f"33{digits[1:]}" if digits.startswith("0") else digits
    return f"+{digits}"


# Most numbers here are such; the general way takes a hundred times as long, and a list shows fifty.
_FRENCH = re.compile(r"\+33([1-79])(\d\d)(\d\d)(\d\d)(\d\d)")


@lru_cache(maxsize=8192)
def shown_phone_number(value: str) -> str:
    """A stored number as people write it: national spacing for France, international for others."""
    if french := _FRENCH.fullmatch(value):
        return "0" + " ".join(french.groups())
    try:
        number = phonenumbers.parse(value.replace(";ext=", " x"), "FR")
    except phonenumbers.NumberParseException:
        return value
    form = (
        phonenumbers.PhoneNumberFormat.NATIONAL
        if number.country_code == 33
        else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return phonenumbers.format_number(number, form)


def web_address(value: str) -> str:
    """An http or https address; `https://` is added when no scheme is given."""
    address = value if _SCHEME.match(value) else f"https://{value}"
    if not _WEB.match(address):
        raise ValueError(_("Enter a web address, such as https://example.com."))
    return address


def siren(value: str) -> str:
    """A SIREN, nine digits with a valid check digit (Luhn), as INSEE assigns them."""
    try:
        return str(fr_siren.validate(value))
    except NumberError:
        raise ValueError(_("A SIREN has 9 digits with a valid check digit, such as 552 008 443.")) from None


def siret(value: str) -> str:
    """A SIRET, fourteen digits: SIREN, establishment, check digit (La Poste's exception included)."""
    try:
        return str(fr_siret.validate(value))
    except NumberError:
        raise ValueError(_("A SIRET has 14 digits with a valid check digit, such as 552 008 443 01234.")) from None


def vat_number(value: str) -> str:
    """An intra-community VAT number with its country prefix, its check digits verified."""
    try:
        return str(eu_vat.validate(value))
    except NumberError:
        raise ValueError(_("Enter a VAT number with its country code, such as FR83404833048.")) from None


class CountryName:
    """A country's name in the reader's language."""

    __slots__ = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code

    def __str__(self) -> str:
        context = current_or_none()
        names = Locale.parse(context.locale if context else "en").territories
        return str(names.get(self.code, self.code))


COUNTRY_NAMES: dict[str, CountryName] = {code: CountryName(code) for code in sorted(COUNTRIES)}


def folded(text: str) -> str:
    """Text without case and accents, as the database's `ossature.fold` has it."""
    if text.isascii():
        return text.lower()
    # Each letter on its own, as the database does: a last sigma is no other letter than one before it.
    plain = "".join(map(str.lower, unicodedata.normalize("NFKD", text)))
    plain = "".join(ch for ch in plain if not "\u0300" <= ch <= "\u036f")
    return plain.translate(LIGATURES)


def country_code(value: str) -> str:
    """A country as ISO 3166-1 alpha-2, in capitals."""
    code = value.upper()
    if code not in COUNTRIES:
        raise ValueError(_("Enter a two-letter country code, such as FR or BE."))
    return code
