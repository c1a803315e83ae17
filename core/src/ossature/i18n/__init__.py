"""Languages and time zones."""

from ossature.i18n.locale import choose_locale, choose_time_zone, is_time_zone, negotiate, zone
from ossature.i18n.texts import Text, load_catalogues, load_kernel_catalogues, locales, translator

__all__ = [
    "Text",
    "choose_locale",
    "choose_time_zone",
    "is_time_zone",
    "load_catalogues",
    "load_kernel_catalogues",
    "locales",
    "negotiate",
    "translator",
    "zone",
]
