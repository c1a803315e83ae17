"""Sample data: what plugins offer through `register_demo_data`, loaded into a tenant and taken away again."""

from ossature.demo.loading import load_demo, remove_demo

__all__ = ["load_demo", "remove_demo"]
