// One GraphQL request over HTTP, outside GraphiQL: signing in and out.
export const URL_PATH = "/graphql";

export async function request(query, variables, accessToken) {
  const response = await fetch(URL_PATH, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json",
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify({ query, variables }),
  }).catch(() => {
    throw new Error("The server cannot be reached.");
  });
  try {
    return await response.json();
  } catch {
    throw new Error(`The server gave an answer that cannot be read (HTTP ${response.status}).`);
  }
}
