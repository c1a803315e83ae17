"""Passwords: Argon2id hashes, the rules for a new one, and checking one without telling whether the account exists.

Hashing takes tens of milliseconds on purpose: call these outside any database transaction.
"""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ossature.errors import Detail
from ossature.i18n import translator

_, _l, ngettext = translator("ossature")

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 256

# RFC 9106's second recommendation, lowered to what OWASP's cheat sheet takes as equal for 46 MiB.
_hasher = PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)

# The most used passwords of public leaks that are long enough to pass the length rule; compared without case.
COMMON = frozenset(
    [
        "123456789012",
        "1234567890123",
        "1234567890123456",
        "123456123456",
        "123123123123",
        "111111111111",
        "000000000000",
        "121212121212",
        "112233445566",
        "987654321098",
        "0123456789ab",
        "1q2w3e4r5t6y",
        "1q2w3e4r5t6y7u",
        "qwertyuiop123",
        "qwertyuiopas",
        "qwertyuiop12",
        "qwerty123456",
        "qwerty1234567",
        "qwertyqwerty",
        "azertyuiop123",
        "azertyuiopqs",
        "azerty123456",
        "azertyazerty",
        "1qaz2wsx3edc",
        "1qaz2wsx3edc4rfv",
        "zaq12wsxcde3",
        "password1234",
        "password12345",
        "password123456",
        "passwordpassword",
        "password@123",
        "motdepasse12",
        "motdepasse123",
        "motdepasse1234",
        "motdepassemotdepasse",
        "administrator",
        "administrateur",
        "adminadminadmin",
        "admin1234567",
        "admin12345678",
        "welcome12345",
        "welcome123456",
        "bienvenue123",
        "bienvenue1234",
        "letmein12345",
        "letmeinletmein",
        "iloveyou1234",
        "iloveyouiloveyou",
        "jetaime12345",
        "jetaimejetaime",
        "footballfootball",
        "liverpool123",
        "marseille1234",
        "changeme1234",
        "changemechangeme",
        "changemoi1234",
        "correcthorsebatterystaple",
        "trustno1trustno1",
        "abcdefghijkl",
        "abcdefghijklm",
        "abcd12345678",
        "abcdef123456",
        "abc123abc123",
        "aaaaaaaaaaaa",
        "asdfghjkl123",
        "asdfasdfasdf",
        "qazwsxedcrfv",
        "unknownunknown",
        "secretsecret",
        "superman1234",
        "sunshine1234",
        "princess1234",
        "dragon123456",
        "monkey123456",
        "master123456",
    ]
)


def hash_password(password: str) -> str:
    return _hasher.hash(password)


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash to spend the same time on when there is no account."""
    return _hasher.hash("no account has this password")


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password fits; as slow for an unknown account (`stored` None) as for a known one."""
    try:
        _hasher.verify(stored or _nobody(), password[:MAXIMUM_LENGTH])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def check_new_password(password: str, email: str) -> list[Detail]:
    """What is wrong with a new password, empty when nothing is (NIST SP 800-63B: length and a blocklist, no recipe)."""
    wrong = None
    folded = password.casefold()
    if len(password) < MINIMUM_LENGTH:
        wrong = (
            "too_short",
            _("Use at least %(count)s characters; a short sentence works well.", count=MINIMUM_LENGTH),
        )
    elif len(password) > MAXIMUM_LENGTH:
        wrong = ("too_long", _("Use at most %(count)s characters.", count=MAXIMUM_LENGTH))
    elif folded in {email.casefold(), email.casefold().partition("@")[0]}:
        wrong = ("is_email", _("The password must not be your e-mail address."))
    elif folded in COMMON or len(set(folded)) < 4:
        wrong = ("too_common", _("This password is among the first that anybody would try. Choose another."))
    return [Detail("password", *wrong)] if wrong else []
