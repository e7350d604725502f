"""The one exception of this package."""

from __future__ import annotations

from typing import Any, Mapping

# Exit codes that mean something; all others are a process that died.
CODES = range(1, 8)
# The exit code of an internal error.
INTERNAL = 70


class PrepError(Exception):
    """What `prep` ended with.

    `kind` is one word: usage, input, data, text, published, output, train, not-passed, locked, budget,
    check-failed, audit-failed, interrupted or internal, as the program says it; killed, if it couldn't
    say anything; missing, if there is no program; and unit-failed, if a unit was given up on a cluster.
    `place` is a path, mostly with row or column; `hint` says what helps; both may be None.
    """

    def __init__(self, message: str, kind: str, place: str | None = None, hint: str | None = None, exit_code: int = INTERNAL) -> None:
        super().__init__(message, kind, place, hint, exit_code)
        self.message, self.kind, self.place, self.hint, self.exit_code = message, kind, place, hint, exit_code

    @classmethod
    def of_event(cls, event: Mapping[str, Any]) -> PrepError:
        """From the line that `--log-format json` ends with."""
        return cls(event["error"], event["kind"], event["place"], event["hint"], event["exit_code"])

    @classmethod
    def of_death(cls, what: str, code: int, said: str) -> PrepError:
        """Of a process that left no such line, but perhaps some last words."""
        died = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code} and no message"
        last = said.strip().splitlines()[-1:]
        return cls(": ".join([f"{what} {died}", *last]), "killed", exit_code=128 - code if code < 0 else code)

    def __str__(self) -> str:
        place = f"\n  --> {self.place}" if self.place else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{self.message}{place}{hint}"
