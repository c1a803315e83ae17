"""`python -m torture.launch serve`: a process of the product with traps in it, and with shorter pauses."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
from importlib import import_module
from pathlib import Path

faulthandler.register(signal.SIGUSR2)  # `torture.standstill` asks for stacks, also of what starts or hangs

SILENT_AFTER = 3.0

# What is waited for in the product, shortened so that a round takes seconds.
SHORTER = {
    "ossature.jobs.run": {"BEAT_EVERY": 0.25, "SILENT_AFTER": SILENT_AFTER},
    "ossature.jobs.pushing": {"_FORGOTTEN_AFTER": 2},
    "ossature.events.dispatcher": {"_TEND_EVERY": 0.5, "_LOOK_EVERY": 1.0, "_NOTHING_FOR": 0.2},
    "ossature.jobs.scheduler": {"LOOK_EVERY": 0.5},
    "ossature.jobs.worker": {"UNCLAIMED_FOR": 10.0, "_LOOK_EVERY": 1},
}


def main() -> None:
    multiprocessing.set_start_method("fork")
    for name, values in SHORTER.items():  # in this order: the second is made of values of the first
        module = import_module(name)
        for attribute, value in values.items():
            assert hasattr(module, attribute), f"{name} has no {attribute} any more"
            setattr(module, attribute, value)
    from ossature.events.types import Handler
    from ossature.jobs.types import Job

    Handler.pause_after = Job.pause_after = lambda _self, _attempts: 0.3  # type: ignore[assignment,method-assign,return-value]

    from torture.traps import install

    install(sys.argv[1], Path(os.environ["TORTURE_FOLDER"]))
    from ossature.cli import main as ossature

    ossature()


main()
