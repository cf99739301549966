"""numpy where it is installed; else a stand-in that says so to whoever asks it for something.

With it the package can be imported everywhere: what works without numpy goes through `_arrays`, and
what does not fails where it is used, with an error that names the reason. A numpy that is there and
broken is no reason to go without: its own error is raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import InvalidArgument


class _Missing:
    def __getattr__(self, name: str) -> Any:
        raise InvalidArgument(
            "numpy is needed for this, and it is not installed: without it rows are dense float32, "
            "and metrics have no parameters but p"
        )


if TYPE_CHECKING:
    import numpy as np

    PRESENT = True
else:
    try:
        import numpy as np
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        np = _Missing()
    PRESENT = not isinstance(np, _Missing)

__all__ = ["PRESENT", "np"]
