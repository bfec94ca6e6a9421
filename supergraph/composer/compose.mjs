// Reads `[{name, url, typeDefs}]` from standard input and prints `{supergraph, api}`, or `{errors}`.
import { composeServices } from "@theguild/federation-composition";
import { parse } from "graphql";
import { text } from "node:stream/consumers";

const services = JSON.parse(await text(process.stdin));
const result = composeServices(services.map((service) => ({ ...service, typeDefs: parse(service.typeDefs) })));

process.stdout.write(
  JSON.stringify(
    result.errors
      ? { errors: result.errors.map((error) => error.message) }
      : { supergraph: result.supergraphSdl, api: result.publicSdl },
  ),
);
