"""Settings and secrets: the only module that reads the environment.

Every setting is `HAT_<NAME>`; the counting rules nest below it: `HAT_COUNTING__TRANSFER_HOURS=48`. Secrets never come from the
environment: each is a file in the secrets folder, and a process keeps only those that it needs.
"""

import contextlib
import os
import re
import secrets as randomness
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = ("127.0.0.1", "localhost", "::1")

# The database roles that sign in (hat_owner cannot), each with a password file of its own.
LOGINS = ("hat_migrator", "hat_app", "hat_jobs", "hat_national", "hat_reader", "hat_auditor")
BACKUP_LOGIN = "hat_backup"  # copies the whole cluster by replication; no table opens to it

# context: signs the tenant context. match: NHS numbers across trusts. master: wraps the trusts' data keys.
# audit: chains the audit log. offset: the frozen rounding offsets of releases. signing: signs the reports of their audits.
KEYS = ("context", "match", "master", "audit", "offset", "signing")
KEY_BYTES = 32
FEWEST_DISTINCT = 12  # of 32 random bytes about 30 differ; fewer than 12 is a sample such as 00…00, not chance
VERSIONED = ("master", "match")
"""These are rotated: `master.key` is version 1, `master.2.key` version 2, and so on; the database says which is in use."""
FEWEST_CHARACTERS = 16  # of a password
# A master key that has forgotten trusts: `registry.identifiers.master`.
_FORGETFUL = re.compile(r"[0-9a-f]{1,8} [0-9a-f]{64}(\n[0-9a-f]{1,8} [0-9a-f]{64})*")
_SAMPLE = re.compile(
    r"change[ _-]?(me|this|it)|example|sample|secret|default|p[a4]ssw[o0]rd|12345|qwerty|(.)\2{5}", re.IGNORECASE
)


class SettingsError(RuntimeError):
    """A setting or a secret is missing or wrong; the words name it and say what to do. Never its value."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0, le=36525)]


class CountingRules(_Frozen):
    """The numbers on which figures depend (counting rules marked °), recorded with each release.

    Days count from midnight; hours are elapsed hours; shares lie between 0 and 1.
    """

    transfer_hours: int = Field(default=72, ge=0, le=720)
    """A stay begun by transfer with the clot found this soon: propose the sending organisation (1.1)."""
    match_days: Days = 14
    """Diagnoses of one person at most this far apart are offered as a pair across trusts (1.3)."""
    attribution_silence_days: Days = 30
    """An attributed organisation that has not answered for this long: the case counts in its figure (1.5)."""
    second_reading_share: Share = 0.10
    """Completed reviews drawn at random for a second reader (2)."""
    consultant_reply_days: Days = 21
    """Without an answer for this long the nurse may complete, marked so (2)."""
    provisional_days: Days = 120
    """A month is provisional until this long after its end (4.2)."""
    completeness_for_final: Share = 0.95
    """… and until its estimated completeness has reached this (4.2)."""
    investigated_share_floor: Share = 0.80
    """Below this share investigated, only the bounds of a share are shown (4.4)."""
    ascertainment_sources_needed: int = Field(default=2, ge=1, le=5)
    """With fewer case-finding sources ascertainment cannot be assessed, unless candidates were coded (4.6)."""
    independent_minimum_providers: int = Field(default=3, ge=2, le=100)
    """The independent sector is published only with at least so many providers (3)."""
    one_time_link_days: Days = 14
    """How long a consultant's link to one case holds (5)."""
    payload_days_committed: Days = 30
    """Submitted bytes are deleted this long after their commit (5)."""
    payload_days_refused: Days = 7
    """… and this long after a refusal (5)."""
    identifier_retention_days: Days = 2922
    """NHS number, its key and the full birth date are erased this long after the diagnosis: eight years (5)."""

    def recorded(self) -> dict[str, Any]:
        """As plain JSON, to be kept with a release; `CountingRules.model_validate` reads it back."""
        return self.model_dump(mode="json")


