"""Column types of the product: money, secrets."""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from ossature.context import current_or_none

UNUSUAL_DECIMALS: dict[str, int] = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
"""Decimals of currencies that do not have 2 (ISO 4217, list one)."""
_CURRENCY = re.compile(r"^[A-Z]{3}$")


def currency_decimals(currency: str) -> int:
    """Decimals of a currency's minor unit: 2 for EUR, 0 for JPY, 3 for TND (ISO 4217)."""
    return UNUSUAL_DECIMALS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of an ISO 4217 currency: `Money(1050, "EUR")` is 10.50 euros."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not _CURRENCY.match(self.currency):
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency code")

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str) -> Money:
        """From an amount in major units, rounded half up to the minor unit."""
        scale = Decimal(1).scaleb(-currency_decimals(currency))
        rounded = Decimal(amount).quantize(scale, rounding=ROUND_HALF_UP)
        return cls(int(rounded.scaleb(currency_decimals(currency))), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with all its decimals: 10.50."""
        return Decimal(self.minor).scaleb(-currency_decimals(self.currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} and {self.currency} cannot be added without a rate")
        return other


class Keyring:
    """The encryption keys of the process, newest first; each ciphertext names the key that made it."""

    keys: ClassVar[dict[str, bytes]] = {}

    @classmethod
    def use(cls, keys: dict[str, bytes]) -> None:
        """Set the keys: id to 32 bytes. The first one encrypts, all decrypt."""
        for name, key in keys.items():
            if len(key) != 32:
                raise ValueError(f"encryption key {name!r} must be 32 bytes long")
        cls.keys = dict(keys)

    @classmethod
    def encrypt(cls, text: str, bound_to: str) -> str:
        name, key = next(iter(cls.keys.items()))
        nonce = os.urandom(12)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), bound_to.encode())
        return f"{name}:{b64encode(nonce + sealed).decode()}"

    @classmethod
    def decrypt(cls, ciphertext: str, bound_to: str) -> str:
        name, _, body = ciphertext.partition(":")
        if name not in cls.keys:
            raise ValueError(f"encryption key {name!r} is not configured; add it to OSSATURE_ENCRYPTION_KEYS")
        raw = b64decode(body)
        try:
            return AESGCM(cls.keys[name]).decrypt(raw[:12], raw[12:], bound_to.encode()).decode()
        except InvalidTag:
            raise ValueError("the ciphertext was altered or belongs to another tenant") from None


class EncryptedText(TypeDecorator[str]):
    """Text encrypted with AES-256-GCM under a named key and bound to the tenant: copied elsewhere it stays shut."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else Keyring.encrypt(value, self._tenant())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else Keyring.decrypt(value, self._tenant())

    @staticmethod
    def _tenant() -> str:
        context = current_or_none()
        return str(context.tenant_id) if context and context.tenant_id else ""
