"""The database: engines per role, the unit of work, column types and migrations."""

from ossature.db.database import Database
from ossature.db.work import after_commit, by_means, change_set_id, session, transaction, unit_of_work

__all__ = ["Database", "after_commit", "by_means", "change_set_id", "session", "transaction", "unit_of_work"]
