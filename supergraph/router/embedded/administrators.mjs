// Who is an administrator, for what the router itself answers: introspection. Everything else is for the subgraphs,
// which verify the token themselves.
import { createPublicKey, verify } from "node:crypto";

const JWKS_URL = process.env.ROUTER_JWKS_URL || "http://127.0.0.1:8010/.well-known/jwks.json";
const POLL_MILLISECONDS = 30_000;
const ISSUER = "service-exchange";
const AUDIENCE = "service-exchange";
let keys = new Map();

/** Reads the public keys now and again; while `users` does not answer, the last ones stay. */
export async function followKeys(onFailure) {
  try {
    const response = await fetch(JWKS_URL, { signal: AbortSignal.timeout(5_000) });
    // A key with an `exp` verifies until then.
    const current = (await response.json()).keys.filter(({ exp }) => exp === undefined || exp > Date.now() / 1_000);
    keys = new Map(current.map((key) => [key.kid, createPublicKey({ key, format: "jwk" })]));
  } catch (error) {
    onFailure(error);
  }
  setTimeout(followKeys, POLL_MILLISECONDS, onFailure).unref();
}

/** Whether an `Authorization` header holds a valid token (JWT, EdDSA) with the scope `admin`. */
export function isAdministrator(authorization) {
  const [, header, claims, signature] = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization ?? "") ?? [];
  if (!header) return false;
  try {
    const { alg, kid } = decoded(header);
    const key = keys.get(kid);
    // The algorithm is ours, never the token's.
    if (alg !== "EdDSA" || key?.asymmetricKeyType !== "ed25519") return false;
    if (!verify(null, Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"))) return false;
    const { iss, aud, exp, scope } = decoded(claims);
    const current = typeof exp === "number" && exp > Date.now() / 1_000;
    return current && iss === ISSUER && [aud].flat().includes(AUDIENCE) && String(scope).split(" ").includes("admin");
  } catch {
    return false;
  }
}

function decoded(part) {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}
