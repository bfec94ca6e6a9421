import { createRoot } from "react-dom/client";
import { Console } from "./console.jsx";
import "graphiql/style.css";
import "./console.css";

const workers = document.querySelector("script[data-editor-worker]").dataset;
globalThis.MonacoEnvironment = {
  getWorker(_, label) {
    const path = { json: workers.jsonWorker, graphql: workers.graphqlWorker }[label] ?? workers.editorWorker;
    return new Worker(path, { type: "module" });
  },
};

createRoot(document.getElementById("console")).render(<Console />);
