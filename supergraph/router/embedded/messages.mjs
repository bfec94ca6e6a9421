// What graphql-js says of an operation, without the values that a client sent: of a field that is missing it would
// quote the whole input, passwords included, for whatever collects the client's errors.
const LONGEST = 1_000;
const TYPE = String.raw`"[\w!\[\]]+"`;
const REASON = new RegExp(
  String.raw`; (Expected (?:non-nullable )?type ${TYPE} .*|Field "\w+" .*|Value ".*|\w+ cannot represent .*|Enum .*)$`,
  "s",
);

/** The message of an error of parsing, validation or coercion with the place and without the value. */
export function withoutValues(message) {
  const variable = /^(Variable "\$\w+") got invalid value /.exec(message);
  if (!variable) return withoutValue(message);
  // Patterns take time with the length, and a value may be as long as a request.
  const [, path] = (message.length <= LONGEST && / at "([\w.[\]]+)"; (?!.* at "[\w.[\]]+"; )/s.exec(message)) || [];
  const [, reason] = (message.length <= LONGEST && REASON.exec(message)) || [];
  const place = path ? ` at "${path}"` : "";
  return `${variable[1]} has an invalid value${place}${reason ? `; ${withoutValue(reason)}` : "."}`;
}

function withoutValue(message) {
  const token = /^(Syntax Error: (?:Expected [^,]*, found|Unexpected) \w+) "/.exec(message);
  if (token) return `${token[1]}.`;
  const found = message.indexOf(", found ");
  if (found >= 0 && message.startsWith("Expected value of type")) return `${message.slice(0, found)}.`;
  const lacks = message.lastIndexOf('" does not exist in "');
  if (message.startsWith('Value "') && lacks >= 0) return `The value${message.slice(lacks + 1)}`;
  const represent = message.indexOf(" cannot represent ");
  const value = message.indexOf(": ", represent);
  return represent >= 0 && value >= 0 ? `${message.slice(0, value)}.` : message;
}
