"use strict";

function follow(parameters, headers) {
  const said = Object.fromEntries(
    Object.entries({ ...known(), ...headers }).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const client = graphqlWs.createClient({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`,
    retryAttempts: 0,
    connectionParams: {
      tenant: said["x-jingwei-tenant"],
      authorization: said.authorization,
      language: said["accept-language"],
    },
  });
  return client.iterate(parameters);
}

function isSubscription(parameters, options) {
  const operations = options.documentAST?.definitions ?? [];
  return operations.some(
    (one) =>
      one.kind === "OperationDefinition" &&
      one.operation === "subscription" &&
      (!parameters.operationName || one.name?.value === parameters.operationName),
  );
}

function fetcher(parameters, options = {}) {
  const headers = options.headers ?? {};
  return isSubscription(parameters, options) ? follow(parameters, headers) : ask(parameters, headers);
}

const root = ReactDOM.createRoot(document.getElementById("graphiql"));
let shown = 0;

function show() {
  // A new key makes GraphiQL read the schema of whoever has just signed in.
  shown += 1;
  root.render(
    React.createElement(GraphiQL, {
      key: shown,
      fetcher,
      shouldPersistHeaders: false,
      defaultQuery: "{\n  me {\n    name\n    permissions\n  }\n}\n",
    }),
  );
}

const signedIn = show;
show();
