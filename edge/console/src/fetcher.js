// What GraphiQL sends its requests with: HTTP for queries and mutations, graphql-transport-ws for subscriptions, both
// with the token of whoever is signed in.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { createClient } from "graphql-ws";
import { URL_PATH } from "./request.js";
import { accessToken, renewed } from "./session.js";

const WEBSOCKET_URL = `${location.protocol.replace("http", "ws")}//${location.host}${URL_PATH}`;
const PING_EVERY_MS = 20_000;

export function createFetcher() {
  const clients = new Set();
  const fetcher = async (parameters, options = {}) => {
    const headers = options.headers ?? {};
    // What is written into GraphiQL's header editor wins, so that another token can be tried.
    const isSet = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
    const token = isSet ? null : await accessToken();
    const result = await run(parameters, options, withToken(headers, token));
    if (!token || !isRefused(result)) return result;
    // The clocks differ, or the session has ended elsewhere. Nothing was done, so it is asked again, never as a stranger.
    const next = await renewed(token);
    return next && next !== token ? run(parameters, options, withToken(headers, next)) : result;
  };
  const run = async (parameters, options, headers) => {
    // A client of its own for each run, so that each connects with the token of this moment; it connects only for a
    // subscription. It does not come back by itself when it is cut off: what was missed would go unnoticed.
    const wsClient = createClient({
      url: WEBSOCKET_URL,
      connectionParams: headers,
      retryAttempts: 0,
      keepAlive: PING_EVERY_MS,
      on: { closed: () => clients.delete(wsClient), connecting: () => clients.add(wsClient) },
    });
    return await createGraphiQLFetcher({ url: URL_PATH, wsClient })(parameters, { ...options, headers });
  };
  const endSubscriptions = () => clients.forEach((client) => client.dispose());
  return { fetcher, endSubscriptions };
}

const withToken = (headers, token) => (token ? { ...headers, authorization: `Bearer ${token}` } : headers);

// Whether all of an operation was refused; what is refused of one field stands beside data.
const isRefused = ({ data, errors }) =>
  !Object.values(data ?? {}).some((value) => value !== null) &&
  (errors ?? []).some(({ extensions }) => extensions?.code === "UNAUTHENTICATED");
