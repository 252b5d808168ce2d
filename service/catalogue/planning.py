"""What a file's products change of those that are stored. No I/O.

A variant is the one with the row's SKU, or else the one with its options, which then gets the SKU:
so carts that hold a variant keep it when it is given one. What the file has no column for stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .cells import BadCell, derived_sku
from .columns import Columns
from .model import Variant
from .report import ImportReport, Move, Renaming, StockDifference
from .rows import BadRow
from .shopify import Entry, Note, VariantRow
from .stored import Change, Facts, Owned, PlannedVariant, StoredProduct, StoredVariant


@dataclass(frozen=True, slots=True)
class Rules:
    """What an import may do: set the stock of what is there, move SKUs to another product."""

    currency: str
    stock: bool = False
    move_skus: bool = False


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of the whole file, by its index."""

    columns: Columns
    skus: Mapping[str, tuple[str, int]]
    repeated: Collection[str]


@dataclass(slots=True)
class _Taken:
    """A row of the file with the SKU it goes by, and the variant it is, if that is stored."""

    row: VariantRow
    sku: str
    owned: Owned | None = None


@dataclass(slots=True)
class Planner:
    """Plans product by product, and keeps the account in ``report``."""

    file: FileFacts
    rules: Rules
    report: ImportReport = field(default_factory=ImportReport)

    def possible_skus(self, entry: Entry) -> set[str]:
        """Return every SKU that a variant of the entry may get."""
        skus = {row.sku for row in entry.rows if row.sku}
        for row in entry.rows:
            if not row.sku or row.sku in self.file.repeated:
                skus.add(derived_sku(entry.handle, row.values or ()))
        return skus

    def plan(
        self, entry: Entry, stored: StoredProduct | None, owned: Mapping[str, Owned]
    ) -> Change | None:
        """Return what is to be written, None if nothing is; ``owned`` has `possible_skus`."""
        owners = {
            sku: owned[sku]
            for sku in self.possible_skus(entry)
            if sku in owned and owned[sku].handle != entry.handle
        }
        mine = [Owned(entry.handle, each) for each in stored.variants] if stored else []
        taken = self._match(entry, mine, owners)
        good = [each for each in taken if self._fits(each, entry, mine, owners)]
        if stored is None and not (good and entry.said.get("title")):
            self._leave_out(entry, good)
            return None
        facts = replace(stored.facts if stored else Facts(), **entry.said)
        used = {each.owned.stored.id for each in good if each.owned}
        unused = [one.stored for one in mine if one.stored.wanted and one.stored.id not in used]
        meant = [one.owned.stored for one in taken if one.owned and one not in good]
        gone = self._gone(entry, unused, meant)
        left = [each for each in unused if each not in gone and not self._moves(each, entry)]
        planned = self._place(mine, [self._variant(each, entry.handle) for each in good], left)
        change = Change(
            entry.handle,
            None if stored and facts == stored.facts else facts,
            tuple(planned),
            tuple(each.id for each in gone),
        )
        self._count(stored, change, good, facts)
        return change if change.facts or change.variants or change.withdrawn else None

    def _match(
        self, entry: Entry, mine: Sequence[Owned], owners: Mapping[str, Owned]
    ) -> list[_Taken]:
        by_sku = {each.stored.variant.sku: each for each in mine}
        taken = [_Taken(row, self._own_sku(row, entry, by_sku, owners)) for row in entry.rows]
        free = {each.stored.id: each for each in mine}
        for each in taken:
            each.owned = by_sku.get(each.sku)
            if each.owned:
                free.pop(each.owned.stored.id, None)
        for each in taken:
            if each.owned is None:
                each.owned = self._in_place(each, entry, list(free.values()))
            if each.owned:
                free.pop(each.owned.stored.id, None)
        return taken

    def _own_sku(
        self,
        row: VariantRow,
        entry: Entry,
        by_sku: Mapping[str, Owned],
        owners: Mapping[str, Owned],
    ) -> str:
        """Return the row's SKU, blank where it has none or another row has the same with right.

        That is the row of the variant that is stored with it, or else the first.
        """
        if row.sku not in self.file.repeated:
            return row.sku
        same = [each for each in entry.rows if each.sku == row.sku]
        if row.sku in by_sku:
            values = by_sku[row.sku].stored.values
            keeper = next((each for each in same if each.values == values), same[0])
            if row is keeper:
                return row.sku
        elif row.sku not in owners and self.file.skus[row.sku] == (entry.handle, row.line):
            return row.sku
        self.report.note(Note(row.line, "the SKU is used twice, this one gets another", row.sku))
        return ""

    def _in_place(self, each: _Taken, entry: Entry, free: Sequence[Owned]) -> Owned | None:
        """Return the variant with the row's options whose own SKU the file doesn't name."""
        row = each.row
        free = [one for one in free if self._may_be(row, one, entry)]
        if row.values is not None:
            places = [one for one in free if one.stored.values == row.values]
        else:
            # Without options only the one variant of a product can be meant, and one that has a
            # SKU of its own isn't meant by another.
            places = [one for one in free if one.stored.wanted]
            if len(places) != 1 or len(entry.rows) != 1:
                return None
            if each.sku and not _is_derived(places[0]):
                return None
        return next((one for one in places if one.stored.wanted), next(iter(places), None))

    def _may_be(self, row: VariantRow, one: Owned, entry: Entry) -> bool:
        """Return whether no other row of the file names this variant by its SKU."""
        if one.stored.variant.sku not in self.file.skus:
            return True
        handle, _ = self.file.skus[one.stored.variant.sku]
        return handle != entry.handle and not row.sku and not self.rules.move_skus

    def _fits(
        self,
        each: _Taken,
        entry: Entry,
        mine: Sequence[Owned],
        owners: Mapping[str, Owned],
    ) -> bool:
        """Return whether the row can be taken, with its SKU settled; else it is a bad row."""
        try:
            self._settle(each, entry, mine, owners)
        except BadCell as error:
            self.report.bad_rows.append(BadRow(each.row.line, error.reason, error.detail))
            return False
        return True

    def _settle(
        self, each: _Taken, entry: Entry, mine: Sequence[Owned], owners: Mapping[str, Owned]
    ) -> None:
        row = each.row
        if each.owned is None or each.sku not in {"", each.owned.stored.variant.sku}:
            other = owners.get(each.sku)
            if other and not (self.rules.move_skus and each.owned is None):
                raise BadCell(
                    "the SKU is another product's: --move-skus moves it",
                    f"{each.sku} of {other.handle}",
                )
            each.owned = each.owned or other
        if each.owned is not None:
            each.sku = each.sku or each.owned.stored.variant.sku
            return
        if self.file.columns.stock_list:
            raise BadCell("no such variant, and a stock list makes none", row.sku or entry.handle)
        if row.values is None and mine:
            raise BadCell("which variant it is can't be told without its options", row.sku)
        if row.values and "options" not in row.said:
            raise BadCell("no such variant, and a new one needs the options' names", row.sku)
        if "price" not in row.said:
            raise BadCell("no such variant, and a new one needs a price", row.sku or entry.handle)
        each.sku = each.sku or derived_sku(entry.handle, row.values or ())
        known = {one.stored.variant.sku for one in mine}
        if not row.sku and each.sku in self.file.skus:
            known.add(each.sku)
        if each.sku in owners or each.sku in known:
            raise BadCell("the SKU made up for it is another variant's", each.sku)

    def _variant(self, each: _Taken, handle: str) -> PlannedVariant:
        row, said = each.row, dict(each.row.said)
        if each.owned is None:
            if row.uncounted:
                said.setdefault("stock", 0)
                reason = "stock is tracked and not said, so there is none"
                self.report.note(Note(row.line, reason, each.sku))
            new = Variant(each.sku, (), 0, None, self.rules.currency, None, oversell=False)
            return PlannedVariant(None, 0, replace(new, **said), active=True, set_stock=True)
        stored = each.owned.stored
        setting = self.rules.stock or self.file.columns.stock_list
        if "stock" in said and said["stock"] != stored.variant.stock:
            difference = StockDifference(each.sku, stored.variant.stock, said["stock"])
            self.report.stocks.append(difference)
        if not setting:
            said.pop("stock", None)
        if stored.variant.currency != self.rules.currency:
            # What is stored is in a currency that the catalogue had once.
            if "price" in said:
                said.setdefault("compare_at_price", None)
            else:
                said.pop("compare_at_price", None)
        moved = each.owned.handle != handle
        if moved:
            said.setdefault("options", ())
        # A price list sells nothing again, except after a change of the currency, or where the
        # variant was another product's.
        back = self.file.columns.complete or ("price" in said and (moved or stored.unpriced))
        variant = replace(stored.variant, sku=each.sku, **said)
        return PlannedVariant(
            stored.id, 0, variant, active=stored.active or back, set_stock="stock" in said
        )

    def _gone(
        self, entry: Entry, wanted: Sequence[StoredVariant], bad: Collection[StoredVariant]
    ) -> list[StoredVariant]:
        """Return the variants that the file no longer has; only a complete one takes any away."""
        gone = []
        for each in wanted if self.file.columns.complete else ():
            sku = each.variant.sku
            if self._moves(each, entry):
                continue
            elsewhere = self._is_elsewhere(each, entry)
            meant = any(name[0] == sku or name[1] == each.values for name in entry.named)
            if elsewhere or meant or each in bad or not entry.whole:
                self.report.kept += [sku] if each.active else []
            else:
                gone.append(each)
                self.report.withdrawn.append(sku)
        return gone

    def _is_elsewhere(self, stored: StoredVariant, entry: Entry) -> bool:
        """Return whether the file has the variant's SKU with another product."""
        sku = stored.variant.sku
        return sku in self.file.skus and self.file.skus[sku][0] != entry.handle

    def _moves(self, stored: StoredVariant, entry: Entry) -> bool:
        """Return whether the variant is the other product's now, which writes it."""
        return self.rules.move_skus and self._is_elsewhere(stored, entry)

    def _place(
        self,
        mine: Sequence[Owned],
        variants: Sequence[PlannedVariant],
        left: Sequence[StoredVariant],
    ) -> list[PlannedVariant]:
        """Return the variants that differ from what is stored, each at its position.

        The order is a complete file's; any other leaves it, and puts at the end what is new.
        """
        before = {one.stored.id: one.stored for one in mine}
        end = len(before)
        kept = [PlannedVariant(one.id, 0, one.variant, one.active, set_stock=False) for one in left]
        ordered = [*variants, *kept]
        if not self.file.columns.complete:
            order = {one.stored.id: place for place, one in enumerate(mine)}
            ordered.sort(key=lambda each: end if each.id is None else order.get(each.id, end))
        changed, place = [], 0
        for each in ordered:
            was = before.get(each.id) if each.id is not None else None
            now = replace(each, position=place if each.active else end)
            place += each.active
            same = was and (was.variant, was.active) == (now.variant, now.active)
            if not same or (was and now.active and was.position != now.position):
                changed.append(now)
        return changed

    def _count(
        self, stored: StoredProduct | None, change: Change, good: Sequence[_Taken], facts: Facts
    ) -> None:
        report = self.report
        changed = bool(change.facts or change.variants or change.withdrawn)
        report.added += stored is None
        report.updated += stored is not None and changed
        report.unchanged += stored is not None and not changed
        report.variants += len(good)
        new = sum(each.owned is None for each in good)
        report.variants_added += new
        report.variants_changed += len(change.variants) - new
        report.images += len(facts.images) if "Image Src" in self.file.columns else 0
        for each in good:
            if each.owned and each.owned.handle != change.handle:
                report.moved.append(Move(each.sku, each.owned.handle, change.handle))
            if each.owned and each.owned.stored.variant.sku != each.sku:
                report.renamed.append(Renaming(each.owned.stored.variant.sku, each.sku))

    def _leave_out(self, entry: Entry, good: Sequence[_Taken]) -> None:
        """Say of a product that isn't in the catalogue, and can't be, why not."""
        if good or (entry.whole and not entry.rows and not entry.named):
            reason = f"no such product, and a new one needs a {'title' if good else 'variant'}"
            lines = [each.row.line for each in good] or [entry.line]
            self.report.bad_rows.extend(BadRow(line, reason, entry.handle) for line in lines)


def _is_derived(owned: Owned) -> bool:
    return owned.stored.variant.sku == derived_sku(owned.handle, owned.stored.values)
