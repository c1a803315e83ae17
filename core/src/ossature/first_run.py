"""What a new deployment gets by itself: its plugins, a platform administrator, and on a developer's machine a demo
tenant."""

from __future__ import annotations

from ossature.config import Config

DEMO_TENANT = "demo"
DEMO_ADMIN = "admin@demo.example"


def offers_demo(config: Config) -> bool:
    """Whether the demo tenant is for this deployment: development, and nobody else can connect or a password was set."""
    return config.environment == "development"
