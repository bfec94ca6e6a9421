// Hive Router's planner in this process, and what its runtime leaves open: which names a client may use, what of one
// event stays for the next, and where null may stand.
import { unifiedGraphHandler } from "@graphql-hive/router-runtime";
import { handleMaybePromise, mapAsyncIterator } from "@whatwg-node/promise-helpers";
import {
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  Kind,
  TypeInfo,
  execute,
  getDirectiveValues,
  getOperationAST,
  getVariableValues,
  isAbstractType,
  isListType,
  isNonNullType,
  print,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { INTROSPECTION, introspects, refusal } from "./limits.mjs";

/** The handler of a supergraph for the gateway's runtime. */
export async function plannedGraph(options) {
  const handled = await unifiedGraphHandler(options);
  const schema = handled.unifiedGraph;
  const renamed = renaming(schema);
  const parted = parting(schema);

  function planned(request) {
    const { document, aliases } = renamed(request.document);
    const asked = { ...request, document };
    const present = (result) => presented(schema, asked, aliases, result);
    return handleMaybePromise(
      () => handled.executor(asked),
      (result) => (result[Symbol.asyncIterator] ? mapAsyncIterator(result, present) : present(result)),
      (error) => unplanned(schema, request, error),
    );
  }

  return {
    ...handled,
    executor(request) {
      if (!introspects(request.document)) return planned(request);
      const { ofGraph, ofSchema } = parted(request.document);
      const told = executed(schema, { ...request, document: ofSchema });
      return handleMaybePromise(
        () => planned({ ...request, document: ofGraph }),
        (result) => ({ ...result, data: result.data && { ...result.data, ...introspected(told.data) } }),
      );
    },
  };
}

/** What is answered where the planner makes no plan: of nothing but skipped fields there is none. */
function unplanned(schema, request, error) {
  if (!/^Failed to (parse|plan) query/.test(error.message)) throw error;
  if (Object.keys(executed(schema, request).data ?? { one: null }).length === 0) return { data: {} };
  console.error(JSON.stringify({ level: "error", event: "planning_failed", error: error.message }));
  throw refusal("QUERY_PLAN_BUILD_FAILED", "No plan can be made of this operation.");
}

function executed(schema, { document, variables: variableValues, operationName }) {
  return execute({ schema, document, variableValues, operationName });
}

// --- introspection ---

/** Parts a document that asks for the schema, too: in either part `__typename` stands for what the other one answers. */
function parting(schema) {
  const known = new WeakMap();

  function part(document, isAsked) {
    const types = new TypeInfo(schema);
    const Field = (node) => {
      if (types.getParentType() !== schema.getQueryType() || isAsked(node)) return undefined;
      const alias = node.alias ?? node.name;
      return { kind: Kind.FIELD, alias, name: { kind: Kind.NAME, value: "__typename" }, directives: node.directives };
    };
    return visit(document, visitWithTypeInfo(types, { Field }));
  }

  return (document) => {
    if (!known.has(document)) {
      const isOfSchema = (node) => INTROSPECTION.has(node.name.value);
      known.set(document, {
        ofGraph: part(document, (node) => !isOfSchema(node)),
        ofSchema: part(document, isOfSchema),
      });
    }
    return known.get(document);
  };
}

/** The fields of an answer that hold something of the schema; the others hold the name of a type. */
function introspected(data) {
  return Object.fromEntries(Object.entries(data ?? {}).filter(([, value]) => typeof value !== "string"));
}

// --- aliases ---

const TYPENAME = "__typename";

/**
 * Gives the aliases of a document that are names of other fields names of their own: under the names of keys the
 * runtime looks for the keys. And asks each object of an abstract type for its own, by which `completed` knows what was
 * asked of it. The answer holds the document, and by those names the client's aliases, undefined for what is not theirs.
 */
function renaming(schema) {
  const fields = new Set(Object.values(schema.getTypeMap()).flatMap((type) => Object.keys(type.getFields?.() ?? {})));
  const isTaken = (node) => node.alias && node.alias.value !== node.name.value && fields.has(node.alias.value);
  const known = new WeakMap();

  function rename(document) {
    const text = print(document);
    let prefix = "alias_";
    while (text.includes(prefix)) prefix = `_${prefix}`;
    const aliases = new Map();
    const types = new TypeInfo(schema);

    /** What stands as `name` in the answer, and as `alias` in the client's. */
    function named(node, name, alias) {
      aliases.set(`${prefix}${name}`, alias);
      return { ...node, alias: { kind: Kind.NAME, value: `${prefix}${name}` } };
    }

    const visitor = {
      Field: (node) => (isTaken(node) ? named(node, node.alias.value, node.alias.value) : undefined),
      SelectionSet(node) {
        if (!isAbstractType(types.getParentType())) return undefined;
        const typename = named({ kind: Kind.FIELD, name: { kind: Kind.NAME, value: TYPENAME } }, TYPENAME, undefined);
        return { ...node, selections: [typename, ...node.selections] };
      },
    };
    const changed = visit(document, visitWithTypeInfo(types, visitor));
    return aliases.size === 0 ? { document } : { document: changed, aliases };
  }

  return (document) => {
    if (!known.has(document)) known.set(document, rename(document));
    return known.get(document);
  };
}

function withAliases(value, aliases) {
  if (Array.isArray(value)) return value.map((item) => withAliases(item, aliases));
  if (value === null || typeof value !== "object") return value;
  const shown = Object.entries(value).filter(([name]) => !aliases.has(name) || aliases.get(name));
  return Object.fromEntries(shown.map(([name, inner]) => [aliases.get(name) ?? name, withAliases(inner, aliases)]));
}

// --- answers ---

function presented(schema, request, aliases, result) {
  // Where everything was skipped there is none.
  const found = result.data === undefined ? {} : result.data;
  const data = found && completed(schema, request, found);
  const answer = { ...result, data: data && aliases ? withAliases(data, aliases) : data };
  if (!result.errors) return answer;
  answer.errors = [...result.errors];
  if (aliases) for (const error of answer.errors) renamePath(error, aliases);
  // The runtime goes on with the same list at a subscription's next event.
  result.errors.length = 0;
  return answer;
}

function renamePath(error, aliases) {
  if (error.path?.some((part) => aliases.has(part))) {
    Object.defineProperty(error, "path", {
      value: error.path.map((part) => aliases.get(part) ?? part),
      enumerable: true,
    });
  }
}

const MISSING = Symbol("null where it may not stand");

/**
 * The data with null where a value is missing that must not be null: instead of the next object around it that may be,
 * as the specification has it (Handling Execution Errors). The runtime leaves null, wherever it is, and leaves out all
 * that a fragment asks for of an entity that is not there.
 */
function completed(schema, { document, operationName, variables }, data) {
  const operation = getOperationAST(document, operationName);
  const fragments = new Map(document.definitions.map((definition) => [definition.name?.value, definition]));
  let values;

  function isSkipped(selection) {
    if (!selection.directives?.length) return false;
    values ??= getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {}).coerced;
    const isIf = (directive) => getDirectiveValues(directive, selection, values)?.if;
    return isIf(GraphQLSkipDirective) === true || isIf(GraphQLIncludeDirective) === false;
  }

  function complete(value, type, selectionSet) {
    if (isNonNullType(type)) return complete(value, type.ofType, selectionSet) ?? MISSING;
    if (value === null || value === undefined) return null;
    if (!selectionSet) return value;
    if (!isListType(type)) return completeFields(value, typeOf(value, type, selectionSet), selectionSet) ? value : null;
    for (const [index, item] of value.entries()) {
      value[index] = complete(item, type.ofType, selectionSet);
      if (value[index] === MISSING) return null;
    }
    return value;
  }

  /** An object's own type, for which `renaming` asks first where its declared one is abstract. */
  function typeOf(object, type, { selections: [first] }) {
    return isAbstractType(type) ? schema.getType(object[first.alias.value]) : type;
  }

  function isOf(type, name) {
    const condition = schema.getType(name);
    return condition === type || (isAbstractType(condition) && schema.isSubType(condition, type));
  }

  /** False if a field of the object is missing. */
  function completeFields(object, type, selectionSet) {
    return selectionSet.selections.every((selection) => {
      if (isSkipped(selection)) return true;
      if (selection.kind !== Kind.FIELD) {
        const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
        const isOfAnother = fragment.typeCondition && !isOf(type, fragment.typeCondition.name.value);
        return isOfAnother || completeFields(object, type, fragment.selectionSet);
      }
      if (selection.name.value === TYPENAME) return true;
      const key = selection.alias?.value ?? selection.name.value;
      object[key] = complete(object[key], type.getFields()[selection.name.value].type, selection.selectionSet);
      return object[key] !== MISSING;
    });
  }

  return completeFields(data, schema.getRootType(operation.operation), operation.selectionSet) ? data : null;
}
