// What GraphiQL sends its requests with: HTTP for queries and mutations, graphql-transport-ws for subscriptions, both
// with the token of whoever is signed in.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { createClient } from "graphql-ws";
import { URL_PATH } from "./request.js";
import { accessToken } from "./session.js";

const WEBSOCKET_URL = `${location.protocol.replace("http", "ws")}//${location.host}${URL_PATH}`;
const PING_EVERY_MS = 20_000;

export function createFetcher() {
  const clients = new Set();
  const fetcher = async (parameters, options = {}) => {
    const headers = await withToken(options.headers);
    // A client of its own for each run, so that each connects with the token of this moment; it connects only for a
    // subscription. It does not come back by itself when it is cut off: what was missed would go unnoticed.
    const wsClient = createClient({
      url: WEBSOCKET_URL,
      connectionParams: headers,
      retryAttempts: 0,
      keepAlive: PING_EVERY_MS,
      on: { closed: () => clients.delete(wsClient), connecting: () => clients.add(wsClient) },
    });
    return createGraphiQLFetcher({ url: URL_PATH, wsClient })(parameters, { ...options, headers });
  };
  const endSubscriptions = () => clients.forEach((client) => client.dispose());
  return { fetcher, endSubscriptions };
}

// What is written into GraphiQL's header editor wins, so that another token can be tried.
async function withToken(headers = {}) {
  const isSet = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  const token = isSet ? null : await accessToken();
  return token ? { ...headers, authorization: `Bearer ${token}` } : headers;
}
