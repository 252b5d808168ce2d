"""Which products a list is of, and how they are found: what its statements have in common.

Where there are millions of products, no plan is good for all that may be asked: what one product
in a thousand has is looked up in an index, and what every third one has is met soon enough in any
order, while all the places that an index knows of it would take seconds. So the statement looks at
a few products from all over the catalogue, and goes its way by these. It keeps the values from the
planner (`(select $1)`), whose plan would be for the first few of them, or for those of then.
"""

from __future__ import annotations

from collections.abc import Iterator

from .model import COUNTED, PRICE, Selection, Sort
from .search import BEGINNING, read_search

PROBES = 512
"""Products that are looked at, to know how common something is."""
COMMON = 12
"""Of the probes that have it: then it isn't looked up in an index that has no order."""
RARE = 12
"""Of the probes that have it: beyond, an index of something rarer is asked alone."""
MANY = 2
"""Of the probes that have it: then it isn't sorted, but met soon enough in any order."""
SORTED = 5_000
"""Products that are sorted, at most; more are read in an order that an index has."""
SLICE, LARGE_SLICE, LARGE_SLICES = 8192, 262_144, 1_610_612_736
"""Ids of a slice, of a large one, and where these begin; as in the function `listed_places`."""
ENOUGH = 1.3
"""So many times what is wanted is looked for in the slices that are read, so that it is there."""
SURE = 1.0
"""Standard deviations by which a number of probes may be too many."""
FEWEST = 0.75
"""What no probe has, or one that may be by chance, is taken for as frequent as that."""
BROAD = 128
"""Of the probes that have it: then it is met sooner in any order than looked up in slices."""
LEFT_OUT = 6
"""Times as much as is asked for may be what the index finds, to look at the slices first."""
PASSED = 2_500
"""Products that are read in the order of the list, at most; for more, its slices are looked up."""
SKIPPED = 20
"""Products of a slice that the index passes by in the time in which one is read."""
SLICES = 256
"""That are looked up at once, at most."""
FEW = 40
"""Slices; for more of the newest, large ones are looked up."""
NEVER = PROBES + 1
"""As a number of probes: that index isn't asked."""
SMALL = 50_000
"""Products; with fewer, any way is short, and none are looked at."""

LANGUAGE = "(select language::regconfig from search_index)"

_COLUMNS = "product_id, title, type, vendor, tags, price, words"
_PLACES = "listed_places(product_id, price, title)"
_PLACE = {"newest": 1, "price": 2, "-price": 2, "title": 3}
"""Which of these is that of the order."""
_ORDERED = {"types": "type", "vendors": "vendor", "prices": "price"}
"""Columns that have an index in their order, by what is asked for."""
_ARRAYS = ("words", "tags", "types", "vendors")
"""What the index of arrays has."""
_SEARCH = "words @@ (select query from wanted)"

# In this form the planner can't make a join of it, with all variants read.
_AVAILABLE = """(select exists (
    select from variants
    where variants.product_id = listed_products.product_id and variants.active
        and (variants.stock is null or variants.oversell or variants.stock > 0)
    offset 0
))"""

_PROBED = -(2**31) + 2**28
"""Below it is the hash of every sixteenth product: these are in an index in its order."""

_PROBES = f"""
    ids as materialized (
        select min(product_id) as first, max(product_id) as last
        from listed_products having max(product_id) - min(product_id) > {{}}
    ),
    probes as materialized (
        select {_COLUMNS}
        from ids,
            lateral (
                select {_COLUMNS} from listed_products
                where hashint8(product_id) < {_PROBED}
                order by hashint8(product_id) limit {{}}
            ) as probe
    ),"""


