// Hive Gateway's runtime on our supergraph: what reaches the subgraphs, and what of errors reaches clients.
import { createGatewayRuntime } from "@graphql-hive/gateway-runtime";
import httpTransport from "@graphql-mesh/transport-http";
import { mapAsyncIterator } from "@whatwg-node/promise-helpers";
import { GraphQLError, getOperationAST, parse } from "graphql";
import { isAdministrator } from "./administrators.mjs";
import { ofSubgraph } from "./causes.mjs";
import { MAX_DOCUMENT_LENGTH, MAX_TOKENS, exceededLimit, introspects, refusal } from "./limits.mjs";
import { plannedGraph } from "./planner.mjs";
import { unavailable, webSocketTransport } from "./subscriptions.mjs";

const SUBGRAPH_TIMEOUT_MILLISECONDS = milliseconds(process.env.ROUTER_SUBGRAPH_TIMEOUT || "10s");
const FORWARDED_HEADERS = ["authorization", "x-request-id", "traceparent", "tracestate", "x-forwarded-for"];
// For the list of one's sessions.
const HEADERS_FOR_USERS = [...FORWARDED_HEADERS, "x-user-agent"];
// What the runtime calls it when a subgraph does not answer, or not with GraphQL.
const TRANSPORT_CODES = new Set([
  undefined,
  "DOWNSTREAM_SERVICE_ERROR",
  "GATEWAY_TIMEOUT",
  "RESPONSE_VALIDATION_FAILED",
  "SUBREQUEST_HTTP_ERROR",
  "TIMEOUT_ERROR",
]);

export function createGateway({ readSupergraph, introspection }) {
  return createGatewayRuntime({
    supergraph: readSupergraph,
    unifiedGraphHandler: plannedGraph,
    // A supergraph that changes lets queries and mutations that run finish on the old one.
    gracefulSchemaReload: { drainTimeout: SUBGRAPH_TIMEOUT_MILLISECONDS },
    transports: { http: httpTransport, ws: webSocketTransport },
    transportEntries: {
      "*.http": { options: { deduplicateInflightRequests: false, subscriptions: { kind: "ws" } } },
      ...subgraphLocations(),
    },
    upstreamTimeout: ({ executionRequest }) =>
      executionRequest?.operationType === "subscription" ? undefined : SUBGRAPH_TIMEOUT_MILLISECONDS,
    propagateHeaders: {
      fromClientToSubgraphs: ({ request, subgraphName }) => {
        const names = subgraphName.toLowerCase() === "users" ? HEADERS_FOR_USERS : FORWARDED_HEADERS;
        return Object.fromEntries(names.map((name) => [name, request.headers.get(name)]));
      },
    },
    subgraphErrors: false,
    requestId: false,
    maskedErrors: { maskError },
    plugins: () => [limits(introspection), subgraphErrors()],
    graphqlEndpoint: "/graphql",
    batching: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: "warn",
  });
}

/** Of a duration such as `10s` or `500ms`, which Hive Router reads, too. */
function milliseconds(duration) {
  const [, number, unit] = /^(\d+)(ms|s)$/.exec(duration) ?? [];
  if (!number) throw new Error(`ROUTER_SUBGRAPH_TIMEOUT must look like 10s or 500ms, not ${duration}`);
  return Number(number) * (unit === "s" ? 1_000 : 1);
}

function subgraphLocations() {
  const locations = {};
  for (const [name, value] of Object.entries(process.env)) {
    const [, subgraph] = /^SUBGRAPH_URL_(\w+)$/.exec(name) ?? [];
    if (subgraph && value) locations[subgraph.toLowerCase()] = { location: value };
  }
  return locations;
}

function limits(introspection) {
  function parseWithinLimits(source, options) {
    const tooLong = () => refusal("TOKEN_LIMIT_EXCEEDED", `The operation exceeds the limit of ${MAX_TOKENS} tokens.`);
    // Documents are kept, the refused ones too, so that memory needs a limit that tokens do not give.
    if (source.length > MAX_DOCUMENT_LENGTH) throw tooLong();
    let document;
    try {
      document = parse(source, { ...options, maxTokens: MAX_TOKENS });
    } catch (error) {
      throw /more (that|than) \d+ tokens/.test(error.message) ? tooLong() : error;
    }
    const refused = exceededLimit(document);
    if (refused) throw refused;
    return document;
  }
  return {
    onParse: ({ setParseFn }) => setParseFn(parseWithinLimits),
    onExecute({ args, setResultAndStopExecution }) {
      const hidden = hiddenSchema(introspection, args);
      if (hidden) return setResultAndStopExecution({ errors: [hidden] });
      const type = getOperationAST(args.document, args.operationName)?.operation;
      if (args.contextValue.kind !== "GET" || type !== "mutation") return;
      const refused = refusal("MUTATION_NOT_ALLOWED_OVER_HTTP_GET", "Mutations are sent by POST.", 405);
      setResultAndStopExecution({ errors: [refused] });
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const hidden = hiddenSchema(introspection, args);
      if (hidden) return setResultAndStopExecution({ errors: [hidden] });
      if (args.contextValue.kind === "WEBSOCKET") return;
      const refused = refusal("SUBSCRIPTIONS_TRANSPORT_NOT_SUPPORTED", "Subscribe over graphql-transport-ws.", 406);
      setResultAndStopExecution({ errors: [refused] });
    },
    onValidate:
      () =>
      ({ valid, result, setResult }) => {
        // Suggestions would tell what introspection hides.
        if (valid || introspection === "true") return;
        setResult(
          result.map(
            (error) =>
              new GraphQLError(error.message.replace(/ Did you mean .*$/s, ""), {
                nodes: error.nodes,
                extensions: error.extensions,
              }),
          ),
        );
      },
  };
}

/** The refusal of an operation that asks for the schema and may not see it, or undefined. */
function hiddenSchema(setting, { document, contextValue }) {
  if (!introspects(document) || setting === "true") return undefined;
  if (setting !== "false" && isAdministrator(contextValue.request.headers.get("authorization"))) return undefined;
  return refusal("INTROSPECTION_DISABLED", "Introspection queries are disabled.");
}

/** Errors of the transport name addresses and bodies; a client gets SERVICE_UNAVAILABLE instead. */
function subgraphErrors() {
  return {
    onSubgraphExecute({ executor, setExecutor }) {
      setExecutor(async (request) => {
        let result;
        try {
          result = await executor(request);
        } catch {
          result = { errors: [unavailable()] };
        }
        return result[Symbol.asyncIterator] ? mapAsyncIterator(result, withoutTransport) : withoutTransport(result);
      });
    },
  };
}

function withoutTransport({ data, errors, ...result }) {
  return {
    ...result,
    // Where nobody has any, the runtime would answer no data at all, or that of a subscription's event before.
    data: data ?? { "": null },
    ...(errors && {
      errors: errors.map((error) => ofSubgraph(TRANSPORT_CODES.has(error.extensions?.code) ? unavailable() : error)),
    }),
  };
}

function maskError(error) {
  if (error instanceof GraphQLError && (!error.originalError || error.originalError instanceof GraphQLError)) {
    return error;
  }
  console.error(JSON.stringify({ level: "error", event: "request_failed", error: String(error?.stack ?? error) }));
  return new GraphQLError("Something went wrong.", { extensions: { code: "INTERNAL" } });
}
