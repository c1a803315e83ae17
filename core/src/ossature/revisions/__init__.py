"""Revisions: the migrations that lead a plugin's schema to its declarations, written as code."""