class ListStatement:
    """A statement about the products of a selection, and its parameters.

    ``first`` are the common table expressions that all else goes by: the search as tsqueries in
    ``wanted``, and products from all over the catalogue in ``probes``.
    """

    def __init__(self, selection: Selection) -> None:
        self.parameters: list[object] = []
        search = read_search(selection.text)
        self.searches = bool(search.words)
        self.first = ""
        if self.searches:
            values = (search.query, search.firm, search.beginning, search.likeness, selection.text)
            self.first = _search(*map(self.parameter, values))
        self.indexed = dict(self._indexed(selection))
        """Conditions that an index helps with: of facets, by their names, and of others."""
        self.others = list(self._others(selection))
        if self.asks:
            self.first += _PROBES.format(SMALL, PROBES)
        self.chosen = [facet for facet in ("types", "vendors", "tags") if facet in self.indexed]

    def parameter(self, value: object) -> str:
        """Return how the statement names this value."""
        self.parameters.append(value)
        return f"${len(self.parameters)}"

    def _indexed(self, selection: Selection) -> Iterator[tuple[str, str]]:
        if self.searches:
            yield "words", _SEARCH
        # The planner takes a range for larger than what equals a value. It reads it in the order
        # of the index then, until there is enough, and doesn't gather all of it first.
        self.equal: dict[str, str] = {}
        self.array: dict[str, str] = {}
        for facet, column, value in (
            ("types", "type", selection.type),
            ("vendors", "vendor", selection.vendor),
        ):
            if value:
                text = f"(select {self.parameter(value)}::text)"
                yield facet, f"{column} between {text} and {text}"
                self.equal[facet] = f"{column} = {text}"
                self.array[facet] = f"array[{column}] @> (select array[{text}])"
        if selection.tag:
            yield "tags", f"tags @> (select array[{self.parameter(selection.tag)}::text])"
        if selection.min_price is not None or selection.max_price is not None:
            most = PRICE if selection.max_price is None else selection.max_price
            bounds = self.parameter(selection.min_price or 0), self.parameter(most)
            yield (
                "prices",
                "price between (select {}::bigint) and (select {}::bigint)".format(*bounds),
            )

    def _others(self, selection: Selection) -> Iterator[str]:
        if selection.text.strip() and not self.searches:
            yield "false"
        if selection.available:
            yield _AVAILABLE

    @property
    def asks(self) -> bool:
        """Whether any product is left out."""
        return bool(self.indexed or self.others)

    def where(self, *, leave: str = "") -> str:
        """Return the whole condition, but for the facet to leave out."""
        indexed = [each for name, each in self.indexed.items() if name != leave]
        return " and ".join([*indexed, *self.others]) or "true"

    def alone(self, sort: Sort) -> str:
        """Return the condition where an index has all that is asked for in this order, or blank."""
        in_order = self.indexed.keys() <= {"types", "vendors", "prices"}
        if sort in {"newest", "title"}:
            in_order = len(self.indexed) == 1
        if not self.equal or not in_order:
            return ""
        prices = [sql for name, sql in self.indexed.items() if name == "prices"]
        return " and ".join([*self.equal.values(), *prices, *self.others])

    def walked(self, key: str, direction: str, beyond: str) -> str:
        """Return a select of part of what is asked for that an index has in order, one by one.

        Without a type or vendor that is everything. ``beyond`` is where to begin.
        """
        order = f"product_id {direction}"
        if key:
            order = f"{key} {direction}, {order}"
        if not self.equal:
            return one_by_one(order, beyond)
        within = f"{[*self.equal.values()][-1]} and {beyond}"
        if key:
            return one_by_one(order, within)
        # The planner takes what equals a value for few. Were there an index with all that is asked
        # of them, it would sort them, so it is asked of each by its id.
        return f"""
            select {_COLUMNS}
            from (
                select product_id as id from listed_products
                where {within} order by {order} offset 0
            ) as each,
                lateral (
                    select {_COLUMNS} from listed_products where product_id = each.id offset 0
                ) as listed_products"""

    def _indexed_but(self, leave: str) -> dict[str, str]:
        """Return what indexes help with but for the facet to leave out, where one has all as one.

        There is an index of words, tags, types and vendors, as ``found``, one of type, vendor and
        price, and one of vendor and price. Where the words may be of no use there are ``kinds``
        too, which is what is found without them.
        """
        indexed = {each: sql for each, sql in self.indexed.items() if each != leave}
        if indexed.keys() & {"words", "tags"}:
            found = {each: indexed.pop(each) for each in _ARRAYS if each in indexed}
            found |= {each: self.array[each] for each in found if each in self.array}
            grouped = {"found": " and ".join(found.values())}
            if found.pop("words", "") and found:
                grouped["kinds"] = " and ".join(found.values())
            return grouped | indexed
        together = [each for each in ("types", "vendors", "prices") if each in indexed]
        if len(together) > 1:
            parts = [self.equal.get(each) or indexed[each] for each in together]
            for each in together:
                del indexed[each]
            indexed[together[0]] = " and ".join(parts)
        return indexed

    def matching(
        self,
        name: str,
        *expressions: str,
        leave: str = "",
        sort: Sort | None = None,
    ) -> str:
        """Return a common table expression of what there is, in no order.

        Its columns are the ``expressions``; one that isn't a column ends with ``as`` and a name. Of
        no more than one beyond what is counted or, to ``sort``, may be sorted. Before it stands
        ``{name}_way``, by which it is found, with ``bound``, the number beyond which there is more:
        none where the newest of them show that there is.
        """
        columns = ", ".join(expressions)
        if self.where(leave=leave) == "true":
            return f"""
                {name}_way as (select {COUNTED} as bound),
                {name} as materialized (
                    select {columns} from listed_products
                    order by product_id desc limit {COUNTED + 1}
                )"""
        most = SORTED if sort else COUNTED
        limit = f"limit (select bound + 1 from {name}_way)"
        found = [
            f"(select {columns} from {source} where {each} {limit})"
            for source, each in self._by_index(name, leave)
        ]
        parts = [self._in_order_of(each) for each in self.equal if each != leave]
        source = parts[-1] if parts else _source(one_by_one("product_id desc"))
        found.append(f"""(
            select {columns} from {source}
            where (select common from {name}_way) and {judged(self.where(leave=leave))} {limit}
        )""")
        way = f"{name}_way as materialized ({self._way(leave, most, sort)})"
        if newest := self._among_newest(name, leave):
            names = ", ".join(each.split(" as ")[-1] for each in expressions)
            found.append(
                f"(select {names} from {name}_newest where (select found from {name}_way))"
            )
            way = f"""
                {name}_guess as materialized ({self._way(leave, most, sort)}),
                {name}_newest as materialized (
                    select {columns} from listed_products where {newest} limit {COUNTED + 1}
                ),
                {name}_way as materialized (
                    select common and not found as common, found, indexed,
                        case when found then {0 if sort else COUNTED} else bound end as bound,
                        case when not found then index end as index
                    from {name}_guess,
                        lateral (
                            select count(*) > {COUNTED} as found from {name}_newest
                        ) as each
                )"""
        return f"""
            {way}, {name} as materialized ({" union all ".join(found)})"""

    def _among_newest(self, name: str, leave: str) -> str:
        """Return the condition of what is asked for in slices; blank if no index has all of it."""
        if not self.is_found(leave):
            return ""
        conditions = self._found(f"{name}_guess", leave)
        return f"{conditions} and {_PLACES} && (select slices from {name}_guess)"

    def _found(self, way: str, leave: str = "") -> str:
        """Return the condition of what the index of arrays finds."""
        found = self._indexed_but(leave)["found"]
        conditions = [found.replace(_SEARCH, f"words @@ (select indexed from {way})"), *self.others]
        if "words" in self.indexed:
            # All that the search finds is among what the index is asked for, and may be less.
            conditions.append(judged(_SEARCH))
        return " and ".join(conditions)

    def is_found(self, leave: str = "") -> bool:
        """Return whether the index of arrays has all that is asked for, but for one facet."""
        return {*self._indexed_but(leave)} in ({"found"}, {"found", "kinds"})

    def ahead(self, sort: Sort, key: str, direction: str, beyond: str, limit: int) -> str:
        """Return common table expressions of what comes next in the list, as the index has it.

        ``ahead`` are the slices of the order in which there should be enough, and none where all
        the products may be passed by instead. ``next`` is what is in them. ``arrived`` says whether
        that is all that was wanted.
        """
        place = f"({_PLACES})[{_PLACE[sort]}]"
        order = f"{key} {direction}, product_id {direction}"
        back = "asc" if direction == "desc" else "desc"
        first = f"""
            select {place} from listed_products where {beyond}
            order by {order.removeprefix("0::bigint " + direction + ", ")} limit 1"""
        last = first.replace(f" {direction}", f" {back}")
        usable = "indexed is not null" if "words" in self.indexed else "true"
        within = "1"
        if self.equal:
            within = f"""(
                select count(*) filter (where {[*self.equal.values()][-1]})::float8 / {PROBES}
                from probes as listed_products
            )"""
        return f"""
            distance as materialized (
                select ceil({ENOUGH} * {limit} * probe) + 2 as probes,
                    {limit} * apart * {within} * probe / (apart / {SKIPPED} + 1) as most
                from ids, matching_way, (
                    select (max(product_id) - min(product_id))::float8 / count(*) as apart
                    from matching
                ) as each,
                    lateral (select {PROBES} * apart / (last - first) as probe) as share
                where (select more from counted) and {usable}
                    and {limit} * apart * {within} > {PASSED}
            ),
            reached as materialized (
                select ({first}) as starts, (
                    select {place} from probes as listed_products where {beyond}
                    order by {order} offset (select probes from distance) limit 1
                ) as halts
                from distance
            ),
            stretch as materialized (
                select least(starts, ends) as low, greatest(starts, ends) as high,
                    halts is null as whole
                from reached, lateral (select coalesce(halts, ({last})) as ends) as each
            ),
            ahead as materialized (
                select array(select generate_series(low, high)) as slices, whole
                from stretch
                where high - low < {SLICES} and (
                    select count(*) from probes as listed_products
                    where {place} between (select low from stretch) and (select high from stretch)
                ) <= (select most from distance)
            ),
            next as materialized (
                select product_id, {key} as key
                from (
                    select product_id, price, title from listed_products
                    where {self._found("matching_way")} and {_PLACES} && (select slices from ahead)
                    offset 0
                ) as listed_products
                where {beyond} order by {order} limit {limit}
            ),
            arrived as materialized (
                select count(*) = {limit} or coalesce((select whole from ahead), false) as arrived
                from next
            ),"""

    def _in_order_of(self, name: str) -> str:
        """Return what has this type, vendor or price, as its index has it.

        As a limit is yet unknown, the planner would note all the places first, if it could.
        """
        return _source(one_by_one(_ORDERED[name], self.indexed[name]))

    def _by_index(self, name: str, leave: str) -> Iterator[tuple[str, str]]:
        """Yield conditions that find it by an index, and what in; at most one of them holds."""
        indexed = self._indexed_but(leave)
        rest = [*self.others]
        if "words" in self.indexed:
            # All that the search finds is among what the index is asked for, and may be less.
            rest.append(judged(_SEARCH))
        if "found" in indexed:
            query = f"words @@ (select indexed from {name}_way)"
            indexed["found"] = indexed["found"].replace(_SEARCH, query)
        if indexed and "kinds" not in indexed:
            gate = f"(select index = 'all' from {name}_way)"
            source, conditions = "listed_products", [*indexed.values()]
            if self._is_ordered(indexed):
                source, conditions = self._in_order_of(*indexed), []
            yield source, " and ".join([gate, *conditions, *rest])
        for index, sql in indexed.items() if len(indexed) > 1 else ():
            gate = f"(select index = '{index}' from {name}_way)"
            source, conditions = "listed_products", [sql]
            if index in _ORDERED and sql == self.indexed[index]:
                source, conditions = self._in_order_of(index), []
            yield source, " and ".join([gate, *conditions, judged(self.where(leave=leave))])

    def _is_ordered(self, indexed: dict[str, str]) -> bool:
        """Return whether it is one type, one vendor or prices alone."""
        names = [each for each in indexed if each in _ORDERED]
        return len(indexed) == len(names) == 1 and indexed[names[0]] == self.indexed[names[0]]

    def _is_walked(self, name: str, sql: str, sort: Sort | None) -> bool:
        """Return whether the list may be read from this index in its order."""
        if sort in {"price", "-price"}:
            return name in _ORDERED
        return sort == "newest" and name in self.equal and sql == self.indexed[name]

    def _way(self, leave: str, most: int, sort: Sort | None) -> str:
        indexed = self._indexed_but(leave)
        ordered = self._is_ordered(indexed)
        walked = [each for each, sql in indexed.items() if self._is_walked(each, sql, sort)]
        if ordered and (walked or most == COUNTED):
            # The index gives the first of them at once, however many there are: nothing to look at.
            return f"select false as common, {COUNTED} as bound, 'all' as index"
        counts = {"hits": self.where(leave=leave)}
        counts |= {f"with_{each}": sql for each, sql in indexed.items()}
        shares = {each: f"with_{each}" for each in indexed}
        source, indexed_query = "", "null::tsquery"
        if "words" in self.indexed:
            firm = "words @@ (select firm from wanted)"
            counts["with_beginning"] = "words @@ (select beginning from wanted)"
            counts["with_firm"] = indexed["found"].replace(_SEARCH, firm)
            source = ", wanted"
            broad = f"with_beginning >= {COMMON}"
            indexed_query = f"case when {broad} then firm else query end"
            shares["found"] = f"""case when not ({broad}) then with_found
                when firm is null then {NEVER} else with_firm end"""
            if "kinds" in indexed:
                shares["kinds"] = f"""case
                    when {broad} and firm is null then with_kinds else {NEVER} end"""
        counted = ", ".join(f"count(*) filter (where {sql}) as {n}" for n, sql in counts.items())
        found = shares.get("found", "")
        for each in {"found", "kinds"} & {*shares}:
            # An index without order has to be gone through whole.
            shares[each] = (
                f"case when {shares[each]} < {COMMON} then {shares[each]} else {NEVER} end"
            )
        least = f"least({', '.join(shares.values())})"
        largest = f"greatest({', '.join(shares.values())})"
        common = f"hits >= {COMMON} or {least} = {NEVER}" if indexed else "true"
        if ordered:
            common = "false"
        scattered = f"{least} >= {RARE}" if indexed else "true"
        rarest = " ".join(f"when {least} = {share} then '{each}'" for each, share in shares.items())
        index = (
            f"case when {largest} < {RARE} then 'all' {rarest} end" if len(indexed) > 1 else "'all'"
        )
        asked = "false"
        if found and "prices" not in indexed:
            # Neither where it is met sooner, nor where most of what the index finds is left out.
            asked = f"coalesce({found} < {BROAD} and {found} <= {LEFT_OUT} * fewest, false)"
        # What comes from an index in the order of the list needn't be sorted.
        in_order = " or ".join(["false", *(f"index = '{each}'" for each in walked)])
        return f"""
            select {common} as common,
                case
                    when {common} then {COUNTED}
                    when {asked} then {most}
                    when hits >= {MANY} or {scattered} or {in_order} then {COUNTED}
                    else {most}
                end as bound,
                index, {indexed_query} as indexed,
                case when {asked} then array(
                    select generate_series(base + last / size - span / size, base + last / size)
                    from (
                        select span,
                            case when span > {FEW * SLICE} then {LARGE_SLICES} else 0 end as base,
                            case when span > {FEW * SLICE} then {LARGE_SLICE} else {SLICE} end
                                as size
                        from (
                            select least(
                                last - first, {ENOUGH * COUNTED * PROBES} / fewest
                            )::bigint
                        ) as newest (span)
                    ) as each
                )::int[] end as slices
            from (select {counted} from probes as listed_products) as probed
                left join ids on true{source},
                lateral (
                    select greatest(hits - {SURE} * sqrt(hits), {FEWEST}) as fewest
                ) as bounded,
                lateral (select case when not ({common}) then {index} end as index) as chosen"""


