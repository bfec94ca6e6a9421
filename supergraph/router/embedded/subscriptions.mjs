// Subscriptions to the subgraphs over graphql-transport-ws. The gateway's own transport connects again by
// itself when a subgraph dies and repeats the operation, which loses or repeats events behind the client's
// back. This one ends the subscription with an error, and the client resumes after the last `seq` it has.
import { GraphQLError, print } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { refusal } from "./limits.mjs";

// Events that a slow client may fall behind. Then its subscription ends with an error: of events that were
// dropped it would not know before there is a next one.
const MAX_WAITING_EVENTS = 8_192;
const PING_MILLISECONDS = 10_000;

class SubgraphSocket extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { handshakeTimeout: 5_000, maxPayload: 16_000_000, perMessageDeflate: false });
  }
}

export function unavailable() {
  return refusal("SERVICE_UNAVAILABLE", "A part of the service cannot be reached.");
}

function lagged() {
  return refusal("SUBSCRIPTION_LAGGED", "Events come faster than they are read; subscribe again after the last one you have.");
}

const allConnections = new Set();

/** Ends every subscription of this process with this error. */
export function endSubscriptions(error) {
  for (const connection of allConnections) connection.end(error);
}

export const webSocketTransport = {
  getSubgraphExecutor({ transportEntry }) {
    const url = transportEntry.location.replace(/^http/, "ws");
    const connections = new Map();

    function execute(request) {
      const headers = request.context?.request?.headers;
      // Whoever has no token counts by their address.
      const name = headers?.has("authorization") ? "authorization" : "x-forwarded-for";
      const value = headers?.get(name) ?? undefined;
      const key = `${name} ${value}`;
      let connection = connections.get(key);
      if (!connection) {
        connection = connect(url, value && { [name]: value }, () => {
          allConnections.delete(connection);
          if (connections.get(key) === connection) connections.delete(key);
        });
        connections.set(key, connection);
        allConnections.add(connection);
      }
      return connection.subscribe({
        query: print(request.document),
        variables: request.variables,
        operationName: request.operationName,
      });
    }

    // A new supergraph disposes of the transports of the one before.
    execute[Symbol.asyncDispose] = async () => {
      const message = "The API has changed; subscribe again after the last event you have.";
      for (const connection of connections.values()) connection.end(refusal("SUBSCRIPTION_SCHEMA_RELOAD", message));
    };
    return execute;
  },
};

/** One connection to a subgraph, shared by the subscriptions of one token, or of one address without a token. */
function connect(url, connectionParams, onClosed) {
  const streams = new Set();
  let pingTimer;

  function endStreams(error) {
    clearTimeout(pingTimer);
    for (const stream of streams) stream.end({ errors: [error] });
    streams.clear();
    onClosed();
  }

  const client = createClient({
    url,
    webSocketImpl: SubgraphSocket,
    connectionParams,
    retryAttempts: 0,
    lazyCloseTimeout: 3_000,
    connectionAckWaitTimeout: 5_000,
    keepAlive: PING_MILLISECONDS,
    on: {
      ping: (received) => {
        if (!received) pingTimer = setTimeout(() => client.terminate(), PING_MILLISECONDS);
      },
      pong: (received) => {
        if (received) clearTimeout(pingTimer);
      },
      // Before the client tells each subscription: a normal closure would look like its completion.
      closed: () => endStreams(unavailable()),
    },
  });

  return {
    end(error) {
      endStreams(error);
      client.dispose();
    },
    subscribe(payload) {
      const stream = createStream(() => {
        streams.delete(stream);
        unsubscribe();
      });
      streams.add(stream);
      const end = (result) => {
        streams.delete(stream);
        stream.end(result);
      };
      const unsubscribe = client.subscribe(payload, {
        next: (result) => {
          if (stream.push(revive(result))) return;
          end({ errors: [lagged()] });
          unsubscribe();
        },
        error: (reason) => end(revive({ errors: Array.isArray(reason) ? reason : [unavailable()] })),
        complete: () => end(),
      });
      return stream.iterator;
    },
  };
}

function revive(result) {
  if (!result.errors) return result;
  return {
    ...result,
    errors: result.errors.map((error) =>
      error instanceof GraphQLError
        ? error
        : new GraphQLError(error.message, { path: error.path, extensions: error.extensions }),
    ),
  };
}

/**
 * An iterator that is fed from outside. Not a generator: the `return` of one waits for the next event before
 * it takes effect, and a client that leaves a quiet stream would stay subscribed.
 */
function createStream(onReturn) {
  const waiting = [];
  let ended = false;
  let wake;

  function settle() {
    if (!wake || (waiting.length === 0 && !ended)) return;
    const resolve = wake;
    wake = undefined;
    resolve(waiting.length > 0 ? { value: waiting.shift(), done: false } : { value: undefined, done: true });
  }

  const iterator = {
    next: () =>
      new Promise((resolve) => {
        wake = resolve;
        settle();
      }),
    return: async () => {
      waiting.length = 0;
      ended = true;
      settle();
      onReturn();
      return { value: undefined, done: true };
    },
    throw: (error) => iterator.return().then(() => Promise.reject(error)),
    [Symbol.asyncIterator]: () => iterator,
  };
  return {
    iterator,
    /** False if too many are waiting. */
    push(result) {
      if (ended) return true;
      if (waiting.length >= MAX_WAITING_EVENTS) return false;
      waiting.push(result);
      settle();
      return true;
    },
    end(result) {
      if (ended) return;
      if (result) waiting.push(result);
      ended = true;
      settle();
    },
  };
}
