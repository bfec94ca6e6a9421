// What an operation may ask for, measured on the document before it is validated. Each fragment is measured
// once, however often it is spread, so the time is linear in the document.
import { GraphQLError, Kind } from "graphql";

export const MAX_BODY_BYTES = 1_000_000;
export const MAX_TOKENS = 1_000;
export const MAX_DOCUMENT_LENGTH = 30_000;
// Selections are counted as if each fragment stood where it is spread, as the gateway will expand them.
const MAX = { depth: 12, aliases: 30, directives: 50, fields: 5_000 };
const TYPENAME = "__typename";
export const INTROSPECTION = new Set(["__schema", "__type"]);

// The documents, out of those that were measured, that ask for the schema.
const introspecting = new WeakSet();

/** The first limit that a document exceeds, as an error whose code is Hive Router's, or undefined. */
export function exceededLimit(document) {
  const fragments = new Map();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, { definition });
  }
  const nothing = { depth: 0, aliases: 0, directives: 0, fields: 0, introspects: false, hidesType: false };

  function measureFragment(name) {
    const fragment = fragments.get(name);
    if (!fragment) return nothing;
    if (!fragment.measure) {
      fragment.measure = nothing; // what a fragment that spreads itself adds; validation refuses it later
      fragment.measure = measure(fragment.definition);
    }
    return fragment.measure;
  }

  function measure(node) {
    const sum = { ...nothing, directives: node.directives?.length ?? 0 };
    for (const child of node.selectionSet?.selections ?? []) {
      const inner = child.kind === Kind.FRAGMENT_SPREAD ? measureFragment(child.name.value) : measure(child);
      sum.depth = Math.max(sum.depth, inner.depth + (child.kind === Kind.FIELD ? 1 : 0));
      sum.aliases += inner.aliases + (child.alias ? 1 : 0);
      sum.fields += inner.fields + 1;
      sum.directives += inner.directives + (child.kind === Kind.FRAGMENT_SPREAD ? (child.directives?.length ?? 0) : 0);
      sum.introspects ||= inner.introspects;
      sum.hidesType ||= inner.hidesType || (child.alias?.value === TYPENAME && child.name.value !== TYPENAME);
    }
    // The usual introspection is deeper than anything else may be.
    if (node.kind === Kind.FIELD && INTROSPECTION.has(node.name.value)) return { ...sum, depth: 0, introspects: true };
    return sum;
  }

  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const found = measure(definition);
    for (const [limit, maximum] of Object.entries(MAX)) {
      if (found[limit] > maximum) {
        return refusal(`MAX_${limit.toUpperCase()}_EXCEEDED`, `The operation exceeds the limit of ${maximum} for ${limit}.`);
      }
    }
    // Under this name the types of entities are read, here as in Hive Router.
    if (found.hidesType) {
      return refusal("RESERVED_ALIAS", `\`${TYPENAME}\` cannot be the alias of another field here; choose another name.`);
    }
    if (found.introspects) introspecting.add(document);
  }
}

/** Whether a document that `exceededLimit` has seen asks for the schema. */
export function introspects(document) {
  return introspecting.has(document);
}

/** An error of the router itself; `status` where HTTP has one for it. */
export function refusal(code, message, status) {
  return new GraphQLError(message, { extensions: { code, ...(status && { http: { status } }) } });
}
