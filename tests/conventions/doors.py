"""A contract for import-linter: a package's modules are its own, but for those that it offers."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

from grimp import ImportGraph
from importlinter import output
from importlinter.domain import fields
from importlinter.domain.contract import Contract, ContractCheck


class DoorsContract(Contract):
    """Packages are entered by their ``__init__``; their web sides also by what they offer those.

    ``container`` holds the packages. ``web`` are names of the modules that make a package's web
    side, ``offered`` those of them that the web side of another may import: what they hold would
    bring the web framework to everyone if it were in the ``__init__``. ``wiring`` are the modules
    that put the web sides together, ``open`` the packages all of whose modules are offered.
    """

    container = fields.StringField()
    web = fields.ListField(subfield=fields.StringField())
    offered = fields.ListField(subfield=fields.StringField())
    wiring = fields.ListField(subfield=fields.StringField())
    open = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001 - as import-linter calls it
        found = [
            (importer, imported)
            for imported in sorted(graph.modules)
            for importer in sorted(graph.find_modules_that_directly_import(imported))
            if not self._is_allowed(importer.split("."), imported.split("."))
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["found"]:
            output.print_error(f"{importer} imports {imported}, which is not offered to it")
            output.new_line()

    def _is_allowed(self, importer: list[str], imported: list[str]) -> bool:
        inside = imported[0] == str(self.container) and len(imported) > 2
        if not inside or importer[:2] == imported[:2] or imported[1] in self._names("open"):
            return True
        module = imported[-1]
        if importer[-1] in self._names("wiring"):
            return self._is_web(module)
        return self._is_web(importer[-1]) and module in self._names("offered")

    def _is_web(self, module: str) -> bool:
        return any(fnmatch(module, name) for name in self._names("web"))

    def _names(self, field: str) -> Any:
        return getattr(self, field)
