"""Hooks: how plugins answer the kernel."""
