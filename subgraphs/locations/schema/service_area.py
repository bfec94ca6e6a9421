"""Service areas: where taskers work."""

from typing import Self

import strawberry
from strawberry import ID

from shared.graphql.acting import act
from shared.graphql.ids import CategoryId
from shared.graphql.limits import list_size
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation, query
from shared.graphql.types import Point, PointInput, UserError
from shared.identity.actor import MARKETPLACE
from subgraphs.locations import actions, models, rules, store
from subgraphs.locations.schema.info import Info

_QUOTAS = [
    Quota("service areas", "service_areas_per_address"),
    Quota("service areas account", "service_areas_per_account", by_actor),
]


@strawberry.type(
    description="Where a tasker works: a circle or a polygon. For its tasker alone; in lists for posters its centre "
    "counts as being at the `publicPoint` of a place there."
)
class ServiceArea:
    center: Point = strawberry.field(description="The middle of the circle or of the polygon.")
    radius_meters: float | None = strawberry.field(
        description="How far from `center` a task's `publicPoint` is at most; null for a polygon."
    )
    polygon: list[Point] | None = strawberry.federation.field(
        description="The corners, each joined to the next and the last to the first by the shortest line; null for a "
        "circle.",
        directives=[list_size(assumed_size=rules.service_areas.CORNERS[1])],
    )
    category_ids: list[ID] = strawberry.field(description="The categories they work in; empty for all.")

    @classmethod
    def of(cls, row: models.ServiceArea) -> Self:
        corners = rules.service_areas.corners_of(row.outline) if row.outline is not None else None
        return cls(
            center=Point(latitude=row.latitude, longitude=row.longitude),
            radius_meters=row.radius_meters,
            polygon=[Point.of(corner) for corner in corners] if corners is not None else None,
            category_ids=[ID(each) for each in row.category_ids],
        )


@strawberry.input(description="Where one works: `center` and `radiusMeters`, or `polygon`.")
class SetServiceAreaInput:
    center: PointInput | None = strawberry.field(
        default=None, description="The middle of a circle; takes a `radiusMeters`."
    )
    radius_meters: float | None = strawberry.field(
        default=None, description="How far from `center` at most: above 0, up to 200,000."
    )
    polygon: list[PointInput] | None = strawberry.field(
        default=None,
        description="3 to 100 corners in either direction, each at most 200 km from the middle of the polygon. The "
        "outline neither touches nor crosses itself; it may cross the antimeridian and enclose a pole.",
    )
    category_ids: list[CategoryId] | None = strawberry.field(
        default=None, description="At most 20 categories of the lower level; none for all."
    )


@strawberry.type(description="The outcome of `setServiceArea`.")
class SetServiceAreaPayload:
    service_area: ServiceArea | None = strawberry.field(
        default=None, description="The service area; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `removeServiceArea`.")
class RemoveServiceAreaPayload:
    service_area: ServiceArea | None = strawberry.field(
        default=None, description="The service area that is no more; null if there was none."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class ServiceAreaQuery:
    @query(description="Where the caller works as a tasker; null if they have not said so.", scope=MARKETPLACE)
    async def my_service_area(self, info: Info) -> ServiceArea | None:
        row = await store.service_areas.load_service_area(info.context.database, info.context.require_actor().id)
        return ServiceArea.of(row) if row is not None else None


@strawberry.type
class ServiceAreaMutation:
    @mutation(
        description="Says where the caller, a tasker, works, in place of what they said before. The same again changes "
        "nothing.",
        quotas=_QUOTAS,
    )
    async def set_service_area(self, info: Info, input: SetServiceAreaInput) -> SetServiceAreaPayload:
        row = await act(
            info,
            actions.service_areas.set_service_area,
            center=input.center,
            radius_meters=input.radius_meters,
            corners=input.polygon,
            category_ids=input.category_ids or (),
        )
        return SetServiceAreaPayload(service_area=ServiceArea.of(row))

    @mutation(description="Takes back where the caller works; no poster is shown them for it any more.")
    async def remove_service_area(self, info: Info) -> RemoveServiceAreaPayload:
        row = await act(info, actions.service_areas.remove_service_area)
        return RemoveServiceAreaPayload(service_area=ServiceArea.of(row))
