// The files of console/operations/ as a list; a click opens one in a tab. A file starts with a comment that says what
// it is for; variables to start with stand in a file of the same name that ends in .variables.json.
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { parse } from "graphql";
import operations from "saved-operations";

const TITLE = "Saved operations";
export const SAVED_OPERATIONS_PLUGIN = { title: TITLE, icon: BookmarkIcon, content: SavedOperations };

function SavedOperations() {
  const { addTab, setOperationFacts, updateActiveTabValues } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);

  const open = ({ query, variables }) => {
    if (queryEditor.getValue().trim()) addTab();
    queryEditor.setValue(query);
    variableEditor.setValue(variables);
    // The editor would find this out a moment later; until then "Execute" would ask for the last tab's operation.
    const documentAST = parse(query);
    const operationName = documentAST.definitions[0].name.value;
    setOperationFacts({ documentAST, operationName, operations: documentAST.definitions });
    updateActiveTabValues({ query, variables, operationName });
  };

  return (
    <section className="saved-operations" aria-labelledby="saved-operations-title">
      <h2 id="saved-operations-title">
        {TITLE}
      </h2>
      <ul>
        {operations.map((operation) => (
          <li key={operation.name}>
            <button type="button" data-testid={`operation-${operation.name}`} onClick={() => open(operation)}>
              <span className="saved-operation-title">
                {operation.title}
                <span className={`saved-operation-kind ${operation.kind}`}>{operation.kind}</span>
              </span>
              <span className="saved-operation-description">{operation.description}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function BookmarkIcon(properties) {
  const isVisible = useGraphiQL((state) => state.visiblePlugin?.title === TITLE);
  return (
    <svg viewBox="0 0 24 24" fill={isVisible ? "currentColor" : "none"} stroke="currentColor" strokeWidth="1.5" {...properties}>
      <path d="M6 4.5A1.5 1.5 0 0 1 7.5 3h9A1.5 1.5 0 0 1 18 4.5V21l-6-4-6 4z" strokeLinejoin="round" />
    </svg>
  );
}
