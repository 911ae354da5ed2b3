// In: the service worker's news. Out: whether a new version waits and whether the page works offline now; nothing reloads until `apply()`.
import { useRegisterSW } from 'virtual:pwa-register/svelte';

class Update {
  /** A new version is here. It is offered, never forced: a run in this tab goes on with the version it began with. */
  ready = $state(false);
  /** Everything that the page needs is stored on this computer. */
  offlineReady = $state(false);
  readonly #worker = useRegisterSW();

  constructor() {
    this.#worker.needRefresh.subscribe((ready) => {
      this.ready = ready;
    });
    this.#worker.offlineReady.subscribe((ready) => {
      this.offlineReady = ready;
    });
  }

  /** Takes the new version: the page reloads. */
  apply(): Promise<void> {
    // Workbox reloads only a page that a service worker had when it was opened, which a first visit has not.
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
    return this.#worker.updateServiceWorker(true);
  }

  later(): void {
    this.ready = false;
  }
}

/** Importing this registers the service worker. */
export const update = new Update();
