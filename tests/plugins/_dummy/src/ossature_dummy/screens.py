"""How pebbles look."""

from __future__ import annotations

from ossature.api import Screens
from ossature_dummy.models.pebble import Pebble

pebble_screens = Screens(Pebble, list=["name", "weight", "colour", "found_on"], board="colour", calendar="found_on")
