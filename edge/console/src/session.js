// Who is signed in here, and the tokens of their session.
//
// Tokens live in memory. Only while the page reloads do they rest in sessionStorage: a duplicated browser tab would
// otherwise start with a copy of the refresh token, and the second use of a refresh token revokes the whole session.
import { request } from "./request.js";

const STORED = "service-exchange-session";
const REFRESH_BEFORE_EXPIRY_MS = 60_000;
const RETRY_REFRESH_MS = 5_000;

const SESSION = "session { accessToken refreshToken expiresAt user { id displayName } } userErrors { code message field }";
const LOG_IN = `mutation LogIn($input: LogInInput!) { logIn(input: $input) { ${SESSION} } }`;
const REFRESH = `mutation RefreshSession($input: RefreshSessionInput!) { refreshSession(input: $input) { ${SESSION} } }`;
const LOG_OUT = "mutation LogOut { logOut(input: {}) { userErrors { code message field } } }";

let state = { session: restore(), notice: null };
let refreshing = null;
let timer = null;
const listeners = new Set();

export class Refused extends Error {}

export const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
export const getState = () => state;

export async function signIn(email, password) {
  set(await sessionFrom(request(LOG_IN, { input: { email, password } }), "logIn"));
}

export async function signOut() {
  // A session is ended by its token, which may have to be renewed first.
  const token = await accessToken();
  if (!token) return;
  set(null);
  try {
    const { errors } = await request(LOG_OUT, undefined, token);
    if (errors) throw new Error(errors[0].message);
  } catch (error) {
    set(null, `Signed out here, but the server could not be told: ${error.message}`);
  }
}

// The access token to send, refreshed if it is about to expire; null when nobody is signed in.
export async function accessToken() {
  if (state.session && expiresSoon(state.session)) await refresh();
  return state.session?.accessToken ?? null;
}

// Another access token than one that the server refused; null when the session has ended.
export async function renewed(refused) {
  if (state.session?.accessToken === refused) await refresh();
  return state.session?.accessToken ?? null;
}

function refresh() {
  refreshing ??= refreshOnce().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function refreshOnce() {
  const { refreshToken } = state.session;
  const isCurrent = () => state.session?.refreshToken === refreshToken;
  try {
    const session = await sessionFrom(request(REFRESH, { input: { refreshToken } }), "refreshSession");
    if (isCurrent()) set(session);
  } catch (error) {
    if (!isCurrent()) return;
    // Only an answer ends the session. A server that cannot be reached is asked again.
    if (error instanceof Refused) set(null, "Your session has ended. Sign in again.");
    else timer = setTimeout(refresh, RETRY_REFRESH_MS);
  }
}

async function sessionFrom(response, field) {
  const { data, errors } = await response;
  if (errors) {
    const isRefusal = ["UNAUTHENTICATED", "FORBIDDEN"].includes(errors[0].extensions?.code);
    throw new (isRefusal ? Refused : Error)(errors[0].message);
  }
  const { session, userErrors } = data[field];
  if (!session) throw new Refused(userErrors.map(({ message }) => message).join(" "));
  return session;
}

function set(session, notice = null) {
  clearTimeout(timer);
  state = { session, notice };
  if (session) timer = setTimeout(refresh, Math.max(millisecondsLeft(session) - REFRESH_BEFORE_EXPIRY_MS, 1_000));
  for (const listener of listeners) listener();
}

const millisecondsLeft = ({ expiresAt }) => Date.parse(expiresAt) - Date.now();
const expiresSoon = (session) => millisecondsLeft(session) < REFRESH_BEFORE_EXPIRY_MS;

function restore() {
  const stored = sessionStorage.getItem(STORED);
  sessionStorage.removeItem(STORED);
  return stored && JSON.parse(stored);
}

addEventListener("pagehide", () => {
  if (state.session) sessionStorage.setItem(STORED, JSON.stringify(state.session));
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) sessionStorage.removeItem(STORED);
});
if (state.session) set(state.session);
