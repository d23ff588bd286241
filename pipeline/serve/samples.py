"""What conversions came to, kept on this machine to learn from: the numbers of each, a rating where somebody gave one,
and the picture only where somebody gave it.

No names of files, no addresses, nothing of who sent a picture. A picture is told from another by a hash that is keyed with a
secret of the folder, so that nobody can look up in a copy of the numbers whether a certain picture was converted.

The folder is ``$TRUECURVE_SAMPLES``, else ``samples`` in the cache; ``TRUECURVE_SAMPLES=off`` keeps nothing. It holds one
SQLite file, ``samples-<n>.sqlite``. A file that turns out to be corrupt is left as it lies, and n + 1 is begun: renaming
it would take the log from under another process that has it open.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import logging
import os
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from PIL import Image

from .. import config
from ..convert import Result
from ..errors import BadSetting, Busy
from ..picture import load

log = logging.getLogger("truecurve.samples")

MOST_SAMPLES = 50_000
"""Kept at most, about 2 kB each; the oldest go first."""
MOST_PICTURE_BYTES = 256_000_000
"""Bytes of pictures kept at most; the oldest go first, and leave their sample's numbers behind."""
LONGEST_REASON = 500
"""Characters of a rating's reason."""
WAIT = 0.5
"""Seconds that a conversion waits at most for others who write."""
RETRY = 30.0
"""Seconds after a failure to open in which nobody tries again."""

OFF = "off"
APPLICATION, SCHEMA = 0x7C5A3B1D, 1
"""What the file's header says it is: ours, and of which form."""

Door = Literal["app", "api", "gradio", "batch"]
"""What a picture came in by."""
Thumb = Literal["up", "down"]
THUMBS: tuple[Thumb, ...] = get_args(Thumb)

T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """One conversion. Qualities are SSIM, 0–1, to the reference picture, and None where not predicted or not measured.

    Attributes
    ----------
    id : str
        What it is rated by; cannot be guessed.
    time, rated : float
        Seconds since 1970: of the conversion, and of the rating, None without one.
    image : str
        Hex hash of the file's bytes, keyed: equal for equal files within one folder, and of no use outside it.
    plan : dict
        `Plan.to_json`.
    seconds : float
        That the conversion took, measuring included.
    degraded : bool
        Whether anything was missing or broken on the way.
    arm : str or None
        Of the comparison that it was part of.
    reason : str
        Of the rating, at most `LONGEST_REASON` characters.
    has_picture : bool
        Whether `Samples.picture` has it.
    """

    id: str
    time: float
    door: Door
    image: str
    width: int
    height: int
    features: dict[str, float]
    logo_type: str
    confidence: float
    tier: int
    plan: dict[str, Any]
    predicted: float | None
    actual: float | None
    default: float | None
    svg_bytes: int
    default_bytes: int | None
    seconds: float
    candidates: int
    model_versions: dict[str, str]
    degraded: bool
    arm: str | None = None
    thumb: Thumb | None = None
    reason: str = ""
    rated: float | None = None
    has_picture: bool = False

    @property
    def error(self) -> float | None:
        """Predicted minus measured quality; None where either is missing."""
        return None if self.predicted is None or self.actual is None else self.predicted - self.actual


