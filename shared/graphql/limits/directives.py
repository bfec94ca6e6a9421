"""What a field says of the size of its list."""

from strawberry import UNSET
from strawberry.federation.schema_directives import ListSize


def list_size(
    *,
    assumed_size: int | None = None,
    slicing_arguments: list[str] | None = None,
    sized_fields: list[str] | None = None,
    require_one_slicing_argument: bool = True,
) -> ListSize:
    """`@listSize` for a field; what is None is left out (printed as `null` it does not compose).

    Give either an assumed size or slicing arguments: with both, Hive Router heeds the assumed size alone.
    """
    return ListSize(
        assumed_size=UNSET if assumed_size is None else assumed_size,
        slicing_arguments=UNSET if slicing_arguments is None else slicing_arguments,
        sized_fields=UNSET if sized_fields is None else sized_fields,
        require_one_slicing_argument=require_one_slicing_argument if slicing_arguments else UNSET,
    )
