/**
 * PostGraphile as its documentation sets up subscriptions (version 5: `extendSchema`, `listen`, `pgSubscriber`), in a
 * process of its own: a topic for each workspace. `operationChanged` is the documented way: the event names a row, the row
 * is read for each subscriber. `operationTold` passes on the text of the event, which is the least that it can do. No
 * access rules, which is the quick way: with `pgSettings` each read is a transaction.
 */
import { createServer } from 'node:http';
import { makePgService } from 'postgraphile/adaptors/pg';
import { jsonParse } from 'postgraphile/@dataplan/json';
import { postgraphile } from 'postgraphile';
import { context, lambda, listen } from 'postgraphile/grafast';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { extendSchema } from 'postgraphile/utils';
import { tellMemory } from '../tell-memory.mjs';

process.on('disconnect', () => process.exit());
tellMemory();

const topicOf = (args) => lambda(args.getRaw('workspaceId'), (id) => `workspace:${id}:operations`);
const subscriptions = extendSchema((build) => {
  const { operation_runs } = build.pgResources;
  return {
    typeDefs: /* GraphQL */ `
      extend type Subscription {
        operationChanged(workspaceId: String!): OperationChange
        operationTold(workspaceId: String!): OperationTold
      }
      type OperationChange {
        operation: OperationRun
      }
      type OperationTold {
        text: String
      }
    `,
    objects: {
      Subscription: {
        plans: {
          operationChanged: {
            subscribePlan: (_, args) => listen(context().get('pgSubscriber'), topicOf(args), jsonParse),
            plan: (event) => event
          },
          operationTold: {
            subscribePlan: (_, args) => listen(context().get('pgSubscriber'), topicOf(args)),
            plan: (event) => event
          }
        }
      },
      OperationChange: { plans: { operation: (event) => operation_runs.get({ id: event.get('id') }) } },
      OperationTold: { plans: { text: (event) => event } }
    }
  };
});

const server = createServer();
const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [subscriptions],
  pgServices: [makePgService({ connectionString: process.argv[2], schemas: ['public'] })],
  grafserv: { websockets: true, graphiql: false, watch: false },
  grafast: { explain: false }
});
await instance.createServ(grafserv).addTo(server);
await instance.getSchema();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
process.send(server.address().port);
