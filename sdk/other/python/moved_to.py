"""Delivers an event when its record has come into the configured list: {"list": "Review"}."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.types import (
    About,
    Field,
    Value_Text,
    Verdict_Deliver,
    Verdict_Error,
    Verdict_Skip,
)


class Sieve(exports.Sieve):
    def describe(self):
        text = "Delivers an event when its record has come into the configured list"
        return About("moved-to", "1.0.0", text, None)

    def configure(self, config):
        """The text is JSON. An `Err` refuses the configuration."""
        global title
        config = json.loads(config)
        title = config.get("list") if isinstance(config, dict) else None
        if not isinstance(title, str):
            raise Err("/list: the title of a list is expected")
        return [Field("/previousValue/todoList/title"), Field("/currentValue/todoList/title")]

    def decide(self, events):
        """Each event comes as its fields' values, in the order of `configure`."""
        return [verdict(before, now) for before, now in events]


def verdict(before, now):
    if not isinstance(now, Value_Text):
        kind = type(now).__name__.removeprefix("Value_").lower()
        return Verdict_Error(f"the list's title is {kind}")
    has_moved = now.value == title and before != now
    return Verdict_Deliver() if has_moved else Verdict_Skip(f"it is in {now.value}")
