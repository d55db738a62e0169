"""What a client that asks for a route or a method that does not exist is told: what does exist. Knows paths alone."""

import difflib
from collections.abc import Iterable

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

_SIMILAR = 0.6  # of 1: what a misspelt path has in common with the one that was meant
_PAGES = ("/", "/docs", "/openapi.json")


class KnownRoutes:
    """The routes of an application, for messages. Each is told as `POST /crop`."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._routes = [route for route in routes if isinstance(route, Route)]
        told = [route for route in self._routes if route.include_in_schema or route.path in _PAGES]
        self._paths = {route.path: self._methods([route]) for route in told}

    def missing(self, path: str) -> str:
        """What to say of a path that is none."""
        nearest = difflib.get_close_matches(path.rstrip("/").lower(), self._paths, n=1, cutoff=_SIMILAR)
        meant = f"did you mean {self._name(nearest[0])}? " if nearest else ""
        return f"there is no {path[:80]!r} here; {meant}there are {', '.join(map(self._name, self._paths))}"

    def allowed(self, scope: Scope) -> list[str]:
        """The methods that the path of a request is answered for."""
        return self._methods(route for route in self._routes if route.matches(scope)[0] is not Match.NONE)

    def wrong_method(self, scope: Scope) -> str:
        """What to say of a method that the path is not answered for."""
        return (
            f"{scope['path'][:80]} is not answered for {scope['method'][:20]}; use {' or '.join(self.allowed(scope))}"
        )

    @staticmethod
    def _methods(routes: Iterable[Route]) -> list[str]:
        # HEAD comes with every GET and would only lengthen the message.
        return sorted({method for route in routes for method in route.methods or ()} - {"HEAD"})

    def _name(self, path: str) -> str:
        return f"{' or '.join(self._paths[path])} {path}"
