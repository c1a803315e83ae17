"""Whether this instance is alive, ready, and how busy: probes, metrics and the checks behind them."""
