import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { Account } from "./account.jsx";
import { createFetcher } from "./fetcher.js";
import { SAVED_OPERATIONS_PLUGIN } from "./saved-operations.jsx";
import { getState, subscribe } from "./session.js";

const WELCOME = `# Sign in at the top right, then write an operation here
# or open a saved one on the left.
#
# Ctrl+Enter runs it, Ctrl+Space completes names.

query Welcome {
  __typename
}
`;
const PLUGINS = [SAVED_OPERATIONS_PLUGIN, HISTORY_PLUGIN];

export function Console() {
  const { session, notice } = useSyncExternalStore(subscribe, getState);
  const userId = session?.user.id;
  // Another person may see another schema and must not go on reading the last one's subscriptions.
  const { fetcher, endSubscriptions } = useMemo(createFetcher, [userId]);
  useEffect(() => endSubscriptions, [endSubscriptions]);

  return (
    <GraphiQL
      fetcher={fetcher}
      defaultQuery={WELCOME}
      plugins={PLUGINS}
      visiblePlugin={SAVED_OPERATIONS_PLUGIN}
      defaultEditorToolsVisibility
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <Account session={session} notice={notice} />
      </GraphiQL.Logo>
    </GraphiQL>
  );
}
