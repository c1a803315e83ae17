"""Outgoing mail: asked for in a transaction, sent once that is committed."""
