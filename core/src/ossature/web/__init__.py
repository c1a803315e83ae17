"""Pages: the frame around them, the parts they are made of, and the files browsers fetch."""

from ossature.web.rendering import install_web, notify, render, render_error
from ossature.web.shell import Crumb, Shell

__all__ = ["Crumb", "Shell", "install_web", "notify", "render", "render_error"]
