// The models there are: what of each is stored in this browser, how much room is left, and what is done with them. `Model` is the open one.
import type { ModelListing, StorageReport } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls } from './studio.ts';

export const demoId = 'demo';
export const fullId = 'sd15';

/** The one that comes with the page: offered even where the worker cannot look at what is stored. */
const demo: ModelListing = {
  id: demoId,
  name: 'Demo model',
  source: '',
  licence: 'MIT',
  licenceUrl: null,
  asksLicence: false,
  bytes: 0,
  storedBytes: 0,
  state: 'absent',
  doubts: [],
};

export class Models {
  list = $state.raw<ModelListing[]>([demo]);
  /** The worker has said what there is. */
  listed = $state(false);
  /** The row of the picker that the user's hand is on; nothing is chosen by it yet. */
  picked = $state<string | null>(null);
  room = $state.raw<StorageReport | null>(null);
  /** The browser was asked to keep what is stored, and did not promise it. */
  refused = $state(false);
  trouble = $state.raw<Mishap | null>(null);
  readonly stored = $derived(this.list.filter(({ storedBytes }) => storedBytes > 0));
  readonly #studio: StudioCalls;
  readonly #accepted = new Set<string>();

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  /** Asks again what is stored. What was known stays where it fails. */
  async refresh(): Promise<void> {
    try {
      const list = await this.#studio.models();
      this.list = list.some(({ id }) => id === demoId) ? list : [demo, ...list];
      this.listed = true;
      this.room = await this.#studio.storage();
    } catch (error) {
      this.trouble = mishap(error);
    }
  }

  of(id: string | null): ModelListing | null {
    return this.list.find((listing) => listing.id === id) ?? null;
  }
  /** Whether it can be opened now. The demo model always: what is missing of it is fetched while it opens. */
  isHere(id: string): boolean {
    return id === demoId || this.of(id)?.state === 'complete';
  }
  asksLicence(listing: ModelListing): boolean {
    return listing.asksLicence && !this.#accepted.has(listing.id);
  }

  async accept(id: string): Promise<void> {
    await this.#change(() => this.#studio.acceptLicence(id));
    this.#accepted.add(id);
  }
  /** A doubted file is taken as it is. */
  trust(id: string): Promise<void> {
    return this.#change(() => this.#studio.trustModel(id));
  }
  /** A doubted file is thrown away: fetching brings it again. */
  doubt(id: string): Promise<void> {
    return this.#change(() => this.#studio.doubtModel(id));
  }
  remove(id: string): Promise<void> {
    return this.#change(() => this.#studio.deleteModel(id));
  }

  async #change(call: () => Promise<void>): Promise<void> {
    this.trouble = null;
    try {
      await call();
    } catch (error) {
      this.trouble = mishap(error);
    }
    await this.refresh();
  }
}
