"""Who may read which views, wherever rights are given: on a server (migrate.py) and in the embedded engine (embedded/)."""

from typing import Final

FOR_THE_BRAND_ALONE: Final = frozenset({"comment"})  # what customers wrote: neither BI's nor anyone's on this machine
