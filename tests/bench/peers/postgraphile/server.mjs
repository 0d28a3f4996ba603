// PostGraphile over the tables of the core, as the application's role and under its row security. It is
// given the tenant by a header, without a token: the work of telling who calls is spared it.
import { createServer } from "node:http";

import { PgAggregatesPreset } from "@graphile/pg-aggregates";
import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { pgSmartTags } from "postgraphile/utils";
import { PostGraphileConnectionFilterPreset } from "postgraphile-plugin-connection-filter";

const connections = Number(process.env.BENCH_CONNECTIONS);
const pool = new pg.Pool({
  connectionString: process.env.BENCH_DATABASE_URL,
  max: connections,
  min: connections,
});
pool.on("error", (error) => console.error(error.message));

// An event's place is kept by a trigger and not by a foreign key; PostGraphile follows keys.
const places = pgSmartTags([
  {
    kind: "class",
    match: "core.event",
    tags: {
      foreignKey: "(tenant_id, place_id) references core.place (tenant_id, id)|@fieldName place",
    },
  },
]);

const preset = {
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset, PgAggregatesPreset],
  plugins: [places],
  pgServices: [makePgService({ pool, schemas: ["core", "bench"], pubsub: false })],
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false, websockets: false },
  grafast: {
    explain: false,
    context(request) {
      return { pgSettings: { "app.tenant": request.http?.getHeader("x-bench-tenant") ?? "" } };
    },
  },
};

const serv = postgraphile(preset).createServ(grafserv);
const server = createServer();
server.keepAliveTimeout = 120_000;
server.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
await serv.addTo(server);
await serv.ready();
server.listen(Number(process.env.BENCH_PORT), "127.0.0.1", () => console.log("ready"));
