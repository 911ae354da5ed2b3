// A mirror's address, or none, in; the content security policy of the page, its workers and its service worker, out.
import { HUB_ORIGINS } from './sources.ts';

/** What a page's `<meta>` may not say (CSP 3, §3.3): only a header can. */
const HEADER_ONLY = 'frame-ancestors';

/**
 * Nothing leaves: everything comes from the page's own origin; besides it, only a model's files may be asked for, where they are kept. `mirror`: a
 * folder of Stable Diffusion 1.5 on another host, known when the page is built. Throws a RangeError where it is no http(s) address.
 */
export function contentPolicy(mirror?: string): string {
  const directives: Record<string, string[]> = {
    'default-src': ["'self'"],
    'script-src': ["'self'", "'wasm-unsafe-eval'"], // onnxruntime compiles its wasm
    'connect-src': ["'self'", ...HUB_ORIGINS, ...(mirror ? [originOf(mirror)] : [])],
    'img-src': ["'self'", 'blob:', 'data:'],
    // A place in a picture is a style of its element (`style="left:12%"`); no text of the user's becomes one.
    'style-src': ["'self'", "'unsafe-inline'"],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    [HEADER_ONLY]: ["'none'"],
  };
  return Object.entries(directives)
    .map(([name, sources]) => [name, ...sources].join(' '))
    .join('; ');
}

/** Whether a page at `page` that was built with `mirror` may ask `url`: a refusal by the browser looks like a broken connection. */
export function mayAsk(url: URL, page: string, mirror?: string): boolean {
  const ours = [new URL(page).origin, ...(mirror ? [originOf(mirror)] : [])];
  return ours.includes(url.origin) || HUB_ORIGINS.some((pattern) => matches(url.origin, pattern));
}

/** As a host source of a policy matches, `https://*.name` and `https://name` (CSP 3, §6.7.2.8). */
const matches = (origin: string, pattern: string): boolean =>
  pattern.includes('*.')
    ? origin.startsWith('https://') && origin.endsWith(pattern.slice(pattern.indexOf('*') + 1))
    : origin === pattern;

/** The same for a page's `<meta http-equiv>`. */
export const metaPolicy = (policy: string): string =>
  policy
    .split('; ')
    .filter((directive) => !directive.startsWith(HEADER_ONLY))
    .join('; ');

function originOf(mirror: string): string {
  const url = URL.canParse(mirror) ? new URL(mirror) : null;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new RangeError(`DARKROOM_MIRROR wants an address that begins with https://, not "${mirror}"`);
  return url.origin;
}
