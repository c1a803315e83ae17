"""Records: one declaration, everything follows."""

from ossature.records.fields import (
    Field,
    Kind,
    boolean,
    choice,
    country,
    day,
    decimal,
    derived,
    email_address,
    integer,
    long_text,
    moment,
    money,
    part_of,
    phone_number,
    position,
    reference,
    secret,
    text,
    web_address,
)
from ossature.records.record import DeclarationError, Part, Record, RecordBase
from ossature.records.screens import Grid, Related, Screens, Section
from ossature.records.types import RecordType, RecordTypes, describe

__all__ = [
    "DeclarationError", "Field", "Grid", "Kind", "Part", "Record", "RecordBase", "RecordType", "RecordTypes", "Related", "Screens",
    "Section", "boolean", "choice", "country", "day", "decimal", "derived", "describe", "email_address", "integer", "long_text",
    "moment", "money", "part_of", "phone_number", "position", "reference", "secret", "text", "web_address",
]  # fmt: skip
