"""The GraphQL schema of locations: authorize, call, return. Each module has a noun's types, queries and mutations."""

import strawberry

from shared.graphql.schema import build_schema
from subgraphs.locations.schema.geocoding import GeocodingQuery
from subgraphs.locations.schema.maps import MapQuery
from subgraphs.locations.schema.nearby import NearbyQuery
from subgraphs.locations.schema.place import PlaceMutation, PlaceQuery
from subgraphs.locations.schema.saved_search import SavedSearchMutation, SavedSearchQuery
from subgraphs.locations.schema.service_area import ServiceAreaMutation, ServiceAreaQuery
from subgraphs.locations.schema.task import Task
from subgraphs.locations.schema.taskers import TaskersQuery


@strawberry.type
class Query(PlaceQuery, SavedSearchQuery, ServiceAreaQuery, TaskersQuery, GeocodingQuery, NearbyQuery, MapQuery): ...


@strawberry.type
class Mutation(PlaceMutation, SavedSearchMutation, ServiceAreaMutation): ...


schema = build_schema(Query, Mutation, types=[Task])
