// The embedded router: HTTP and graphql-transport-ws in front of the gateway. ../../README.md lists the
// environment variables read here and the codes that clients get.
import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { GraphQLError, Kind, OperationTypeNode } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";
import { cannotHold, followKeys } from "./administrators.mjs";
import { onePerCause } from "./causes.mjs";
import { createGateway } from "./gateway.mjs";
import { MAX_BODY_BYTES, refusal } from "./limits.mjs";
import { withoutValues } from "./messages.mjs";
import { endSubscriptions } from "./subscriptions.mjs";

const env = process.env;
const HOST = env.ROUTER_HOST || "127.0.0.1";
const PORT = Number(env.ROUTER_PORT || 8001);
const SUPERGRAPH = env.SUPERGRAPH_FILE || fileURLToPath(new URL("../../supergraph.graphql", import.meta.url));
const ORIGINS = new Set((env.ROUTER_ALLOWED_ORIGINS || "").split(",").map((origin) => origin.trim()).filter(Boolean));
const INTROSPECTION = env.ROUTER_INTROSPECTION === "true";
const TRACE_SAMPLING = Number(env.ROUTER_TRACE_SAMPLING || 0);
const POLL_MILLISECONDS = 1_000;
const SHUTDOWN_MILLISECONDS = 12_000;
// With either a browser asks by preflight first, so no form of another site can send the request.
const PREFLIGHT_HEADERS = ["x-requested-with", "apollo-require-preflight"];

const log = (level, event, fields) => console.error(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }));
// A defect in one request must not end everybody's connections.
process.on("uncaughtException", (error) => log("error", "uncaught_exception", { error: String(error?.stack) }));
process.on("unhandledRejection", (error) => log("error", "unhandled_rejection", { error: String(error?.stack ?? error) }));

// The gateway's requests to a subgraph all listen to one signal, until they are collected.
setMaxListeners(0);

// --- the gateway and its supergraph ---

let supergraph = await readFile(SUPERGRAPH, "utf8");
const gateway = createGateway({
  readSupergraph: () => supergraph,
  introspection: env.ROUTER_INTROSPECTION,
});
await gateway.getSchema();
void followKeys((error) => log("warning", "keys_unreadable", { error: String(error) }));

async function takeUpNewSupergraph() {
  const found = await readFile(SUPERGRAPH, "utf8");
  // Twice the same, since the file may be half written.
  if (found === supergraph || found !== candidate) {
    candidate = found;
    return;
  }
  const previous = supergraph;
  supergraph = found;
  try {
    await gateway.invalidateUnifiedGraph();
    log("info", "supergraph_loaded");
  } catch (error) {
    supergraph = previous;
    log("error", "supergraph_refused", { error: String(error) });
  }
}
let candidate = supergraph;
let polling;
function poll() {
  polling = setTimeout(async () => {
    await takeUpNewSupergraph().catch((error) => log("error", "supergraph_unreadable", { error: String(error) }));
    poll();
  }, POLL_MILLISECONDS);
}

/** Runs one operation. `kind` is GET, POST or WEBSOCKET. */
async function run(kind, body, headers) {
  const { query, variables, operationName } = body ?? {};
  if (typeof query !== "string") return { errors: [refusal("BAD_REQUEST", "`query` must be a string.", 400)] };
  if (variables != null && (typeof variables !== "object" || Array.isArray(variables))) {
    return { errors: [refusal("BAD_REQUEST", "`variables` must be an object.", 400)] };
  }
  if (operationName != null && typeof operationName !== "string") {
    return { errors: [refusal("BAD_REQUEST", "`operationName` must be a string.", 400)] };
  }
  const params = { query, variables, operationName: operationName ?? undefined };
  // One trace for all subgraphs that the operation reaches; this router adds no span of its own.
  if (!headers.has("traceparent")) headers.set("traceparent", newTraceparent());
  const request = new Request("http://router/graphql", { method: "POST", headers });
  return gateway.getResultForParams({ params, request }, { kind, params, request });
}

