"""Places: making them, and how much of one each viewer sees."""

from collections.abc import Sequence
from typing import Annotated, Self

import strawberry
from strawberry import ID

from shared.errors import BadRequest, InvalidInput, collected
from shared.graphql.acting import IDEMPOTENCY_KEY, act, act_once
from shared.graphql.entities import Node, entity
from shared.graphql.ids import PlaceId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation, query
from shared.graphql.types import Point, PointInput, UserError
from shared.identity.actor import MARKETPLACE, Actor
from subgraphs.locations import actions, models, rules, store
from subgraphs.locations.actions.places import Described
from subgraphs.locations.geocoding import geocoder
from subgraphs.locations.rules.places import Precision
from subgraphs.locations.schema.geocoding import check_country
from subgraphs.locations.schema.info import Info

_QUOTAS = [Quota("places", "places_per_address"), Quota("places account", "places_per_account", by_actor)]


@entity(description="Somewhere that a person has named. Others see it once a published task is there, and not exactly.")
class Place(Node):
    id: ID = strawberry.field(description="The place's id.")
    locality: str | None = strawberry.field(description="The town or village.")
    country: str | None = strawberry.field(description="The ISO 3166-1 alpha-2 code of the country.")
    public_point: Point = strawberry.field(
        description="About where it is, up to 850 metres away, always the same: it says no more than in which "
        "neighbourhood of some 720 metres by 720. Distances are from here."
    )
    point: Point | None = strawberry.field(
        description="Where it is exactly, for its owner and the tasker who is engaged to work there; null for others."
    )
    address: str | None = strawberry.field(description="The address as it was given; for the same people.")
    precision: Precision | None = strawberry.field(description="How exactly `point` is known; for the same people.")

    @classmethod
    def of(cls, row: models.Place, *, exact: bool) -> Self:
        return cls(
            id=ID(row.id),
            locality=row.locality,
            country=row.country,
            public_point=Point(latitude=row.public_latitude, longitude=row.public_longitude),
            point=Point(latitude=row.latitude, longitude=row.longitude) if exact else None,
            address=row.address if exact else None,
            precision=row.precision if exact else None,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Place | None"]:
        return await visible_places(info, ids)


@strawberry.input(description="A new place: an address, a point, or both.")
class CreatePlaceInput:
    address: str | None = strawberry.field(
        default=None, description="2 to 300 characters in one line; without a point it is looked up."
    )
    point: PointInput | None = strawberry.field(default=None, description="Where it is exactly.")
    country: str | None = strawberry.field(
        default=None, description="Where the address is: an ISO 3166-1 alpha-2 code such as `TH`."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A place to delete.")
class DeletePlaceInput:
    place_id: PlaceId = strawberry.field(description="One's own place that no task needs.")


@strawberry.type(description="The outcome of `createPlace`.")
class CreatePlacePayload:
    place: Place | None = strawberry.field(default=None, description="The place; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `deletePlace`.")
class DeletePlacePayload:
    place: Place | None = strawberry.field(
        default=None, description="The place that is no more; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class PlaceQuery:
    @query(description="A place; null if there is none, or if it is somebody else's and no published task is there.")
    async def place(
        self, info: Info, id: Annotated[PlaceId, strawberry.argument(description="The place's id.")]
    ) -> Place | None:
        return (await visible_places(info, [id]))[0]

    @query(description="The caller's own places, newest first.", scope=MARKETPLACE)
    async def my_places(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Place] | None:
        window = store.places.NEWEST.window(first, after, last, before)
        page = await store.places.list_places_of(info.context.database, info.context.require_actor().id, window)
        return Connection.of(page, lambda row: Place.of(row, exact=True))


@strawberry.type
class PlaceMutation:
    @mutation(
        description="Makes a place for one's tasks. Others see its neighbourhood alone, at the same point as the "
        "caller's other places in it.",
        quotas=_QUOTAS,
    )
    async def create_place(self, info: Info, input: CreatePlaceInput) -> CreatePlacePayload:
        # Before it is known whether the caller has too many places: who sends their last one again is answered with it.
        described = await _describe(info, info.context.require_actor(), input)
        row = await act_once(info, input, store.places.get_place, actions.places.create_place, described)
        return CreatePlacePayload(place=Place.of(row, exact=True))

    @mutation(description="Deletes one's own place. Not while a task that is not over is there.")
    async def delete_place(self, info: Info, input: DeletePlaceInput) -> DeletePlacePayload:
        row = await act(info, actions.places.delete_place, input.place_id)
        return DeletePlacePayload(place=Place.of(row, exact=True))


async def visible_places(info: Info, place_ids: Sequence[str]) -> Sequence[Place | None]:
    """These places as far as the caller may see them, and None for those that they may not."""
    rows = await info.context.loaders.place_by_id.load_many(place_ids)
    viewer = info.context.actor.id if info.context.actor else None
    exact = {row.id: True for row in rows if row and row.owner_id == viewer}
    foreign = [row.id for row in rows if row and row.id not in exact]
    links = await info.context.loaders.links_by_place_id.load_many(foreign)
    exact |= {each: viewer in link.taskers for each, link in zip(foreign, links, strict=True) if link is not None}
    return [Place.of(row, exact=exact[row.id]) if row and row.id in exact else None for row in rows]


async def _describe(info: Info, actor: Actor, input: CreatePlaceInput) -> Described:
    """What the place will be, after asking the geocoder, while no connection to the database is held.

    Raises together what is InvalidInput; then AddressNotFound, ServiceUnavailable. The locality is that of where
    others see it, for an address too: its name must not say on which side of a border the place lies, nor which address
    was given.
    """
    with collected() as check:
        check(rules.places.check_given, input.address, input.point)
        address = check(rules.places.clean_address, input.address) if input.address is not None else None
        point = check(input.point.parse, field=("point",)) if input.point is not None else None
        country = check(_country, input.country)
    asked = geocoder(info.context.services)
    if point is None:
        found = next(iter(await asked.geocode(address or "", country, 1)), None)
        if found is None:
            raise rules.places.AddressNotFound("No place of this name was found; set a point.", field=("address",))
        point, precision = found.point, found.precision
    else:
        precision = Precision.POINT
    async with info.context.transaction() as session:
        public = await actions.places.place_for_others(session, actor, point)
    shown = await asked.reverse(public)
    locality, land = (shown.locality, shown.country) if shown is not None else (None, None)
    return Described(address, locality, land, precision, point, public)


def _country(code: str | None) -> str | None:
    try:
        return check_country(code)
    except BadRequest as error:
        raise InvalidInput(error.message, field=("country",)) from None
