"""What is checked: the model as the code is, with one of two lines of defence, and with faults planted on purpose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One question to Spin. `defines` are the #ifdefs of booking.pml; `live` asks for its ltl property instead.

    `breaks`: what must be found broken, as `Verdict.broken` says it; empty: nothing may be found."""

    what: str
    defines: tuple[str, ...] = ()
    live: bool = False
    breaks: str = ""

    @property
    def name(self) -> str:
        return "+".join(self.defines) or ("called back" if self.live else "booking")


SOUND = (
    Check("the code as it is: no assertion fails, nothing is stuck"),
    Check("the code as it is: whoever booked is told of, in the end", live=True),
    Check("without reading the link anew: compare-and-set is enough", ("STALE_LINK",)),
    Check("without locks: the database's constraint is enough", ("NO_LOCKS", "CONSTRAINT")),
)

FAULTS = (
    Check("no locks on accounts, no constraint", ("NO_LOCKS",), breaks="Visitor: I3"),
    Check("free time as the page saw it", ("STALE_BUSY",), breaks="Visitor: I3"),
    Check("accounts locked in the order asked for", ("LOCKS_UNSORTED",), breaks="deadlock"),
    Check("keeps its locks when somebody turns up who comes earlier", ("KEEPS_LOCKS",), breaks="deadlock"),
    Check("a link is closed without compare-and-set", ("NO_COMPARE",), breaks="Visitor: I5"),
    Check(
        "that, and the link as the page saw it", ("STALE_LINK", "NO_COMPARE", "NEVER_DISABLES"), breaks="Visitor: I1"
    ),
    Check("disabling without compare-and-set", ("DISABLES_ALWAYS",), breaks="Application: I5"),
    Check("a link that is not open is taken for disabled", ("TAKES_FOR_DISABLED",), breaks="Application: I7"),
    Check("the visitor is thanked before the commit", ("THANKED_BEFORE",), breaks="Visitor: I5"),
    Check("a lost answer to the commit is taken for a refusal", ("GUESSES",), breaks="Visitor: I5"),
    Check("the callback is promised before the commit", ("PROMISED_BEFORE",), breaks="Worker: I4"),
    Check("the callback is promised after the commit", ("PROMISED_AFTER",), live=True, breaks="I4 never"),
    Check("a lease never ends", ("LEASE_FOREVER",), live=True, breaks="I4 never"),
    Check("every attempt has a new id", ("NEW_ID",), breaks="Worker: I4"),
    Check("a failed attempt counts as delivered", ("COUNTS_ANY",), breaks="Worker: I4"),
    Check("whoever had the item may settle it", ("NO_FENCE",), breaks="Worker: fence"),
)

QUICK = (SOUND[0], *(fault for fault in FAULTS if fault.name in ("NO_LOCKS", "LOCKS_UNSORTED", "LEASE_FOREVER")))
