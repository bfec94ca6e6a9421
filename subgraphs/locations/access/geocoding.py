"""Finding places by what people call them."""

from shared.access import VALUE, Declaration, Object, Query, Type, signed_in

GEOCODE = 'geocode(text: "Silom, Bangkok", country: "TH")'
ASKING = signed_in(VALUE)

ACCESS: list[Declaration] = [
    Object("anywhere", "nothing in particular", owner="nobody"),
    Query(GEOCODE, "anywhere", ASKING),
    Query("reverseGeocode(point: {latitude: 13.75, longitude: 100.5})", "anywhere", ASKING),
    Type("GeocodedAddress", "anywhere", GEOCODE, {"label locality country point precision": ASKING}),
]
