from ossature.testing import PluginContract


class TestContract(PluginContract):
    key = "crm"
