"""Users, sessions, keys and tokens, and the gate that every request passes."""
