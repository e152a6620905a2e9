"""What a run is about: what its commands ask for, of the images that the sources of its categories list.

A run asks for the union of its commands. Of a category it holds what the source listed when it was last read: each
image by its name and content. An image that is listed no more, or with another content, is in no table; it stays
on the disk, and comes back when the source lists it again.
"""

from contextlib import closing
from pathlib import Path

from bench.base import options
from bench.base.errors import BenchError, RunMismatch, UsageError
from bench.base.progress import Reporter
from bench.categories.category import CategorySource
from bench.images.png import pixel_digest
from bench.pipeline.plan import Plan, refuse_factors
from bench.registry.methods import Selected
from bench.registry.selection import parse
from bench.store.layout import RunLayout
from bench.store.queries import Reader
from bench.store.records import CategoryRecord, MethodRecord
from bench.store.rows import ImageRow
from bench.store.store import Store, connect_read_only, is_begun, refuse_foreign_folder


def preview(plan: Plan, root: Path) -> Plan:
    """Return a plan as a run in this folder would take it, or refuse it as that run would.

    Raises:
        StoreError: when the folder cannot become a run.
        RunMismatch, UsageError: as `enter` does.
    """
    layout = RunLayout(root)
    refuse_foreign_folder(layout)
    if not is_begun(layout.database):
        return plan
    with closing(connect_read_only(layout.database)) as run:
        return enter(plan, run)


def enter(plan: Plan, run: Reader) -> Plan:
    """Return a plan with the threads that the run was made with; nothing is written.

    Raises:
        RunMismatch: when a constant, or a category of a name that the run knows, is another.
        UsageError: when no category is named for a run that was made of others than the default, or a method has
            results of one factor and the run was asked for another.
    """
    plan = plan.in_run(run.constants())
    _check_categories(run, plan)
    _check_factors(run, plan)
    run.check_constants(plan.constants)
    return plan


def _check_categories(store: Reader, plan: Plan) -> None:
    known = [category.name for category in store.categories()]
    if known and not plan.is_category_named and any(source.name not in known for source in plan.sources):
        remedy = "name with --category what to restore, in the words of the command that made the run"
        raise UsageError("no category is named", got=f"a run of {', '.join(known)}", remedy=remedy)
    for source in plan.sources:
        row = store.find("categories", {"name": source.name})
        if row is None:
            continue
        for name, value in (("preparation", source.card.prepare), ("has_hr", source.has_hr)):
            if row[name] != value:
                what = {"preparation": "prepared", "has_hr": "used, with or without ground truth,"}[name]
                raise _mismatch(store, source, f"{what} otherwise", value, row[name])
        if row["origin"] != source.origin and not _holds_the_same(store, row["id"], source):
            raise _mismatch(store, source, "made of other images", source.origin, row["origin"])


def _check_factors(store: Reader, plan: Plan) -> None:
    for selected in plan.methods:
        refuse_factors(selected, {*plan.factors, *store.asked_factors(selected.identity)})


def _mismatch(store: Reader, source: CategorySource, how: str, got: object, expected: object) -> RunMismatch:
    what = f"category {source.name} of {store.path.parent} was {how}"
    remedy = f"give this one a name of its own, such as {source.name}2=..., or run into another folder with --out"
    return RunMismatch(what, got=got, expected=expected, remedy=remedy)


def _holds_the_same(store: Reader, category_id: int, source: CategorySource) -> bool:
    """Say whether a source in another place lists every image that the run has, with its content."""
    rows = [row for row in store.image_rows(category_id).values() if row.position is not None]
    listed = source.positions
    return all(row.name in listed for row in rows) and all(
        row.digest is None or row.content == source.content(row.name) or row.digest == _digest(source, row.name)
        for row in rows
    )


def _digest(source: CategorySource, name: str) -> str | None:
    try:
        return pixel_digest(source.read(name))
    except BenchError:
        return None


def ask(store: Store, plan: Plan, reporter: Reporter) -> list[tuple[int, str]]:
    """Write what a command asks for, and what the sources of its categories list now.

    Returns:
        The id and the slug of each of its methods.
    """
    labels = {method.identity: method.label for method in store.methods()}
    for selected in plan.methods:
        if (old := labels.get(selected.identity, selected.label)) != selected.label:
            reporter.say(f"{old} is the same method and is called {selected.label} from now on")
    with store.transaction():
        methods = [store.register_method(_record(selected)) for selected in plan.methods]
        categories = [_read_category(store, source, plan.images, reporter) for source in plan.sources]
        for source, category_id in zip(plan.sources, categories, strict=True):
            for selected in plan.methods:
                for factor in plan.factors:
                    store.ask(selected.label, category_id, factor, source.limit(plan.images), plan.repeats)
    return methods


def _record(selected: Selected) -> MethodRecord:
    method = selected.method
    return MethodRecord(
        name=method.name,
        label=selected.label,
        title=parse(selected.text).label or method.title or selected.label,
        slug=selected.slug,
        identity=selected.identity,
        options=options.describe(method.options),
        is_upper_bound=method.sees_hr,
        training_metrics=tuple(method.training_metrics),
        notes=method.notes,
        trained_on=tuple(method.trained_on),
        approach=method.group,
    )


def _read_category(store: Store, source: CategorySource, limit: int | None, reporter: Reporter) -> int:
    """Write which images a source lists, with which content; one that a command asked for has a row at once."""
    card = source.card
    texts = (source.name, card.title, card.kind, card.about, card.licence, source.origin, card.prepare)
    category_id = store.register_category(CategoryRecord(*texts, source.has_hr, card.data_set))
    rows = store.image_rows(category_id)
    listed = {key: row for key, row in rows.items() if row.name in source.positions}
    stamps = {key: source.stamp(row.name) for key, row in listed.items() if row.stamp is not None}
    current = {rows[key].name: key for key, stamp in stamps.items() if _is_same(source, rows[key], stamp)}
    current |= {row.name: key for key, row in listed.items() if row.stamp is None and row.name not in current}
    places = {key: source.positions[row.name] for key, row in listed.items() if current.get(row.name) == key}
    store.place_images(
        {key: places.get(key) for key, row in rows.items() if places.get(key) != row.position},
        {key: stamp for key, stamp in stamps.items() if key in places and stamp != rows[key].stamp},
    )
    asked = max(source.limit(limit), store.asked_images(category_id))
    for name, position in source.positions.items():
        if position < asked and name not in current:
            store.write_image(ImageRow(category_id, name, position))
    left = [row.name for key, row in rows.items() if row.position is not None and row.digest and key not in places]
    for names, what in (
        ([name for name in left if name not in source.positions], "listed no more"),
        ([name for name in left if name in source.positions], "changed"),
    ):
        if names:
            some = ", ".join([*names[:3], *(["..."] if len(names) > 3 else [])])
            reporter.say(f"{source.name}: images {what}, and in no table now: {len(names)} ({some})")
    return category_id


def _is_same(source: CategorySource, row: ImageRow, stamp: str) -> bool:
    """Say whether a source has the content of a row still; nothing is decoded for it."""
    return row.stamp == stamp or bool(row.content and row.content == source.content(row.name))
