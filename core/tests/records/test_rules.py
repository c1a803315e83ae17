"""What is written in the usual way is read by a shorter way, which comes to the same as the general one."""

from __future__ import annotations

from collections.abc import Callable

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ossature.records import rules


def outcome(rule: Callable[[str], str], value: str) -> str | None:
    try:
        return rule(value)
    except ValueError:
        return None


def any_address(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError from None


def any_number(value: str) -> str:
    try:
        number = phonenumbers.parse(value, "FR")
    except phonenumbers.NumberParseException:
        raise ValueError from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


local = st.text("aZé._+-9!", min_size=1, max_size=8) | st.sampled_from(["INFO", "Postmaster", "a" * 64, "a" * 65])
domain = st.text("aZ.-9é", min_size=1, max_size=8) | st.sampled_from(
    ["Example.COM", "xn--bcher-kva.example", "localhost", "a.test", f"{'a' * 63}.com", f"{'a.' * 124}fr"]
)


@settings(deadline=None)
@given(st.builds("{}@{}".format, local, domain))
@example("Anna.Martin@Example.com")
@example("no address")
def test_an_address_is_what_the_general_way_makes_of_it(value: str) -> None:
    assert outcome(rules.email_address, value) == outcome(any_address, value)


@settings(deadline=None)
@given(st.text("0123459+ .-", min_size=1, max_size=16))
@example("01 23 45 67 89")
@example("+33 1.23.45-67 89")
@example("0033123456789")
@example("+33 0 1 23 45 67 89")
@example("0012345678")
def test_a_number_is_what_the_general_way_makes_of_it(value: str) -> None:
    assert outcome(rules.phone_number, value) == outcome(any_number, value)
