"""What the title of a list reads: the views there are, and what can be done with the one that is shown."""

from __future__ import annotations

from dataclasses import dataclass

from ossature.web.models import Action


@dataclass(frozen=True, slots=True)
class ViewEntry:
    """A view in the menu; `default` where the reader's lists begin with it, `hint` says whose it is."""

    name: str
    url: str
    current: bool = False
    default: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ViewGroup:
    title: str
    entries: tuple[ViewEntry, ...]


@dataclass(frozen=True, slots=True)
class ViewsMenu:
    """`name` is the list's title, `kind` what it is a list of where the title does not say so. `save` is there where
    the reader may change the view shown, `discard` where the list differs from it; `save_as` and `edit` are addresses
    of forms."""

    name: str
    kind: str
    plain: ViewEntry
    groups: tuple[ViewGroup, ...]
    searchable: bool
    changed: bool
    link: str
    save_as: str
    export: str | None = None
    """Where what is shown is taken out into a file, for who may."""
    import_: str | None = None
    """Where a file is brought in, for who may."""
    save: Action | None = None
    discard: str | None = None
    edit: str | None = None
    defaults: tuple[Action, ...] = ()
    delete: Action | None = None
    warning: str = ""
