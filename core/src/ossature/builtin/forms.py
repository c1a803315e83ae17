"""Forms of sign-in and settings: CSRF, texts in the reader's language, and refusals of services beside their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms.fields import SelectChoice, StringField
from wtforms.validators import DataRequired, ValidationError

from ossature.errors import Refusal
from ossature.i18n import translator
from ossature.records.clean import Wrong, clean_text

_, _l, ngettext = translator("ossature")

REQUIRED = _l("Fill this in.")


_NOT_LISTED = _l("Choose from the list.")
_WORDS = {
    "Not a valid choice.": _NOT_LISTED,
    "Invalid Choice: could not coerce.": _NOT_LISTED,
    "Invalid choice(s): one or more data inputs could not be coerced.": _NOT_LISTED,
    "Not a valid integer value.": _l("Write a whole number."),
}


class _Messages:
    """The few messages that WTForms says of its own accord, in our words."""

    def gettext(self, message: str) -> str:
        return str(_WORDS.get(message, message))

    def ngettext(self, _one: str, _many: str, _number: int) -> str:
        return str(_NOT_LISTED)


class Form(FlaskForm):  # type: ignore[misc]
    """Base of the kernel's own forms."""

    form_errors: list[str]

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        def get_translations(self, form: Any) -> _Messages:
            return _Messages()

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether all is well; no column can hold what `clean_text` refuses, such as a NUL."""
        well: bool = super().validate(extra_validators)
        for field in self:
            if isinstance(field, StringField) and field.data:
                try:
                    clean_text(field.data)
                except Wrong as wrong:
                    field.errors, well = [*field.errors, str(wrong)], False
        return well

    def refuse(self, refusal: Refusal) -> None:
        """Put what a service refused beside the fields it names, and the rest on top."""
        rest = []
        for detail in refusal.details:
            field = self._fields.get(detail.field)
            if field is None:
                rest.append(str(detail.message))
            else:
                field.errors = [*field.errors, str(detail.message)]
        if rest or not refusal.details:
            self.form_errors.extend(rest or [str(refusal.message)])


class Option(SelectChoice):  # type: ignore[misc]
    """A choice of a list, which templates read as the pair (value, label)."""

    def __getitem__(self, place: int) -> object:
        return (self.value, self.label)[place]


def options(pairs: Iterable[tuple[object, object]]) -> list[Option]:
    return [Option(value, label) for value, label in pairs]


def by_id(value: object) -> UUID:
    """How a field of ids reads what was posted."""
    return value if isinstance(value, UUID) else UUID(str(value))


def required() -> DataRequired:
    return DataRequired(REQUIRED)


def at_most(length: int) -> Callable[[Any, Any], None]:
    def check(_form: Any, field: Any) -> None:
        if len(field.data or "") > length:
            raise ValidationError(_("Use at most %(count)s characters.", count=length))

    return check


def between(least: int, most: int) -> Callable[[Any, Any], None]:
    def check(_form: Any, field: Any) -> None:
        if field.data is not None and not least <= field.data <= most:
            raise ValidationError(_("Choose between %(least)s and %(most)s.", least=least, most=most))

    return check


def stripped(value: str | None) -> str | None:
    """A filter: spaces around are not meant."""
    return value.strip() if isinstance(value, str) else value
