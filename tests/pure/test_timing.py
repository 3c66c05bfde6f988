"""The waits of a worker fit each other, and a Timing in which they do not can't be made."""

from typing import Any

import pytest

from streams.timing import Timing


@pytest.mark.parametrize(
    "changed",
    [
        {"let_go_s_max": 4.0},  # and a heartbeat: longer than a session
        {"heartbeat_every_s": 1.0},
        {"last_flush_s_max": 13.0},  # longer than a worker may take to stop
        {"stop_s_max": 30.0},  # it is killed by then
        {"ends_s_max": 6.0},  # a slow broker is taken for one that does not answer
        {"report_every_s": 2.5},  # a report that just missed its time comes too late
        {"stuck_s": 90.0},  # taken for stuck while it waits for a transaction
        {"seek_again_s": 10.0},
        {"claim_again_s_max": 0.1},
        {"owned_well_s": 10.0},
        {"retry_s_max": 0.1},
        {"poll_interval_s_max": 180.0},
    ],
    ids=str,
)
def test_waits_that_do_not_fit_are_refused(changed: dict[str, Any]) -> None:
    Timing()
    with pytest.raises(AssertionError):
        Timing(**changed)
