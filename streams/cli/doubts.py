"""What is allowed in the environment and hardly meant: told once, before a command begins.

Pure. Never refuses anything (Settings do), and never shows a value.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from sinks.loopback import is_loopback
from streams.settings import BESIDE, Settings, variable
from streams.visible import visible


def doubts(environment: Mapping[str, str]) -> Iterator[str]:
    """A line for each variable of ours that nobody reads, and for a password that crosses the network in clear."""
    known = [*map(variable, Settings.model_fields), *BESIDE]
    for name in sorted(environment):
        if name.upper().startswith("POSVENTA_") and name.upper() not in known:
            nearest = get_close_matches(name.upper(), known, 1)
            yield f"{visible(name)} is no setting and does nothing" + (f"; is it {nearest[0]}?" if nearest else "")
    url = environment.get(variable("clickhouse"), "")
    if url.lower().startswith("http://") and "@" in url and not is_loopback(url):
        yield f"{variable('clickhouse')} sends its password to another machine in clear; use https://"
