"""What one says about oneself."""

from shared.access import OWN, VALUE, Declaration, Mutation, signed_in

ACCESS: list[Declaration] = [
    # Everybody changes their own.
    Mutation(
        'updateProfile(input: {bio: "Paints fences."})',
        "account",
        signed_in(OWN, owner=VALUE),
        gives="user",
        repeatable=True,
    ),
    Mutation(
        'setSkills(input: {skills: ["Painting"]})',
        "account",
        signed_in(OWN, owner=VALUE),
        gives="user",
        repeatable=True,
    ),
]
