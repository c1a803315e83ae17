"""Plugins: found by their metadata, ordered by what they need, loaded one by one."""
