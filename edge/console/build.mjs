// Bundles the console into dist/: the page, GraphiQL, its editor's workers and the saved operations, all served from
// the edge itself. `npm ci && npm run build`.
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { parse } from "graphql";

const here = new URL(".", import.meta.url);
const dist = new URL("dist/", here);

const savedOperations = {
  name: "saved-operations",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^saved-operations$/ }, ({ path }) => ({ path, namespace: "saved-operations" }));
    onLoad({ filter: /.*/, namespace: "saved-operations" }, async () => {
      const folder = new URL("operations/", here);
      const names = (await readdir(folder)).filter((name) => name.endsWith(".graphql")).sort();
      return { loader: "json", contents: JSON.stringify(await Promise.all(names.map((name) => load(folder, name)))) };
    });
  },
};

async function load(folder, fileName) {
  const query = await readFile(new URL(fileName, folder), "utf8");
  const variables = await readFile(new URL(fileName.replace(/graphql$/, "variables.json"), folder), "utf8").catch(
    (error) => (error.code === "ENOENT" ? "" : Promise.reject(error)),
  );
  const name = basename(fileName, ".graphql").replace(/^\d+-/, "");
  const [comment] = query.match(/^(#.*\n)*/);
  const description = comment.replaceAll(/^# ?|`/gm, "").trim().replaceAll("\n", " ");
  const title = name[0].toUpperCase() + name.slice(1).replaceAll("-", " ");
  return { name, title, kind: parse(query).definitions[0].operation, description, query, variables };
}

await rm(dist, { recursive: true, force: true });

const { metafile } = await build({
  absWorkingDir: fileURLToPath(here),
  entryPoints: {
    console: "src/main.jsx",
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
  },
  outdir: "dist/assets",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  loader: { ".ttf": "file" },
  define: { "process.env.NODE_ENV": '"production"', "process.env.USE_IMPORT": '"true"' },
  legalComments: "linked",
  logLevel: "warning",
  logLimit: 3,
  metafile: true,
  plugins: [savedOperations],
});

// The entry points' names carry a hash, so that they are cached for ever: the page tells which ones belong to it.
const outputs = Object.entries(metafile.outputs);
const nameOf = (entryPoint) => {
  const [path] = outputs.find(([, output]) => output.entryPoint?.endsWith(entryPoint));
  return path.replace("dist/", "");
};
const page = (await readFile(new URL("src/index.html", here), "utf8"))
  .replace("{{script}}", nameOf("src/main.jsx"))
  .replace("{{style}}", metafile.outputs[`dist/${nameOf("src/main.jsx")}`].cssBundle.replace("dist/", ""))
  .replace("{{editor-worker}}", nameOf("editor/editor.worker.js"))
  .replace("{{json-worker}}", nameOf("json/json.worker.js"))
  .replace("{{graphql-worker}}", nameOf("esm/graphql.worker.js"));
await writeFile(new URL("index.html", dist), page);

for (const name of await readdir(new URL("assets/", dist))) {
  if (/\.(js|css)$/.test(name)) {
    const file = new URL(`assets/${name}`, dist);
    await writeFile(new URL(`assets/${name}.gz`, dist), gzipSync(await readFile(file), { level: 9 }));
  }
}
