"""Those who listen to a run. One that fails hears no more; the run is not its business."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.model.event import RunEvent
from engine.ports.edges import EventSink


@dataclass(slots=True, kw_only=True)
class Audience:
    """``deaf`` tells of the listeners that failed: a pipe that was closed must not end a run."""

    sinks: Sequence[EventSink]
    deaf: dict[int, str] = field(default_factory=dict)

    def tell(self, shown: RunEvent) -> None:
        """One masked event, to all who still hear."""
        for sink in self.sinks:
            if id(sink) in self.deaf:
                continue
            try:
                sink.handle(shown)
            except Exception as failure:  # noqa: BLE001 - whatever is wrong with a listener, hosts are at stake here
                name = type(sink).__name__
                self.deaf[id(sink)] = f"{name} failed and heard no more: {type(failure).__name__}: {failure}"