class DeskRules(_Frozen):
    """By when things are to be done at the trusts' desks. Days count from midnight. Of all figures only how many returns came late depends on them."""

    days_to_confirm: Days = 14
    """A suspected case is confirmed, or found to be none."""
    days_to_open: Days = 14
    """The review of a confirmed case is begun."""
    days_to_review: Days = 60
    """… and complete this long after it was begun."""
    days_to_second_reading: Days = 28
    """The second reader judges, and both agree."""
    second_reading_history_days: Days = 90
    """A review that came by file longer than this after its judgement is history: it is not read a second time."""
    draft_days: Days = 90
    """A draft that nobody has gone on with for so long is deleted."""
    return_due_days: Days = 42
    """The return of a month is due this long after its end."""
    return_reminder_days: Annotated[int, Field(ge=1, le=366)] = 28
    """A return that is missing when it is due is asked for, and again each time this long has passed."""
    return_reminders: Annotated[int, Field(ge=0, le=24)] = 6
    """… so often at most."""
    due_soon_days: Days = 3
    """A case or an action that is due within this time is said to be due soon."""


class MailRules(_Frozen):
    """How letters leave. Without a host each is a file of its own in the folder `outbox` below the data folder, for somebody to hand over."""

    host: str | None = None
    """The server that takes mail by SMTP. Its password, where `user` is set, is the file `smtp.password` in the secrets folder."""
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls` begins in clear and turns to TLS before anything is said, `tls` begins with it; `none` is for loopback only."""
    ca_file: Path | None = None
    """Certificates of the authority that signed the server's, where it is none that the system knows."""
    user: str | None = None
    sender: str = Field(default="hat-registry@localhost.localdomain", pattern=r"^[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,190}$")
    """The address that letters come from."""
    timeout_seconds: int = Field(default=30, ge=1, le=300)
    tries: int = Field(default=10, ge=1, le=30)
    """So often is a letter tried, each time after twice the pause; then it is given up and the administrators are told."""
    pause_minutes: int = Field(default=15, ge=0, le=1440)
    """A person gets at most one letter of notices in this time."""

    @model_validator(mode="after")
    def _is_encrypted_or_loopback(self) -> Self:
        if self.tls == "none" and self.host is not None and self.host not in LOOPBACK:
            raise ValueError("only a server on loopback may do without TLS")
        return self


class MetricsRules(_Frozen):
    """Numbers for Prometheus, each part on a port of its own, never on the public one. Without a port nothing is counted out."""

    host: str = "127.0.0.1"
    web_port: int | None = Field(default=None, ge=1, le=65535)
    worker_port: int | None = Field(default=None, ge=1, le=65535)
    folder: Path | None = None
    """Where the web processes of one machine keep their counts together; by default `metrics` below the data folder."""
    disks: dict[str, Path] = {}
    """Further disks whose room is told, by name, such as that of the database and that of its log."""
    certificate: Path | None = None
    """The proxy's certificate, whose end is told."""


class TraceRules(_Frozen):
    """Traces of requests and job runs (OpenTelemetry); none without an endpoint. They hold templates of addresses, never a value."""

    endpoint: str | None = Field(default=None, pattern=r"^https?://[^/?#@\s]+(/[^?#@\s]*)?$")
    """Where a collector takes OTLP by HTTP, such as http://collector:4318/v1/traces."""
    share: Share = 1.0
    """Of so many requests in a whole one is traced."""


class GuessingRules(_Frozen):
    """How wrong passwords and codes slow down whoever tries them. What was right does not count, and nobody is shut out for good.

    Counted in the database for each account (whether there is one of that name or not) and for each address; while a pause lasts
    nothing is looked at, so that waiting is all that helps.
    """

    tries: Annotated[int, Field(ge=1, le=100)] = 5
    """So many wrong ones of an account bring no pause."""
    first_pause_seconds: Annotated[int, Field(ge=1, le=3600)] = 5
    """The pause after that; each further wrong one doubles it …"""
    longest_pause_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    """… up to this: then 288 a day, of a million codes."""
    address_tries: Annotated[int, Field(ge=1, le=10_000)] = 100
    """So many wrong ones from an address bring no pause: a whole hospital may come from one."""
    address_longest_pause_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    """For the same reason shorter; so one address cannot keep the accounts of a hospital waiting either."""
    forgotten_after_minutes: Annotated[int, Field(ge=1, le=10_080)] = 60
    """Without a wrong one for this long, all is forgotten."""


class ProviderRules(_Frozen):
    """Another service whose word is taken for who somebody is (OpenID Connect, such as NHS CIS2). Without an issuer there is none."""

    name: str = "NHS Care Identity"
    """What the button calls it."""
    issuer: str | None = None
    """As it stands in its tokens. Its description and keys are fetched below this address and from nowhere else."""
    client_id: str = ""
    """As the provider registered us; the secret is the file `provider.secret` in the secrets folder."""
    acr: tuple[str, ...] = ()
    """The strengths of a sign-in (`acr`) that are taken in place of a second factor of our own; whoever came by a weaker one is refused."""
    timeout_seconds: int = Field(default=5, ge=1, le=30)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.issuer is None:
            return self
        parts = urlsplit(self.issuer)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("the issuer's address begins with https")
        if not self.client_id or not self.acr:
            raise ValueError("with an issuer say also the client_id and which acr are taken")
        return self


class Settings(BaseSettings):
    """All that may be set from outside. Immutable; made once by `load` at the start of a process."""

    model_config = SettingsConfigDict(
        env_prefix="HAT_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
    )

    data_dir: Path = Path(".hat")
    """Where everything of this installation lies: embedded Postgres, secrets, spool."""
    secrets_dir: Path = Field(default_factory=lambda data: data.get("data_dir", Path(".hat")) / "secrets")
    database_url: str | None = None
    """An outside Postgres, `postgresql://host:port/database` without user or password; none: the embedded one."""
    public_database_url: str | None = None
    """A standby of it that answers the public pages, as an address of the same kind; none: the database itself answers them."""

    anchors_dir: Path = Field(default_factory=lambda data: data.get("data_dir", Path(".hat")) / "anchors")
    """Where the worker notes each hour how the audit chains end: best a disk that the database's owner cannot write."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    base_url: str = Field(
        default_factory=lambda data: f"http://{_reachable(data.get('host', ''))}:{data.get('port', 8080)}"
    )
    """The address that people and programs use, without a slash at its end; https unless on loopback."""
    demo: bool = False

    crash_safe: bool = True
    """Refuse to start on a Postgres that may lose in a crash what was acknowledged. Off for trials on a database that does not matter."""

    max_upload_bytes: int = Field(default=200_000_000, ge=1)
    small_rows: int = Field(default=2_000, ge=0)
    """Submissions up to this size, and below `small_bytes`, are answered at once; larger ones by the worker."""
    small_bytes: int = Field(default=2_000_000, ge=0)
    web_processes: int = Field(default_factory=lambda: min(4, os.cpu_count() or 1), ge=1, le=16)
    """How many processes answer on the port; each has about 190 MB of its own. By default one a processor, at most 4."""
    session_idle_minutes: int = Field(default=30, ge=1)
    session_hours: int = Field(default=12, ge=1)
    step_up_minutes: int = Field(default=10, ge=1)
    """For this long after somebody proved more than a password, what is dangerous may be done without proving it again."""
    proxies: tuple[IPvAnyNetwork, ...] = ()
    """The reverse proxies in front of us (`["172.16.0.0/12"]`): what they say in X-Forwarded-For is where a request comes from."""

    counting: CountingRules = CountingRules()
    desk: DeskRules = DeskRules()
    mail: MailRules = MailRules()
    guessing: GuessingRules = GuessingRules()
    provider: ProviderRules = ProviderRules()
    metrics: MetricsRules = MetricsRules()
    traces: TraceRules = TraceRules()

    @field_validator("data_dir", "secrets_dir", "anchors_dir")
    @classmethod
    def _is_absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @field_validator("database_url", "public_database_url")
    @classmethod
    def _holds_no_secret(cls, address: str | None) -> str | None:
        return address if address is None else _address(address)

    @field_validator("base_url")
    @classmethod
    def _is_https_or_loopback(cls, address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("give an address such as https://registry.example")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("only a loopback address may do without https")
        return address.rstrip("/")

    @property
    def postgres_dir(self) -> Path:
        """The embedded Postgres' own folder."""
        return self.data_dir / "postgres"

    @property
    def secure(self) -> bool:
        """Whether people come by https, so that cookies are bound to it."""
        return self.base_url.startswith("https:")


