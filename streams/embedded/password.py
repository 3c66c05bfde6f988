"""The password with which this machine's pipeline writes into its own ClickHouse: made once, kept in one file.

Owns that file, which its owner alone can read. Whoever does not know it can still read the views.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from sinks.loopback import WRITERS_NAME, is_loopback
from streams.errors import Misuse
from streams.settings import Settings, load_settings


def password_file(directory: Path) -> Path:
    """Where it lies in a directory of `up`."""
    return directory / "clickhouse.password"


def found_password(directory: Path) -> str | None:
    """That of a directory of `up`; None when there is none yet, or none that this user may read."""
    try:
        return password_file(directory).read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def new_password() -> str:
    """One that nobody guesses, of letters that need no quoting anywhere."""
    return secrets.token_hex(16)


def keep_password(directory: Path, password: str) -> None:
    """Keeps it in a directory of `up`, unless it lies there already. Raises Misuse when it can't be kept."""
    if found_password(directory) == password:
        return
    file = password_file(directory)
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(made, f"{password}\n".encode())
        os.close(made)
    except OSError as error:
        raise Misuse(
            f"{file}: {error.strerror}; expected a file that this user alone may read, with a password in it: "
            "delete it, and the next start makes another"
        ) from error


def as_writer(url: str, password: str) -> str:
    """The URL of a ClickHouse with user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{WRITERS_NAME}:{quote(password, safe='')}@{parts.netloc}").geturl()


def settings_beside(directory: Path) -> Settings:
    """The settings, with user and password where they name this machine's ClickHouse without a user. Raises Misuse.

    `directory` is that of `up`.
    """
    settings = load_settings()
    url = settings.clickhouse.get_secret_value()
    password = found_password(directory)
    if password is None or not is_loopback(url) or "@" in urlsplit(url).netloc:
        return settings
    return settings.model_copy(update={"clickhouse": SecretStr(as_writer(url, password))})