_AS_JSON = frozenset({"features", "plan", "model_versions"})
_COLUMNS = tuple(f.name for f in fields(Sample) if f.name != "has_picture")
_TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE samples (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, time REAL NOT NULL, door TEXT NOT NULL,
  image TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, features TEXT NOT NULL, logo_type TEXT NOT NULL,
  confidence REAL NOT NULL, tier INTEGER NOT NULL, plan TEXT NOT NULL, predicted REAL, actual REAL, "default" REAL,
  svg_bytes INTEGER NOT NULL, default_bytes INTEGER, seconds REAL NOT NULL, candidates INTEGER NOT NULL,
  model_versions TEXT NOT NULL, degraded INTEGER NOT NULL, arm TEXT, thumb TEXT, reason TEXT NOT NULL, rated REAL
);
CREATE INDEX by_thumb ON samples (thumb) WHERE thumb IS NOT NULL;
CREATE TABLE pictures (number INTEGER PRIMARY KEY REFERENCES samples, bytes INTEGER NOT NULL, png BLOB NOT NULL);
"""
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_INSERT = f"INSERT INTO samples ({_NAMES}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_SELECT = (
    f"SELECT number, number IN (SELECT number FROM pictures), {_NAMES} FROM samples "
    "WHERE number > ? AND time >= ? ORDER BY number LIMIT ?"
)
_FILE = re.compile(r"samples-(\d{1,9})\.sqlite")
_PAGE = 500


class Samples:
    """The samples of a folder; safe to use from many threads, and from many processes on one folder.

    What was added is in the file once the call has returned, and stays there if this process is killed. A power cut may
    take the last few, and no more than those.

    Parameters
    ----------
    folder
        Made on first use. Nothing is kept where None.
    most, picture_bytes
        The limits; see `MOST_SAMPLES` and `MOST_PICTURE_BYTES`.
    wait
        Seconds that a call waits at most for others who write.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        most: int = MOST_SAMPLES,
        picture_bytes: int = MOST_PICTURE_BYTES,
        wait: float = WAIT,
    ) -> None:
        self.folder, self.most, self.picture_bytes, self.wait = folder, most, picture_bytes, wait
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._number = 0
        self._key = b""
        self._why: str | None = None
        self._closed_until = 0.0
        self._lost = 0

    # --- keeping ----------------------------------------------------------------------------------------------------

    def keep(self, result: Result, data: bytes, *, door: Door, arm: str | None = None) -> str | None:
        """Keep the numbers of a conversion; returns the id to rate it by, or None where they could not be kept.

        Never raises for want of a place to keep them, and waits no longer than `wait`.

        Parameters
        ----------
        data
            The picture's file, of which nothing but a hash is kept.
        arm
            Of the comparison that the conversion was part of.
        """
        if self.folder is None:
            return None
        made = secrets.token_urlsafe(18)

        def insert(db: sqlite3.Connection) -> None:
            sample = Sample(
                id=made,
                time=time.time(),
                door=door,
                image=self._hash(data),
                width=result.width,
                height=result.height,
                features={name: float(getattr(result.features, name)) for name in result.features.names()},
                logo_type=result.logo_type,
                confidence=result.confidence,
                tier=result.selected_tier,
                plan=result.plan.to_json(),
                predicted=result.predicted_quality,
                actual=result.actual_quality,
                default=result.default_quality,
                svg_bytes=result.svg_bytes,
                default_bytes=result.default_bytes,
                seconds=result.processing_time,
                candidates=result.candidates,
                model_versions=dict(result.model_versions),
                degraded=bool(result.degraded),
                arm=arm,
            )
            db.execute(_INSERT, [_cell(name, getattr(sample, name)) for name in _COLUMNS])
            last = db.execute("SELECT max(number) FROM samples").fetchone()[0] - self.most
            db.execute("DELETE FROM pictures WHERE number <= ?", [last])
            db.execute("DELETE FROM samples WHERE number <= ?", [last])

        try:
            self._do(insert, writes=True)
        except Exception as error:  # whatever it is, the conversion is done and its answer must not wait for this
            self._lost += 1
            log.warning("a sample was not kept: %s", error)
            return None
        return made

    def rate(self, id: str, thumb: Thumb, reason: str = "", *, picture: bytes | None = None) -> None:
        """Rate a conversion. The last rating stands whole: one without a picture takes back a picture given earlier.

        Parameters
        ----------
        reason
            In a few words; at most `LONGEST_REASON` characters.
        picture
            PNG of the picture's pixels alone (`Converter.pixels`), where its owner gives it.

        Raises
        ------
        BadSetting
            There is no such sample, no such thumb, or the reason is too long.
        Busy
            It cannot be kept at the moment.
        """
        words = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
        if thumb not in THUMBS:
            raise BadSetting(f"thumb must be up or down, not {thumb!r}.")
        if len(words) > LONGEST_REASON:
            raise BadSetting(f"The reason has {len(words)} characters; the limit is {LONGEST_REASON}.")

        def update(db: sqlite3.Connection) -> bool | None:
            row = db.execute("SELECT number FROM samples WHERE id = ?", [id]).fetchone()
            if row is None:
                return None
            rating = [thumb, words, time.time(), *row]
            db.execute("UPDATE samples SET thumb = ?, reason = ?, rated = ? WHERE number = ?", rating)
            taken_back = db.execute("DELETE FROM pictures WHERE number = ?", row).rowcount > 0
            if picture is not None:
                db.execute("INSERT INTO pictures VALUES (?, ?, ?)", [*row, len(picture), picture])
                db.execute(
                    "DELETE FROM pictures WHERE number IN (SELECT number FROM (SELECT number, sum(bytes) OVER "
                    "(ORDER BY number DESC) AS up_to_here FROM pictures) WHERE up_to_here > ?)",
                    [self.picture_bytes],
                )
            return taken_back

        taken_back = self._asked(update, writes=True)
        if taken_back is None:
            raise BadSetting("No conversion of that id is kept here, so it cannot be rated.")
        if taken_back:
            self._empty_log()

    # --- reading ----------------------------------------------------------------------------------------------------

    def samples(self, since: float = 0.0) -> Iterator[Sample]:
        """The samples of that time and later, the oldest first. Nobody who writes waits for who reads.

        Raises
        ------
        Busy
            The file cannot be read at the moment.
        """
        number = 0
        while self.folder is not None:
            rows = self._asked(partial(_page, after=number, since=since))
            for number, has_picture, *cells in rows:  # noqa: B007 - the last one is where the next page begins
                try:
                    found = _sample(cells, bool(has_picture))
                except ValueError as error:
                    log.warning("a sample cannot be read: %s", error)
                    continue
                yield found
            if len(rows) < _PAGE:
                return

    def find(self, id: str) -> Sample | None:
        """The sample of an id, or None. Raises `Busy`."""
        if self.folder is None:
            return None
        ask = f"SELECT number IN (SELECT number FROM pictures), {_NAMES} FROM samples WHERE id = ?"
        row = self._asked(lambda db: db.execute(ask, [id]).fetchone())
        return _sample(row[1:], bool(row[0])) if row else None

    def picture(self, id: str) -> bytes | None:
        """The picture that was given with a rating, as PNG, or None. Raises `Busy`."""
        if self.folder is None:
            return None
        ask = "SELECT png FROM pictures JOIN samples USING (number) WHERE id = ?"
        row = self._asked(lambda db: db.execute(ask, [id]).fetchone())
        return row[0] if row else None

    def fingerprint(self, data: bytes) -> str:
        """What `Sample.image` is for a file of these bytes. Raises `Busy`."""
        return self._asked(lambda db: self._hash(data))

    def _hash(self, data: bytes) -> str:
        return hashlib.blake2b(data, key=self._key, digest_size=16).hexdigest()

    # --- how it does ------------------------------------------------------------------------------------------------

    def health(self) -> dict[str, Any]:
        """How many samples, ratings and pictures are kept, the limits, and `lost` since this process began.

        `state` is kept, off or failing.
        """
        limits = {"samples": self.most, "picture_bytes": self.picture_bytes}
        if self.folder is None:
            return {"state": "off", "limits": limits}

        def count(db: sqlite3.Connection) -> dict[str, int]:
            up, down = (
                db.execute("SELECT count(*) FROM samples WHERE thumb IS NOT NULL AND thumb = ?", [thumb]).fetchone()[0]
                for thumb in THUMBS
            )
            pictures, size = db.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM pictures").fetchone()
            (samples,) = db.execute("SELECT count(*) FROM samples").fetchone()
            return {"samples": samples, "up": up, "down": down, "pictures": pictures, "picture_bytes": size}

        try:
            found: dict[str, Any] = {"state": "kept", **self._do(count)}
        except (Busy, OSError, sqlite3.Error):
            found = {"state": "failing"}
        return {**found, "lost": self._lost, "limits": limits}

    def degraded(self) -> list[str]:
        """In words, why samples are not kept at the moment; empty where they are, or are not wanted."""
        return [self._why] if self._why else []

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            self._shut()

    # --- the file ---------------------------------------------------------------------------------------------------

    def _asked(self, act: Callable[[sqlite3.Connection], T], *, writes: bool = False) -> T:
        """`_do`, for those who must be told: raises `Busy` alone."""
        if self.folder is None:
            raise BadSetting("Nothing is kept here, so nothing can be rated.")
        try:
            return self._do(act, writes=writes)
        except (OSError, sqlite3.Error) as error:
            raise Busy("What conversions came to cannot be kept or read at the moment.") from error

    def _do(self, act: Callable[[sqlite3.Connection], T], *, writes: bool = False) -> T:
        """Run `act` in a transaction. A corrupt file is left behind, and it is done in the next one."""
        deadline = time.monotonic() + self.wait
        if not self._lock.acquire(timeout=self.wait):
            raise Busy("Too many are writing samples.")
        try:
            if time.monotonic() < self._closed_until:
                raise OSError(self._why)
            try:
                done = self._transact(act, deadline, writes)
            except sqlite3.DatabaseError as error:
                if not _corrupt(error):
                    raise
                log.error("%s is corrupt (%s); it is left as it is, and another begun", self._path(), error)
                self._begin_next(deadline)
                done = self._transact(act, deadline, writes)
            self._why = None
            return done
        except Busy:
            raise
        except (OSError, sqlite3.Error) as error:
            self._note(error)
            raise
        finally:
            self._lock.release()

    def _note(self, error: OSError | sqlite3.Error) -> None:
        if self._why and time.monotonic() < self._closed_until:
            return
        words = (error.strerror if isinstance(error, OSError) else None) or error
        self._why = f"What conversions come to is not kept: {words}."
        if not _busy(error):
            self._shut()
            self._closed_until = time.monotonic() + RETRY

    def _transact(self, act: Callable[[sqlite3.Connection], T], deadline: float, writes: bool) -> T:
        db = self._open(deadline)
        db.execute(f"PRAGMA busy_timeout = {max(1, int(1000 * (deadline - time.monotonic())))}")
        db.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        try:
            done = act(db)
            db.execute("COMMIT")
            return done
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _empty_log(self) -> None:
        """Write the log into the file, so that nothing deleted stands in it; it is done later where somebody else reads."""
        with self._lock, suppress(sqlite3.Error):
            if self._db:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _path(self) -> Path:
        assert self.folder is not None
        return self.folder / f"samples-{self._number}.sqlite"

    def _newest(self) -> int:
        """The number of the newest file; 0 where there is none."""
        assert self.folder is not None
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            return max((int(m[1]) for e in entries if (m := _FILE.fullmatch(e.name))), default=0)
        return 0

    def _open(self, deadline: float) -> sqlite3.Connection:
        """The connection to the newest file; another process may have begun a newer one, or somebody removed ours."""
        newest = self._newest()
        if self._db and newest == self._number:
            return self._db
        self._shut()
        assert self.folder is not None
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(self.folder, deadline):  # one makes the tables, and the others find them
            self._number = self._newest() or self._number + 1
            os.close(os.open(self._path(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            db = sqlite3.connect(self._path(), timeout=self.wait, isolation_level=None, check_same_thread=False)
            try:
                self._key = _prepare(db)
            except BaseException:
                db.close()
                raise
        self._db = db
        return db

    def _begin_next(self, deadline: float) -> None:
        """Begin the file after a corrupt one, unless another process did; the one before that goes, to bound the room."""
        self._shut()
        assert self.folder is not None
        with _alone(self.folder, deadline):
            if self._newest() > self._number:
                return
            for ending in ("", "-wal", "-shm"):
                (self.folder / f"samples-{self._number - 1}.sqlite{ending}").unlink(missing_ok=True)
            self._number += 1
            os.close(os.open(self._path(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def _shut(self) -> None:
        if self._db:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None


def pixels(source: bytes, *, report: Callable[[Any], None]) -> bytes:
    """A picture's pixels as PNG, upright, as large as they are traced, and nothing else of its file.

    To be run in a worker, since it decodes: `report` is what `Workers.call` passes. Raises `BadPicture`.
    """
    out = io.BytesIO()
    Image.fromarray(load(source).pixels).save(out, "PNG")
    return out.getvalue()


def with_samples(health: dict[str, Any]) -> dict[str, Any]:
    """A `Converter.health` with `samples` in it, and what is wrong with them among what is `degraded`."""
    here = store()
    found = here.health()
    return {**health, "degraded": [*health["degraded"], *here.degraded()], "samples": found}


@lru_cache(maxsize=1)
def store() -> Samples:
    """The samples of this process: where the environment says, or nowhere."""
    wanted = os.environ.get("TRUECURVE_SAMPLES", "").strip()
    if wanted.lower() == OFF:
        return Samples(None)
    return Samples(Path(wanted).absolute() if wanted else config.CACHE / "samples")


def _prepare(db: sqlite3.Connection) -> bytes:
    """Settings, and the tables of a new file; returns the file's secret. Raises `OSError` where it is not one of ours."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (schema,) = db.execute("PRAGMA user_version").fetchone()
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    if pages and application != APPLICATION:
        raise OSError("the file is another program's")
    if pages and schema != SCHEMA:
        raise OSError(f"the file is of form {schema}, and this version reads form {SCHEMA}")
    if not pages:  # all of it or nothing, should this process be killed here
        db.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA}; {_TABLES} "
            f"INSERT INTO about VALUES ('key', X'{secrets.token_hex(32)}'); COMMIT;"
        )
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA journal_size_limit = 16000000")
    db.execute("PRAGMA secure_delete = ON")  # what was taken back is not left in free pages
    key: bytes = db.execute("SELECT value FROM about WHERE key = 'key'").fetchone()[0]
    return key


@contextmanager
def _alone(folder: Path, deadline: float) -> Iterator[None]:
    """Hold the folder's lock. Raises `Busy` where another holds it until the deadline."""
    with (folder / "lock").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Busy("Another process is making the file of samples.") from None
                time.sleep(0.005)
        yield


def _page(db: sqlite3.Connection, after: int, since: float) -> list[tuple[Any, ...]]:
    return db.execute(_SELECT, [after, since, _PAGE]).fetchall()


def _cell(name: str, value: Any) -> Any:
    return json.dumps(value, separators=(",", ":")) if name in _AS_JSON else value


def _sample(cells: list[Any] | tuple[Any, ...], has_picture: bool) -> Sample:
    values = {name: json.loads(cell) if name in _AS_JSON else cell for name, cell in zip(_COLUMNS, cells, strict=True)}
    return Sample(**{**values, "degraded": bool(values["degraded"])}, has_picture=has_picture)


def _code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _corrupt(error: sqlite3.Error) -> bool:
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _busy(error: BaseException) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
