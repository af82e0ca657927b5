/**
 * What a signature is: one way in which development or debugging shows in a web application, as data. It owns the words
 * for where a signature looks and how its controls are told; the signatures themselves stand in signatures/, what looks
 * for them in judge.ts, page.ts and probes.ts. Pure: no network, no clock.
 * Invariant: a signature without a sample that it catches and one that it passes does not type-check.
 */

export const FAMILIES = [
  'Vite',
  'Svelte and SvelteKit',
  'webpack',
  'Next',
  'Nuxt',
  'Astro',
  'React',
  'Vue',
  'Angular',
  'Laravel',
  'Symfony',
  'Django',
  'Werkzeug',
  'Rails',
  'Whoops',
  'Tracy',
  'ASP.NET',
  'Spring',
  'stack traces',
  'paths',
  'editor links',
  'source maps',
  'exposed files',
  'version headers',
  'directory listings',
  'behaviour',
  'secrets',
  'expectations'
] as const;
export type Family = (typeof FAMILIES)[number];

/** high: hands out code, secrets or control; medium: tells how it is built; low: untidy, or a sign of worse. */
export const SEVERITIES = ['high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Kinds of text: an answer as delivered (by its content type), and `dom`: the page's HTML after it loaded. */
export type TextKind = 'html' | 'script' | 'style' | 'data' | 'dom';

export type Look =
  /** in the text of answers; `status: 'error'`: only of those with 400 and more */
  | { in: 'text'; of: readonly TextKind[]; pattern: RegExp; status?: 'error' }
  /** an element after load, open shadow roots included */
  | { in: 'element'; selector: string }
  /** a property that scripts put on the window, or on any element */
  | { in: 'global'; name: RegExp }
  | { in: 'element property'; name: string }
  /** the address of anything of the same origin that the page asked for: path and query */
  | { in: 'request'; pattern: RegExp }
  | { in: 'header'; name: string; pattern: RegExp }
  /** a WebSocket upgrade that we ask for; `says`: what the server's first message must be like */
  | { in: 'upgrade'; path: string; protocol?: string; says?: RegExp }
  /** a WebSocket that the page opened, by its first message */
  | { in: 'socket'; says: RegExp }
  /** an address that we ask for with GET; text and type decide, since many servers answer anything with their start page */
  | { in: 'probe'; paths: readonly string[]; pattern: RegExp; type?: RegExp; statuses?: readonly number[] }
  /** beside every script and style: its address with this suffix */
  | { in: 'beside'; suffix: string; pattern: RegExp }
  /** the folders of every script and style */
  | { in: 'folder'; pattern: RegExp }
  | { in: 'console'; level?: 'error' | 'warning'; pattern: RegExp; not?: RegExp }
  /** what the run itself notices; `what` says it for the table */
  | { in: 'run'; what: string };

/** An answer of the fixture server; it stands in for what a real server said. */
export interface Sample {
  /** default: an address of the sample's own */
  path?: string;
  status?: number;
  /** default: text/html */
  type?: string;
  headers?: Record<string, string>;
  body?: string;
  /** answers at other addresses that belong to this one */
  also?: Sample[];
  /** a WebSocket that the server accepts */
  upgrade?: { path: string; protocol?: string; says?: string };
}

/** Real servers that the tests start, and in which a signature must be found. */
export const CONTROL_SERVERS = {
  'vite-sveltekit': 'npm run dev of Watchfloor (Vite, SvelteKit)',
  'vite-react': 'development server of Vite with React',
  'vite-vue': 'development server of Vite with Vue',
  express: 'Express with its debug error page',
  node: 'plain Node server that shows its stack'
} as const;
export type ControlServer = keyof typeof CONTROL_SERVERS;

export interface Signature {
  id: string;
  family: Family;
  severity: Severity;
  means: string;
  fix: string;
  looks: readonly Look[];
  controls: {
    /** what it catches; `source` says where the text of the fixture comes from */
    caught: { source: string; sample: Sample };
    /** what looks alike and is legitimate */
    passed: readonly Sample[];
    /** the real thing in which it was found when this was written, and which the tests do not run */
    byHand?: string;
    /** real servers in which the tests find it */
    real?: readonly ControlServer[];
  };
}

/** For tables: where a look looks, in a few words. */
export function toPlace(look: Look): string {
  switch (look.in) {
    case 'text':
      return look.of
        .map((kind) => ({ html: 'HTML', script: 'script text', style: 'style text', data: 'data', dom: 'DOM' })[kind])
        .join(', ');
    case 'element':
      return 'DOM';
    case 'global':
      return 'JavaScript global';
    case 'element property':
      return 'DOM property';
    case 'request':
      return 'requests';
    case 'header':
      return `header ${look.name}`;
    case 'upgrade':
      return `upgrade ${look.protocol ?? look.path}`;
    case 'socket':
      return 'socket';
    case 'probe':
      return look.paths.length === 1
        ? `probe ${look.paths[0]}`
        : `probe ${look.paths[0]} and ${look.paths.length - 1} more`;
    case 'beside':
      return `every asset + ${look.suffix}`;
    case 'folder':
      return 'folders of assets';
    case 'console':
      return 'console';
    case 'run':
      return look.what;
  }
}