def load(**given: Any) -> Settings:
    """The settings of this process: `given` first, then the environment, then the defaults.

    Raises SettingsError naming each variable that is wrong, without its value.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
    words = "\n".join(f"  HAT_{'__'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in faults)
    raise SettingsError(f"These settings are wrong:\n{words}")


def _reachable(host: str) -> str:
    """A host that one can call, for one that a server listens on."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104


def _address(address: str) -> str:
    try:
        parts = urlsplit(address)
        complete = parts.scheme == "postgresql" and parts.hostname and parts.port != 0 and parts.path.strip("/")
    except ValueError:
        complete = False
    if not complete:
        raise ValueError("give an address such as postgresql://db.example:5432/hat")
    if "@" in parts.netloc or "password" in parts.query:
        raise ValueError("give no user and no password: each role's password is a file in HAT_SECRETS_DIR")
    return address


# --- secrets


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """The keys that this process holds; asking for another is an error, showing them shows their names only."""

    _keys: dict[str, bytes]
    _folder: Path | None = None

    @classmethod
    def load(cls, folder: Path, names: Iterable[str]) -> "Secrets":
        """Read the named keys, in all their versions. Raises SettingsError for one that is missing, and where a file of the folder is
        open to others, short, a sample, or the same as another."""
        _check(folder)
        return cls({stem: _key(folder / f"{stem}.key") for name in names for stem in _stems(folder, name)}, folder)

    def __getitem__(self, name: str) -> bytes:
        if name not in self._keys:
            raise SettingsError(f"This process has not been given the {name} key.")
        return self._keys[name]

    def version(self, name: str, number: int) -> bytes:
        """One version of a key that is rotated. One that was not there when the process began is read now.

        Raises SettingsError where its file is missing, or the process was not given that key at all.
        """
        stem = key_file(name, number)
        if stem not in self._keys:
            if self._folder is None or not any(each.split(".")[0] == name for each in self._keys):
                raise SettingsError(f"This process has not been given version {number} of the {name} key.")
            self._keys[stem] = _key(self._folder / f"{stem}.key")
        return self._keys[stem]

    def __repr__(self) -> str:
        return f"Secrets({', '.join(f'{name}=…' for name in self._keys)})"