function newTraceparent() {
  const sampled = Math.random() < TRACE_SAMPLING ? "01" : "00";
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-${sampled}`;
}

function formatted(result) {
  if (!result.errors) return result;
  const errors = onePerCause(result.errors).map((error) => {
    const { http: _http, service, ...extensions } = error.extensions ?? {};
    const { message: said, locations, path } = error instanceof GraphQLError ? error.toJSON() : error;
    // What a subgraph says of itself passes as it is.
    const message = service ? said : withoutValues(said);
    if (extensions.code) return { message, locations, path, extensions };
    // What has none is said of the values of variables; suggestions would tell what introspection hides.
    const told = INTROSPECTION ? message : message.replace(/ Did you mean .*$/s, "");
    return { message: told, locations, path, extensions: { code: "BAD_USER_INPUT", ...extensions } };
  });
  return { ...result, errors };
}

// --- HTTP ---

function answer(response, status, body, headers = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(text);
}

function refuse(response, status, code, message, headers) {
  answer(response, status, { errors: [{ message, extensions: { code } }] }, headers);
}

/** The body, or undefined if it is too large; the rest of it is then still to come. */
function readBody(request) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let size = 0;
    request.on("data", (chunk) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) resolve(undefined);
      else chunks.push(chunk);
    });
    request.on("error", reject);
    request.on("end", () => {
      try {
        resolve(size > MAX_BODY_BYTES ? undefined : new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** The value of a JSON text; deep nesting is refused before it is parsed, which takes seconds for a megabyte. */
function parseJson(text) {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === BACKSLASH) index += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
      if (depth > MAX_NESTING) throw new SyntaxError("nested too deeply");
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
  }
  return JSON.parse(text);
}
const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = '"\\{}[]'.split("").map((c) => c.charCodeAt(0));
const MAX_NESTING = 100;

async function readOperation(request, response) {
  const type = (request.headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
  if (type !== "application/json" && !(request.method === "GET" && PREFLIGHT_HEADERS.some((name) => name in request.headers))) {
    if (request.method === "GET" || /^(text\/plain|application\/x-www-form-urlencoded|multipart\/form-data)$/.test(type)) {
      refuse(response, 403, "CSRF_PREVENTION_FAILED", "Required CSRF header(s) not present.");
    } else {
      refuse(response, 415, "UNSUPPORTED_CONTENT_TYPE", "The content type must be application/json.");
    }
    return undefined;
  }
  try {
    if (request.method === "GET") {
      const found = Object.fromEntries(new URL(request.url, "http://router").searchParams);
      return { ...found, variables: parseJson(found.variables || "{}") };
    }
    const text = await readBody(request);
    if (text !== undefined) return parseJson(text);
    refuse(response, 413, "PAYLOAD_TOO_LARGE", `The body exceeds ${MAX_BODY_BYTES} bytes.`);
    // A client that is still sending reads no answer; one that sends for ever is cut off.
    request.resume();
    const cut = setTimeout(() => request.destroy(), 2_000).unref();
    request.once("end", () => clearTimeout(cut));
  } catch {
    refuse(response, 400, "BAD_REQUEST", "The request is not valid JSON.");
  }
  return undefined;
}

async function serve(request, response) {
  const path = request.url.split("?")[0];
  if (path === "/health" || path === "/readiness") return answer(response, stopping ? 503 : 200, "{}");
  if (path !== "/graphql") return refuse(response, 404, "NOT_FOUND", "There is nothing here.");
  allowOrigin(request, response);
  if (request.method === "OPTIONS") return answer(response, 204, "");
  if (request.method !== "GET" && request.method !== "POST") {
    return refuse(response, 405, "METHOD_NOT_ALLOWED", "GraphQL is served by POST and GET.", { allow: "GET, POST" });
  }
  const operation = await readOperation(request, response);
  if (operation === undefined) return;
  const headers = Object.entries(request.headers).filter(([name]) => !HOP_HEADERS.has(name));
  const result = await run(request.method, operation, new Headers(headers.map(([name, value]) => [name, String(value)])));
  const http = result.data == null ? result.errors?.[0]?.extensions?.http : undefined;
  answer(response, (!http?.spec && http?.status) || 200, formatted(result));
}
const HOP_HEADERS = new Set(["connection", "content-length", "expect", "host", "keep-alive", "transfer-encoding", "upgrade"]);

function allowOrigin(request, response) {
  const { origin } = request.headers;
  if (!ORIGINS.has(origin)) return;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("vary", "origin");
  response.setHeader("access-control-expose-headers", "x-request-id");
  if (request.method !== "OPTIONS") return;
  response.setHeader("access-control-allow-methods", "POST, GET, OPTIONS");
  response.setHeader("access-control-allow-headers", "authorization, content-type, x-request-id, traceparent, x-requested-with");
  response.setHeader("access-control-max-age", "3600");
}

let stopping = false;
const server = createServer({ requestTimeout: 20_000, headersTimeout: 10_000, keepAliveTimeout: 80_000, maxHeaderSize: 32_768 });
server.on("request", (request, response) => {
  serve(request, response).catch((error) => {
    log("error", "request_failed", { error: String(error?.stack) });
    if (response.headersSent) response.destroy();
    else refuse(response, 500, "INTERNAL", "Something went wrong.");
  });
});

// --- WebSocket ---

// graphql-ws wants a document before it asks for the result; the gateway has parsed the real one by then.
const ANY_SUBSCRIPTION = {
  kind: Kind.DOCUMENT,
  definitions: [
    { kind: Kind.OPERATION_DEFINITION, operation: OperationTypeNode.SUBSCRIPTION, selectionSet: { kind: Kind.SELECTION_SET, selections: [] } },
  ],
};

// Who the client is says the edge, in the handshake, and not the client.
const HANDSHAKE_HEADERS = ["x-forwarded-for", "x-user-agent"];

/** The `authorization` of connection_init, as it was sent. */
function authorizationOf(parameters) {
  return Object.entries(parameters ?? {}).findLast(([name]) => name.toLowerCase() === "authorization")?.[1];
}

/** What connection_init says counts as headers, as behind Hive Router. */
function headersOf(parameters, handshake) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(parameters ?? {})) {
    try {
      if (typeof value === "string") headers.set(name, value);
    } catch {
      // Not a header's name or value: a client may send other things in connection_init.
    }
  }
  for (const name of HANDSHAKE_HEADERS) {
    headers.delete(name);
    if (handshake.headers[name]) headers.set(name, handshake.headers[name]);
  }
  return headers;
}

// Of one connection, queries under way among them.
const MAX_OPERATIONS = Number(env.ROUTER_MAX_OPERATIONS_PER_CONNECTION || 500);

const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536, perMessageDeflate: false });
sockets.on("connection", (socket) => socket.on("error", () => socket.terminate()));
useServer(
  {
    connectionInitWaitTimeout: 10_000,
    // Closed with 4403, after which clients come back with a token that they ask for anew; 4401 is final to them.
    onConnect: ({ connectionParams }) => !cannotHold(authorizationOf(connectionParams)),
    async onSubscribe({ connectionParams, extra, subscriptions }, _id, payload) {
      if (Object.keys(subscriptions).length > MAX_OPERATIONS) {
        const message = `At most ${MAX_OPERATIONS} operations on one connection; end one first.`;
        return [new GraphQLError(message, { extensions: { code: "RATE_LIMITED", retryAfterSeconds: 5 } })];
      }
      const result = await run("WEBSOCKET", payload, headersOf(connectionParams, extra.request));
      const failed = !result[Symbol.asyncIterator] && result.data === undefined && result.errors;
      return failed ? failed.map((error) => new GraphQLError(error.message, error)) : { document: ANY_SUBSCRIPTION, result };
    },
    subscribe: ({ result }) => result,
    onNext: (_context, _id, _payload, _arguments, result) => formatted(result),
    onError: (_context, _id, _payload, errors) => formatted({ errors }).errors,
  },
  sockets,
);
server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  const { origin } = request.headers;
  if (request.url.split("?")[0] !== "/graphql") return socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
  if (origin && ORIGINS.size > 0 && !ORIGINS.has(origin)) return socket.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n");
  sockets.handleUpgrade(request, socket, head, (client) => sockets.emit("connection", client, request));
});

// --- start and end ---

async function stop() {
  if (stopping) process.exit(1);
  stopping = true;
  clearTimeout(polling);
  setTimeout(() => process.exit(0), SHUTDOWN_MILLISECONDS).unref();
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  endSubscriptions(refusal("SERVER_SHUTDOWN", "The router is going away; connect again and resume."));
  // Until what they end with has left.
  setTimeout(() => sockets.clients.forEach((client) => client.close(1001, "Going away")), 500);
  await closed;
  process.exit(0);
}

// The gateway's own listeners cut running requests off.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.removeAllListeners(signal);
  process.on(signal, () => void stop());
}
poll();
server.listen(PORT, HOST, () => log("info", "listening", { host: HOST, port: PORT }));
server.on("error", (error) => {
  log("error", "cannot_listen", { error: String(error) });
  process.exit(1);
});
