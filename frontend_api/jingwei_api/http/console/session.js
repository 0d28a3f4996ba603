"use strict";

// Tokens live in this page's memory only: closing it signs out.
const session = { tenant: "", language: "zh", access: "", refresh: "" };
const form = document.getElementById("sign-in");
const status = document.getElementById("status");

async function post(path, body, headers) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : {} };
}

function known() {
  const headers = { "accept-language": session.language };
  if (session.tenant) headers["x-jingwei-tenant"] = session.tenant;
  if (session.access) headers.authorization = `Bearer ${session.access}`;
  return headers;
}

function keep(tokens) {
  session.access = tokens.accessToken;
  session.refresh = tokens.refreshToken;
  status.textContent = `${tokens.name} · ${session.tenant}`;
}

async function refreshed() {
  if (!session.refresh) return false;
  const answer = await post("/auth/refresh", { refreshToken: session.refresh }, known());
  if (answer.status !== 200) session.refresh = "";
  else keep(answer.body);
  return answer.status === 200;
}

async function ask(parameters, headers) {
  const answer = await post("/graphql", parameters, { ...known(), ...headers });
  if (answer.status === 401 && !headers.authorization && (await refreshed())) {
    return (await post("/graphql", parameters, { ...known(), ...headers })).body;
  }
  return answer.body;
}

// What a page does once somebody has signed in: `signedIn()`, which each page has of its own.
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = new FormData(form);
  session.tenant = given.get("tenant");
  session.language = given.get("language");
  session.access = "";
  const answer = await post(
    "/auth/sign-in",
    { login: given.get("login"), password: given.get("password") },
    known(),
  );
  if (answer.status !== 200) {
    status.textContent = answer.body.errors?.[0]?.message ?? String(answer.status);
    return;
  }
  form.elements.password.value = "";
  keep(answer.body);
  signedIn();
});
