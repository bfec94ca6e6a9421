"""What a geocoder answers."""

from pydantic import BaseModel, ConfigDict, Field

from shared.geo import Point
from subgraphs.locations.rules.places import Precision


class Found(BaseModel):
    """Somewhere that a text may mean, or that is at a point."""

    model_config = ConfigDict(frozen=True)

    label: str = Field(max_length=500)
    locality: str | None = Field(None, max_length=200)
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$")
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    precision: Precision

    @property
    def point(self) -> Point:
        return Point(self.latitude, self.longitude)
