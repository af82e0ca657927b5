/**
 * What is known of one page after it was visited, with a browser or without. It owns the form only; page.ts and
 * plain-page.ts fill it, judge-visit.ts judges it. Pure.
 */
import type { Answer } from './answer.ts';
import type { SeenInPage } from './in-page.ts';

/** An address that no application has: visited and asked for to see the error page. */
export const MISSING_PAGE = '/watchfloor-smoke-no-such-page';

export interface ConsoleLine {
  level: string;
  text: string;
  url: string;
}

export interface Visit {
  path: string;
  /** the page whose link led here; null: it was asked for */
  from: string | null;
  /** after redirects */
  url: string;
  status: number;
  /** the document's and of everything that it loaded, redirects included */
  answers: Answer[];
  /** every address that it asked for, and what came of it: a status, or the browser's word for its failure */
  requests: { url: string; isDocument: boolean; status: number | null; failure: string | null }[];
  console: ConsoleLine[];
  /** errors of scripts that nothing handled */
  errors: string[];
  /** WebSockets: address and first text message */
  sockets: { url: string; says: string | null }[];
  /** null without a browser */
  seen: SeenInPage | null;
  links: string[];
  ttfbMs: number | null;
  loadMs: number | null;
  /** file name below the report's directory */
  screenshot: string | null;
  /** which expected selectors are there, in their order */
  selectors: Record<string, boolean>;
}