def key_file(name: str, version: int) -> str:
    """The name, without `.key`, of the file of a key's version."""
    return name if version == 1 else f"{name}.{version}"


def key_versions(folder: Path, name: str) -> list[int]:
    """The versions of a key that is rotated for which there are files."""
    found = (re.fullmatch(rf"{name}(?:\.([1-9][0-9]*))?\.key", path.name) for path in folder.glob(f"{name}*.key"))
    return sorted(int(each[1] or 1) for each in found if each is not None)


def make_key(folder: Path, name: str, version: int) -> bool:
    """Write a new version of a key that is rotated; False where its file was there, which is kept."""
    return _write_new(folder / f"{key_file(name, version)}.key", randomness.token_hex(KEY_BYTES))


def replace_key(folder: Path, name: str, version: int, words: bytes) -> None:
    """Put another content into the file of a key's version, whole and at once; what stood there is gone from the folder."""
    path = folder / f"{key_file(name, version)}.key"
    handle, part = tempfile.mkstemp(dir=folder, prefix=".part-")
    with os.fdopen(handle, "wb") as file:
        file.write(words)
        file.flush()
        os.fchmod(file.fileno(), stat.S_IRUSR)
        os.fsync(file.fileno())
    found = path.stat()
    with contextlib.suppress(PermissionError):  # only who may give files away has ever to
        os.chown(part, found.st_uid, found.st_gid)
    Path(part).replace(path)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _stems(folder: Path, name: str) -> list[str]:
    versions = key_versions(folder, name) if name in VERSIONED else []
    return [key_file(name, version) for version in versions or [1]]


