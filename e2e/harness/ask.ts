/**
 * Requests as bytes and answers as bytes: any method, any path as it is written, headers in the order in which they came.
 * An answer is made comparable by taking out what differs between any two (date, nonce, error id), and nothing else.
 */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';

export interface Question {
  method?: string;
  /** sent as it is */
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface Answer {
  status: string;
  /** in order, names as they were sent */
  headers: string[];
  /** bytes on the wire before anything was taken out */
  size: number;
  body: string;
}

export interface Asker {
  ask(question: Question): Promise<Answer>;
  close(): void;
}

export function openAsker(baseURL: string): Asker {
  const { hostname, port } = new URL(baseURL);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    ask: ({ method = 'GET', path, headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
        const sent = httpRequest(
          { hostname, port, agent, method, path, headers: { ...headers, ...length } },
          (response) => {
            const parts: Buffer[] = [];
            response.on('data', (part: Buffer) => void parts.push(part));
            response.once('error', reject);
            response.once('end', () => resolve(toAnswer(response, Buffer.concat(parts))));
          }
        );
        sent.setTimeout(20_000, () => sent.destroy(new Error(`${method} ${path} was not answered within 20 s.`)));
        sent.once('error', reject).end(body);
      }),
    close: () => agent.destroy()
  };
}

function toAnswer(response: IncomingMessage, body: Buffer): Answer {
  const headers: string[] = [];
  for (let at = 0; at < response.rawHeaders.length; at += 2) {
    const name = response.rawHeaders[at]!;
    const isDate = name.toLowerCase() === 'date';
    headers.push(isDate ? name : `${name}: ${neutral(response.rawHeaders[at + 1]!)}`);
  }
  return {
    status: `${response.statusCode} ${response.statusMessage}`,
    headers,
    size: body.length,
    body: neutral(body.toString('utf8'))
  };
}

function neutral(text: string): string {
  return text.replace(/nonce-[\w+/=]+|nonce="[^"]*"/g, 'nonce').replace(/\berror [0-9a-f]{12}\b/g, 'error id');
}

/** The value of a header of an answer, or null. */
export function headerOf({ headers }: Answer, name: string): string | null {
  const found = headers.find((header) => header.toLowerCase().startsWith(`${name}: `));
  return found?.slice(name.length + 2) ?? null;
}

/**
 * The same answer without what it repeats of the address that was asked for: for redirects, which must name it. Sizes
 * depend on it then, so they are held to the body instead.
 */
export function withoutAddress(answer: Answer, ...addresses: string[]): Answer {
  const longestFirst = [...addresses].sort((a, b) => b.length - a.length);
  const cut = (text: string): string =>
    longestFirst.reduce((rest, address) => rest.replaceAll(address, '{address}'), text);
  const declared = headerOf(answer, 'content-length');
  if (declared !== null && answer.size > 0 && Number(declared) !== answer.size)
    throw new Error(`A body of ${answer.size} bytes was said to have ${declared}.`);
  return {
    ...answer,
    headers: answer.headers
      .map((header) => (/^content-length: /i.test(header) ? 'content-length' : header))
      .map((header) => cut(header)),
    size: cut(answer.body).length,
    body: cut(answer.body)
  };
}
