// The project: everything the user typed or dropped, kept by the worker so that a reload brings it back, and the same in every tab.
// What is saved is what changed here since the page last knew what is stored (`#base`); what other tabs saved is taken over, and what is not
// saved here yet is made to it again. So a tab in which nothing was done saves nothing, and none undoes what it had not heard of.
import type { Project as Kept, StoredProject } from '../../worker/api.ts';
import { applied, changeBetween } from '../../worker/client.ts';
import type { Model } from './model.svelte.ts';
import type { Naming } from './naming.svelte.ts';
import type { Photos } from './photos.svelte.ts';
import type { Run } from './run.svelte.ts';
import type { Setup } from './setup.svelte.ts';
import { type Mishap, mishap, type StudioCalls } from './studio.ts';
import { type TabTalk, tabTalk } from './tab-talk.ts';

const restMs = 400;

interface Parts {
  model: Model;
  photos: Photos;
  naming: Naming;
  setup: Setup;
  run: Run;
  /** What was drawn by another model is not shown as this one's. */
  modelChanged: () => void;
}

export class Project {
  loaded = $state(false);
  trouble = $state.raw<Mishap | null>(null);
  readonly #studio: StudioCalls;
  readonly #parts: Parts;
  readonly #tabs: TabTalk;
  readonly snapshot: Kept = $derived.by(() => {
    const { model, photos, naming, setup, run } = this.#parts;
    void run.goesOn; // saved, even when this tab already had it so
    return {
      modelId: model.own,
      photos: photos.all,
      unreadable: photos.unreadable,
      identifier: naming.own,
      classNoun: naming.classNoun,
      settings: { ...setup.changes, preset: setup.preset },
      runId: run.recorded,
    };
  });
  /** What is stored, as this page last knew it. */
  #base: Kept;
  #revision = 0;
  /** The run that is stored as the project's: another tab may have put this tab's away. */
  #storedRun: string | null = null;
  /** The latest that any tab has told of. */
  #heard = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(studio: StudioCalls, parts: Parts, tabs: TabTalk = tabTalk()) {
    this.#studio = studio;
    this.#parts = parts;
    this.#tabs = tabs;
    this.#base = this.snapshot;
    tabs.hear((revision) => {
      this.#heard = Math.max(this.#heard, revision);
      if (this.loaded) void this.catchUp();
    });
  }

  async load(): Promise<void> {
    try {
      const stored = await this.#studio.loadProject();
      if (stored) this.#take(stored, this.#base);
      this.loaded = true;
      if (this.#heard > this.#revision) void this.catchUp();
    } catch (error) {
      // Not marked as loaded: what is stored and could not be read is not written over.
      this.trouble = mishap(error);
    }
  }

  /** Saves after a short rest, so that typing is one write. */
  keep(): void {
    if (!this.loaded) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), restMs);
  }

  /** Saves what changed here, if anything. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    return this.#inTurn(() => this.#save());
  }

  /** Takes over what other tabs have saved. `asking`: also when nothing was heard of it. */
  catchUp(asking = false): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.loaded || (!asking && this.#heard <= this.#revision)) return;
      try {
        const stored = await this.#studio.loadProject();
        if (stored && stored.revision > this.#revision) this.#take(stored, this.#base);
      } catch (error) {
        console.warn(error); // what is here stays; the next save brings both together
      }
    });
  }

  /** After a trouble: what could not be read is read, what could not be written is written. */
  again(): Promise<void> {
    this.trouble = null;
    return this.loaded ? this.flush() : this.load();
  }

  async #save(): Promise<void> {
    const sent = this.snapshot;
    const { run } = this.#parts;
    // A stored run that goes on here is the project's again, whatever another tab has made of it meanwhile.
    const before = run.goesOn ? { ...this.#base, runId: this.#storedRun } : this.#base;
    const change = this.loaded ? changeBetween(before, sent) : null;
    if (!change) return;
    try {
      const { revision, project } = await this.#studio.saveProject(change, this.#revision);
      if (project) this.#take(project, sent);
      else [this.#base, this.#revision, this.#storedRun] = [sent, revision, sent.runId];
      this.trouble = null;
      this.#tabs.say(revision);
    } catch (error) {
      this.trouble = mishap(error);
    }
  }

  /** What is stored by now; `known`: what of this page's it has in it. */
  #take(stored: StoredProject, known: Kept): void {
    const own = changeBetween(known, this.snapshot);
    const next = own ? applied(stored, own) : stored;
    const { model, photos, naming, setup, run, modelChanged } = this.#parts;
    const was = model.chosen;
    photos.restore(next.photos, next.unreadable);
    naming.restore(next.identifier, next.classNoun);
    setup.restore(next.settings);
    // A run under way, or one that is looked at, keeps its model and its place: which run is on screen is each tab's own.
    if (!run.view) {
      run.id = run.recorded = next.runId;
      model.own = next.modelId;
    }
    if (model.chosen !== was) modelChanged();
    // Where a part took something otherwise than it is stored, that is no change of the user's.
    const unsaved = Object.keys(own?.set ?? {}) as (keyof Kept)[];
    const asStored = Object.fromEntries(unsaved.map((name) => [name, stored[name]]));
    this.#base = { ...this.snapshot, ...asStored, photos: stored.photos, unreadable: stored.unreadable };
    this.#revision = stored.revision;
    this.#storedRun = stored.runId;
  }

  /** One thing after the other: a save that is under way must not be overtaken by what it is about to change. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work);
    return this.#last;
  }
}
