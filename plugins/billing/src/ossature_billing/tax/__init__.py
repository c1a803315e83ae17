"""Which tax applies: rates and exemptions as dated data, the position of a line, and when its tax falls due."""
