"""Documents as XML, and the official rules that run over it."""
