"""What a verb does to each of several files: one that cannot be read does not stop the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from acq.advice import advise
from acq.terminal.printing import echo, print_json
from acquire.errors import AcqError, all_of


class EachInTurn:
    """Collect what is printed as one JSON document, and the errors until all have had their turn.

    Of one file the document is an object; of several a list of objects, in which a file that failed
    has `path` and `error`.
    """

    def __init__(self, verb: str, *, as_json: bool) -> None:
        self._verb, self._as_json = verb, as_json
        self._bodies: list[dict[str, Any]] = []
        self._errors: list[AcqError] = []
        self._turns = 0
        self._has_begun = False

    @contextmanager
    def one(self, text: str) -> Iterator[None]:
        """Have one file's turn; an error of it is kept until `end`."""
        self._turns += 1
        try:
            yield
        except (AcqError, OSError) as error:
            line = advise(error, self._verb)
            self._errors.append(error if isinstance(error, AcqError) else AcqError(line))
            self.add({"path": text, "error": line})

    def add(self, body: dict[str, Any]) -> None:
        """Add a file's object to the document."""
        self._bodies.append(body)

    def begin(self) -> None:
        """Leave an empty line between the texts of two files."""
        if self._has_begun:
            echo()
        self._has_begun = True

    def end(self) -> None:
        """Print the document, and raise the errors, all of them in one.

        Raises
        ------
        AcqError : of a file, or of several
        """
        if self._as_json and self._turns > 1:
            print_json(self._bodies)
        elif self._as_json and not self._errors:
            print_json(self._bodies[0])
        if self._errors:
            raise all_of(self._errors, AcqError)
