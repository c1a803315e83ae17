"""Child processes that never outlive what started them, and the ending of those that did.

On Linux the system signals a child when its parent dies, even by kill -9. Elsewhere, and for a machine that lost
its power in between, the next start finds what is left by working folder and program name and ends it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_LARGEST_LOG = 10 * 1024 * 1024


class EmbeddedError(Exception):
    """An embedded server cannot run; the message says why and what to do."""


def die_with_parent(death_signal: int = signal.SIGTERM, parent: int | None = None) -> None:
    """Ask the system to send this process `death_signal` once its parent has died; nothing where not known."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), death_signal)


def spawn(
    arguments: Sequence[str | Path],
    *,
    log: Path | None = None,
    death_signal: int = signal.SIGTERM,
    account: pwd.struct_passwd | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own (Ctrl-C reaches the supervisor alone), writing to `log` or our own outputs.

    Call it from the main thread: the system watches the thread that started a child.
    """
    output = log.open("ab") if log is not None else None
    try:
        return subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=dict(environment) if environment is not None else None,
            start_new_session=True,
            preexec_fn=_bound_to_us(death_signal),
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        if output is not None:
            output.close()


def _bound_to_us(death_signal: int) -> Callable[[], None]:
    parent = os.getpid()
    return lambda: die_with_parent(death_signal, parent)


def stop(process: subprocess.Popen[bytes], stop_signal: int, seconds: float) -> None:
    """End a child politely, after `seconds` by force."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_leftovers(folder: Path, program: str, stop_signal: int, seconds: float = 30) -> int:
    """End processes named `program` that work in `folder`, left by a start that was killed; how many there were."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == program and Path(process.cwd()) == folder:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # it ended meanwhile, or is somebody else's
    parents = [process for process in found if _parent_id(process) not in {other.pid for other in found}]
    _end(parents, stop_signal, seconds)
    _end([process for process in found if process.is_running()], signal.SIGTERM, 5)
    return len(found)


def _end(processes: list[psutil.Process], stop_signal: int, seconds: float) -> None:
    for process in processes:
        _send(process, stop_signal)
    _gone, alive = psutil.wait_procs(processes, timeout=seconds)
    for process in alive:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def _send(process: psutil.Process, signal_number: int) -> None:
    try:
        process.send_signal(signal_number)
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        raise EmbeddedError(
            f"process {process.pid} still uses the data but belongs to another user; end it and start again."
        ) from None


def _parent_id(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.Error:
        return 0


def prepare_log(path: Path) -> Path:
    """A log file ready to be appended to; one grown large is kept aside once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LARGEST_LOG:
        shutil.move(path, path.with_suffix(".log.1"))
    return path


def last_lines(path: Path, count: int = 5) -> str:
    """The end of a log file, for a message about why a server did not start."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return "".join(deque(file, count)).strip()
    except OSError:
        return ""
