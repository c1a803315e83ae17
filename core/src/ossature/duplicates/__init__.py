"""Records that stand for the same thing: found by rules that a record declares, looked at in pairs, merged into one."""