def make_secrets(folder: Path) -> tuple[str, ...]:
    """Write whatever is missing of the keys and of the database roles' passwords; gives the names of the files written.

    Nothing is ever overwritten: a lost key cannot be made again, and what it sealed is lost with it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    absent = [name for name in KEYS if name not in VERSIONED or not key_versions(folder, name)]
    wanted = {f"{name}.key": randomness.token_hex(KEY_BYTES) for name in absent}
    wanted |= {f"{role}.password": randomness.token_urlsafe(32) for role in (*LOGINS, BACKUP_LOGIN)}
    return tuple(name for name, words in wanted.items() if _write_new(folder / name, words))


def role_password(folder: Path, role: str) -> str:
    """The password of one database role, from its file. Raises SettingsError if it is missing or open to others."""
    return _password(folder / f"{role}.password")


def _password(path: Path) -> str:
    password = _read(path)
    if len(password) < FEWEST_CHARACTERS:
        raise SettingsError(f"The password in {path} is shorter than {FEWEST_CHARACTERS} characters.")
    return password


def role_url(address: str, folder: Path, role: str) -> str:
    """A libpq address for one role: `address` (as HAT_DATABASE_URL) with the role and its password put in."""
    parts = urlsplit(_address(address))
    return parts._replace(netloc=f"{role}:{quote(role_password(folder, role), safe='')}@{parts.netloc}").geturl()


def smtp_password(folder: Path) -> str:
    """The password at the mail server, from its file. Raises SettingsError if it is missing or open to others."""
    return _read(folder / "smtp.password")


def provider_secret(folder: Path) -> str:
    """Our secret at the provider of sign-ins, from its file. Raises SettingsError if it is missing or open to others."""
    return _read(folder / "provider.secret")


_CHECKED: set[tuple[object, ...]] = set()
"""The folders whose files were found good, as they were then."""


def _check(folder: Path) -> None:
    """Refuse to begin with a folder in which a key or a role's password is open to others, short, a sample, or there twice.

    What this process may not read is another's to check.
    """
    files = sorted([*folder.glob("*.key"), *folder.glob("*.password")])
    as_they_are = (folder, *((path.name, found.st_mode, found.st_mtime_ns) for path in files if (found := path.stat())))
    if as_they_are in _CHECKED:
        return
    readable = [path for path in files if os.access(path, os.R_OK)]
    held = [path for path in readable if path.suffix == ".key" or path.stem in (*LOGINS, BACKUP_LOGIN)]
    seen: dict[bytes, Path] = {}
    for path in held:
        content = _content(path)
        if content in seen:
            raise SettingsError(
                f"Two of the keys in {folder} are equal: {seen[content].name}, {path.name}. Each must be made by itself."
            )
        seen[content] = path
    _CHECKED.add(as_they_are)


def _content(path: Path) -> bytes:
    if path.suffix == ".key":
        return _key(path)
    password = _password(path)
    if _SAMPLE.search(password) or len(set(password)) < FEWEST_DISTINCT // 2:
        raise SettingsError(f"The password in {path} is a sample or easily guessed. Make one at random.")
    return password.encode()


def _key(path: Path) -> bytes:
    words = _read(path)
    if path.name.startswith("master.") and _FORGETFUL.fullmatch(words):
        return words.encode("ascii")
    try:
        key = bytes.fromhex(words)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES or len(set(key)) < FEWEST_DISTINCT:
        raise SettingsError(f"{path} must hold {KEY_BYTES} random bytes as {KEY_BYTES * 2} hexadecimal digits.")
    return key


def _read(path: Path) -> str:
    try:
        with path.open("r", encoding="ascii") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SettingsError(f"{path} is open to others. Close it: chmod 400.")
            return file.read().strip()
    except FileNotFoundError:
        raise SettingsError(
            f"{path} is missing. Put it there from your key store, or, for a new installation only, run `hat database create`."
        ) from None
    except (PermissionError, IsADirectoryError):
        raise SettingsError(f"{path} cannot be read by this process.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} holds something other than text.") from None


def _write_new(path: Path, words: str) -> bool:
    """Write a file that was not there, whole and closed to others from its first byte; False if it was there."""
    if path.exists():
        return False
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{words}\n")
            file.flush()
            os.fchmod(file.fileno(), stat.S_IRUSR)
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(part, path)  # fails, and so keeps the other's, where another process was first
            return True
    finally:
        Path(part).unlink()
    return False
