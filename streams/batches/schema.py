"""A Faust Schema that hands the RecordBatch over undecoded."""

from typing import Any

from faust import Schema


class BatchSchema(Schema):  # type: ignore[misc]
    """Decoding, and what becomes of records that can't be decoded, is the receiver's business."""

    def compile(self, app: Any, **_: Any) -> Any:
        """Called by Faust once per stream; returns the coroutine that makes an event of a message."""
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, headers=None, message=message)

        return decode
