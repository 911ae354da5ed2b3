// In: the list of the page's files (written in when it is built) and what the page asks for. Out: all of them without a network, under the page's content policy.
import { clientsClaim } from 'workbox-core';
import {
  addPlugins,
  cleanupOutdatedCaches,
  createHandlerBoundToURL,
  type PrecacheEntry,
  precacheAndRoute,
} from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { contentPolicy } from './storage/content-policy.ts';

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: (string | PrecacheEntry)[] };

const policy = contentPolicy(import.meta.env.DARKROOM_MIRROR);

/** A worker is bound by the policy of its own script's answer, not by its page's: many hosts send none. */
function underPolicy(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set('Content-Security-Policy', policy);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

addPlugins([
  { handlerWillRespond: async ({ response }) => (response.type === 'opaque' ? response : underPolicy(response)) },
]);
precacheAndRoute(self.__WB_MANIFEST);
cleanupOutdatedCaches();
registerRoute(
  new NavigationRoute(createHandlerBoundToURL('index.html'), { denylist: [/\/automation\.html$/, /\/models\//] }),
);

// The first visit already works offline; a later version waits until the page asks for it (src/ui/state/update.svelte.ts).
clientsClaim();
self.addEventListener('message', (event) => {
  if (event.data?.type === 'SKIP_WAITING') void self.skipWaiting();
});
