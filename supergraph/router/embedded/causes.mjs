// Errors of a whole request to a subgraph, such as one that asks for too much: an operation takes several requests, and
// each would tell the same again.
import { GraphQLError } from "graphql";

// In the extensions, which go along wherever an error goes, and out of sight of JSON.
const WHOLE = Symbol("of a whole request");

/** The error of a subgraph's answer, marked if it belongs to no field. */
export function ofSubgraph(error) {
  if (error.path) return error;
  return new GraphQLError(error.message, { extensions: { ...error.extensions, [WHOLE]: true } });
}

/**
 * The errors without those of whole requests that say what another one has said. What is left of these names no place:
 * the runtime gives it that of one field, and by the same cause others are null.
 */
export function onePerCause(errors) {
  const told = new Set();
  return errors.flatMap((error) => {
    if (!error.extensions?.[WHOLE]) return [error];
    const { requestId: _requestId, ...said } = error.extensions;
    const cause = JSON.stringify([error.message, said]);
    if (told.has(cause)) return [];
    told.add(cause);
    return [new GraphQLError(error.message, { extensions: error.extensions })];
  });
}
