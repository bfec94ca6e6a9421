// What a token says, for what the router itself answers: introspection, and connections whose token does not hold.
// Everything else is for the subgraphs, which verify the token themselves.
import { createPublicKey, verify } from "node:crypto";

const JWKS_URL = process.env.ROUTER_JWKS_URL || "http://127.0.0.1:8010/.well-known/jwks.json";
const POLL_MILLISECONDS = 30_000;
const ISSUER = "service-exchange";
const AUDIENCE = "service-exchange";
const LEEWAY_SECONDS = 2;
const TOKEN = /^Bearer +([\w-]+)\.([\w-]+)\.([\w-]+)=*$/i;
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

/** Whether an `Authorization` header holds a valid token with the scope `admin`. */
export function isAdministrator(authorization) {
  return String(claimsOf(authorization)?.scope).split(" ").includes("admin");
}

/**
 * Whether an `Authorization` header holds something that no subgraph takes: no token, a forged one, or one that has
 * expired. Of a session that has ended only the subgraphs know.
 */
export function cannotHold(authorization) {
  if (typeof authorization !== "string") return authorization != null;
  return authorization.trim() !== "" && claimsOf(authorization) === null;
}

/** The claims of a header with a valid token (JWT, EdDSA), null for any other; undefined if its key is not known yet. */
function claimsOf(authorization) {
  const [, header, payload, signature] = TOKEN.exec(authorization?.trim() ?? "") ?? [];
  if (!header) return null;
  try {
    const { alg, kid } = decoded(header);
    const claims = decoded(payload);
    const { iss, aud, exp } = claims;
    const current = typeof exp === "number" && exp > Date.now() / 1_000 - LEEWAY_SECONDS;
    // The algorithm is ours, never the token's.
    if (alg !== "EdDSA" || !current || iss !== ISSUER || ![aud].flat().includes(AUDIENCE)) return null;
    const key = keys.get(kid);
    if (!key) return undefined;
    const genuine = verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"));
    return key.asymmetricKeyType === "ed25519" && genuine ? claims : null;
  } catch {
    return null;
  }
}

function decoded(part) {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}