def judged(condition: str) -> str:
    """Return the condition in a form of which the planner thinks that every other row fulfils it.

    No index is asked for it, and rows are read in order until there are enough.
    """
    return f"case when {condition} then true end"


def one_by_one(order: str, beyond: str = "true") -> str:
    """Return a select of products in order, of which only as many are read as are taken."""
    # With an offset, what is asked of them outside stays outside: else the planner would look it
    # up and sort what it finds.
    return f"""
        select {_COLUMNS} from listed_products where {beyond} order by {order} offset 0"""


def _source(select: str) -> str:
    return f"({select}) as listed_products"


def _search(query: str, firm: str, beginning: str, likeness: str, text: str) -> str:
    """Return the search as tsqueries, made once; ``exact`` takes the words as they are.

    Where all of them are such as every text has, so does ``query``, which finds them in names.
    ``firm`` is null where it would find everything: all of its words are such.
    """
    return f"""
        typed as (
            select {_put_together(query)} as query, {_put_together(firm)} as firm,
                {_put_together(likeness)} as likeness,
                '''' || nullif(search_text({beginning}), '') || ' ''{BEGINNING}' as beginning
        ),
        understood as (
            select case
                when querytree(to_tsquery({LANGUAGE}, query)) in ('', 'T') then 'simple'
                else {LANGUAGE}
            end as language
            from typed
        ),
        wanted as materialized (
            select
                to_tsquery(language, query) as query,
                case when querytree(to_tsquery(language, firm)) not in ('', 'T')
                    then to_tsquery(language, firm)
                end as firm,
                to_tsquery(language, beginning) as beginning,
                to_tsquery(language, likeness) as likeness,
                to_tsquery('simple', replace(likeness, '{BEGINNING}', '')) as exact,
                left(search_text({text}), 64) as title
            from typed, understood
        ),
    """


def _put_together(pieces: str) -> str:
    return f"""(
        select string_agg(
            case n % 2 when 1 then piece else '''' || search_text(piece) || ' ''' end,
            '' order by n
        )
        from unnest({pieces}::text[]) with ordinality as each (piece, n)
    )"""
