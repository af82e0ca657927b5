/**
 * What runs inside the page: it looks for elements, globals and properties, and reads links, times and the HTML after
 * load, open shadow roots included. Sent over as text, so it uses nothing but its argument and the browser's own.
 * Invariant: it changes nothing on the page.
 */

export interface Wanted {
  elements: { id: string; selector: string }[];
  globals: { id: string; source: string }[];
  properties: { id: string; name: string }[];
  longest: number;
}

export interface SeenInPage {
  hits: { id: string; where: string; evidence: string }[];
  html: string;
  /** of all links, resolved */
  links: string[];
  /** null where the browser does not tell */
  ttfbMs: number | null;
  loadMs: number | null;
  violations: { directive: string; blocked: string; at: string }[];
}

declare global {
  interface Window {
    __watchfloorSmokeViolations?: SeenInPage['violations'];
  }
}

/** Before the page's own scripts: violations are told once, when they happen. */
export function collectViolations(): void {
  const violations: NonNullable<Window['__watchfloorSmokeViolations']> = [];
  Object.defineProperty(window, '__watchfloorSmokeViolations', { value: violations, enumerable: false });
  document.addEventListener('securitypolicyviolation', (event) => {
    if (violations.length < 50)
      violations.push({
        directive: event.effectiveDirective,
        blocked: event.blockedURI || event.sample,
        at: event.sourceFile ? `${event.sourceFile}:${event.lineNumber}` : ''
      });
  });
}

export function lookAround({ elements, globals, properties, longest }: Wanted): SeenInPage {
  const hits: SeenInPage['hits'] = [];
  const roots: (Document | ShadowRoot)[] = [document];
  const all: Element[] = [];
  for (const root of roots) {
    for (const element of root.querySelectorAll('*')) {
      if (all.length < 50_000) all.push(element);
      if (element.shadowRoot) roots.push(element.shadowRoot);
    }
  }
  for (const { id, selector } of elements)
    for (const root of roots) {
      const found = root.querySelector(selector);
      if (!found) continue;
      const { outerHTML, innerHTML } = found;
      hits.push({
        id,
        where: 'DOM',
        evidence: outerHTML.slice(0, outerHTML.length - innerHTML.length || 120).slice(0, 160)
      });
      break;
    }
  const names = Object.getOwnPropertyNames(window);
  for (const { id, source } of globals) {
    const found = names.find((name) => new RegExp(source).test(name));
    if (found) hits.push({ id, where: 'JavaScript global', evidence: `window.${found}` });
  }
  for (const { id, name } of properties) {
    const found = all.find((element) => Object.hasOwn(element, name));
    if (found) {
      let value = '';
      try {
        value = JSON.stringify((found as unknown as Record<string, unknown>)[name]) ?? '';
      } catch {
        // circular
      }
      hits.push({ id, where: 'DOM property', evidence: `<${found.localName}>.${name} ${value.slice(0, 120)}` });
    }
  }
  let html = document.documentElement.outerHTML;
  for (const root of roots.slice(1)) if (html.length < longest) html += root.textContent ?? '';
  const [timing] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  return {
    hits,
    html: html.slice(0, longest),
    links: [...document.querySelectorAll('a[href]:not([download])')]
      .slice(0, 2_000)
      .map((link) => (link as HTMLAnchorElement).href),
    ttfbMs: timing ? Math.round(timing.responseStart) : null,
    loadMs: timing && timing.loadEventEnd > 0 ? Math.round(timing.loadEventEnd) : null,
    violations: [...(window.__watchfloorSmokeViolations ?? [])]
  };
}
