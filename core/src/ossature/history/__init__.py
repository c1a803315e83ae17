"""History: what was changed, by whom, when and by what means, read from the change sets that the database writes."""

from ossature.history.timeline import Entry, FieldChange, TimelinePage, timeline

__all__ = ["Entry", "FieldChange", "TimelinePage", "timeline"]
