//! What errors of validation and of variables say, without the values that a client sent.
//!
//! Of a field that is missing the router would quote the whole input, passwords included, for whatever collects the
//! client's errors. The place stays: the variable, the path in it, the field, the type.

/// The codes of errors whose messages quote values.
pub const CODES: [&str; 2] = ["BAD_USER_INPUT", "ValuesOfCorrectType"];

const FOUND: &str = ", found";
const CANNOT: &str = " cannot represent ";
const VALUE: &str = "Value \"";
const LACKS: &str = "\" does not exist in \"";

/// The message without what was sent, in time linear in its length.
pub fn without_values(message: &str) -> String {
    // What comes first is the router's own; a value may hold the same words.
    let mut places: Vec<_> =
        [FOUND, CANNOT, VALUE].into_iter().filter_map(|phrase| Some((message.find(phrase)?, phrase))).collect();
    places.sort_unstable();
    for (at, phrase) in places {
        let (told, rest) = message.split_at(at);
        match phrase {
            // `Expected value of type "I" to include required field "a", found: { b: "x" }.`, or `, found 5.`
            FOUND => return format!("{told}."),
            // `String cannot represent a non string value: 5`
            CANNOT => {
                let kind = rest.split_once(": ").map_or(rest, |(kind, _)| kind);
                return format!("{told}{}.", kind.trim_end_matches('.'));
            }
            // `Value "x" does not exist in "R" enum.`
            _ => {
                if let Some((_, of_enum)) = rest.rsplit_once(LACKS) {
                    return format!("{told}The value{}{of_enum}", &LACKS[1..]);
                }
            }
        }
    }
    message.into()
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn the_place_stays_and_the_value_goes() {
        for (said, told) in [
            (
                "Variable \"$i\" has invalid value: Expected value of type \"I\" to include required field \"a\", \
                 found: { b: \"secret\" }.",
                "Variable \"$i\" has invalid value: Expected value of type \"I\" to include required field \"a\".",
            ),
            ("Expected value of type \"String\", found [\"secret\"].", "Expected value of type \"String\"."),
            (
                "Variable \"$i\" has invalid value at .a: String cannot represent a non string value: { is: \"secret: 5\" }",
                "Variable \"$i\" has invalid value at .a: String cannot represent a non string value.",
            ),
            (
                "Variable \"$i\" has invalid value at .r[0]: Value \"secret\" does not exist in \"R\" enum.",
                "Variable \"$i\" has invalid value at .r[0]: The value does not exist in \"R\" enum.",
            ),
            (
                "Variable \"$i\" has invalid value at .a: String cannot represent a non string value: [\"secret, found: \"]",
                "Variable \"$i\" has invalid value at .a: String cannot represent a non string value.",
            ),
            (
                "Value \"secret cannot represent , found\" does not exist in \"R\" enum.",
                "The value does not exist in \"R\" enum.",
            ),
            ("Field \"x\" is not defined by type \"I\".", "Field \"x\" is not defined by type \"I\"."),
        ] {
            assert_eq!(without_values(said), told);
        }
    }
}
