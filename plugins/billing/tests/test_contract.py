import pytest

from ossature.testing import PluginContract

pytestmark = pytest.mark.database


class TestContract(PluginContract):
    key = "billing"
