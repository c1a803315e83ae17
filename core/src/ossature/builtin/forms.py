"""Forms of sign-in and settings: CSRF, texts in the reader's language, and refusals of services beside their fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectMultipleField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from ossature.errors import Refusal
from ossature.i18n import translator

_, _l, ngettext = translator("ossature")

REQUIRED = _l("Fill this in.")


class Form(FlaskForm):  # type: ignore[misc]
    """Base of the kernel's own forms."""

    form_errors: list[str]

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        def get_translations(self, form: Any) -> None:
            """None: every message we use is our own."""

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


class Checks(SelectMultipleField):  # type: ignore[misc]
    """Several of a list, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def required() -> DataRequired:
    return DataRequired(REQUIRED)


def at_most(length: int) -> Length:
    return Length(max=length, message=_l("Use at most %(count)s characters.", count=length))


def stripped(value: str | None) -> str | None:
    """A filter: spaces around are not meant."""
    return value.strip() if isinstance(value, str) else value
