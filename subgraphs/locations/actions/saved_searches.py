"""What can be done with saved searches."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, geo, money
from shared.errors import collected
from shared.identity.actor import Actor
from shared.ids import new_id
from subgraphs.locations import models, rules, store
from subgraphs.locations.actions import alerts
from subgraphs.locations.rules.saved_searches import Mode, Wanted


async def create_saved_search(
    session: AsyncSession,
    actor: Actor,
    *,
    name: str,
    center: geo.Entered | None = None,
    radius_meters: float | None = None,
    words: str | None = None,
    category_ids: Sequence[str] = (),
    mode: Mode | None = None,
    min_budget: money.Entered | None = None,
) -> models.SavedSearch:
    """Saves a search. Locks the actor's searches.

    Raises TooManySavedSearches; then together what holds of InvalidInput, InvalidAmount.
    """
    await store.saved_searches.lock_owner(session, actor.id)
    rules.saved_searches.check_count(await store.saved_searches.count_saved_searches(session, actor.id))
    text, query, must_have = None, None, frozenset[str]()
    with collected() as check:
        check(rules.saved_searches.check_any, center, radius_meters, words, mode, min_budget, *category_ids)
        name = check(rules.saved_searches.clean_name, name)
        area = check(rules.saved_searches.area_of, center, radius_meters)
        if words is not None and (read := check(rules.saved_searches.read_words, words)):
            text, query = read
            must_have = check(rules.saved_searches.words_of, await store.saved_searches.read_words(session, query))
        categories = check(rules.saved_searches.read_categories, category_ids)
        budget = check(rules.saved_searches.read_budget, min_budget) if min_budget is not None else None
    wanted = Wanted(name, area, text, tuple(categories), mode, budget)
    search = models.SavedSearch(
        id=new_id("search"),
        owner_id=actor.id,
        name=wanted.name,
        latitude=area.center.latitude if area is not None else None,
        longitude=area.center.longitude if area is not None else None,
        radius_meters=area.radius_meters if area is not None else None,
        words=wanted.words,
        category_ids=list(wanted.category_ids),
        mode=wanted.mode,
        budget_minor=budget.minor if budget is not None else None,
        currency=budget.currency if budget is not None else None,
        keys=rules.saved_searches.keys_of(wanted, must_have),
        created_at=clock.now(),
    )
    await store.saved_searches.add_saved_search(session, search, query)
    return search


async def delete_saved_search(session: AsyncSession, actor: Actor, search_id: str) -> models.SavedSearch:
    """Deletes a search, and what it found and its person was not told of yet. Locks its row. Raises NotFound."""
    search = await store.saved_searches.lock_saved_search(session, search_id)
    if search is None:
        raise rules.saved_searches.no_such_search()
    rules.saved_searches.check_owner(actor, search.owner_id)
    await store.saved_searches.delete_saved_search(session, search.id)
    for task_id in await store.alerts.drop_pending_of(session, search.owner_id, search.id):
        # Another search of theirs may have found it as well.
        await alerts.look_for_searches(session, task_id)
    return search
