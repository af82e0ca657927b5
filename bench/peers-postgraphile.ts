/** A client of PostGraphile's subscriptions: the graphql-transport-ws protocol over a bare WebSocket, nothing else. */
import WebSocket from 'ws';

/** The columns that our rows carry, so that both read and send as much. */
const FIELDS = `rowId revision workspaceId managedEnvironmentId type status outcome initiatorName progressProcessed
  progressTotal progressPhase countTotal countProcessed countSucceeded countFailed countSkipped countCreated countUpdated
  countDeleted failureCode failureMessage cancelledBy reconciledAt createdAt startedAt completedAt lastReportedAt staleAt
  resolvedAt resolvedBy reviewedAt reviewerName searchText`;
const QUERIES = {
  row: `subscription ($workspace: String!) { operationChanged(workspaceId: $workspace) { operation { ${FIELDS} } } }`,
  event: `subscription ($workspace: String!) { operationTold(workspaceId: $workspace) { text } }`
};

interface Data {
  operationChanged?: { operation: { rowId: string; progressProcessed: string | null } };
  operationTold?: { text: string };
}
type Message = { type: string; payload?: { data?: Data; errors?: unknown } };

/** Resolves when the subscription is sent, which nobody acknowledges. */
export async function followPostgraphile(
  port: number,
  what: keyof typeof QUERIES,
  workspaceId: number,
  arrived: (id: number, value: number) => void
): Promise<() => void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
  const send = (message: object): void => socket.send(JSON.stringify(message));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => send({ type: 'connection_init' }));
    socket.on('message', (text) => {
      const { type, payload } = JSON.parse(String(text)) as Message;
      switch (type) {
        case 'connection_ack':
          send({
            id: '1',
            type: 'subscribe',
            payload: { query: QUERIES[what], variables: { workspace: String(workspaceId) } }
          });
          resolve();
          break;
        case 'ping':
          send({ type: 'pong' });
          break;
        case 'next': {
          if (payload?.errors) throw new Error(`PostGraphile answered ${String(text)}.`);
          const { operationChanged, operationTold } = payload!.data!;
          if (operationChanged) {
            const { rowId, progressProcessed } = operationChanged.operation;
            arrived(Number(rowId), Number(progressProcessed));
          } else {
            const row = JSON.parse(operationTold!.text) as { id: number; progress_processed: number };
            arrived(row.id, row.progress_processed);
          }
          break;
        }
        default:
          throw new Error(`PostGraphile ended the subscription: ${String(text)}`);
      }
    });
  });
  return () => socket.terminate();
}
