// A browser with tabs, without a browser: each tab has the page's state and its own connection to one IndexedDB; what tabs say waits until it is let through.
import '../storage/small-model.ts';
import { database } from '../../src/storage/database.ts';
import { projectStore } from '../../src/storage/project-store.ts';
import { Model } from '../../src/ui/state/model.svelte.ts';
import { Naming } from '../../src/ui/state/naming.svelte.ts';
import { Photos } from '../../src/ui/state/photos.svelte.ts';
import { Project } from '../../src/ui/state/project.svelte.ts';
import { Run } from '../../src/ui/state/run.svelte.ts';
import { Setup } from '../../src/ui/state/setup.svelte.ts';
import type { StudioCalls } from '../../src/ui/state/studio.ts';
import { takePhoto } from '../../src/worker/take-photo.ts';
import { FakeStudio } from './fake-studio.ts';

let browsers = 0;

/** The worker's part of it, over the real store; a photo is as large as its bytes are, and looks like nothing else. */
class StoringStudio extends FakeStudio {
  readonly store;
  saves = 0;
  constructor(name: string) {
    super();
    this.store = projectStore(database(name));
  }
  override readPhoto(...[signal, id, name, file, known, needs]: Parameters<StudioCalls['readPhoto']>) {
    const read = async () => {
      const { reading } = await super.readPhoto(signal, id, name, file, known, needs);
      return { ...reading, fingerprint: id, flags: [], thumbnail: new Blob([`thumb ${name}`]) };
    };
    return takePhoto(this.store, signal, { id, name, file }, known, needs, { read });
  }
  override saveProject(...[change, known]: Parameters<StudioCalls['saveProject']>) {
    this.saves++;
    return this.store.save(change, known);
  }
  override loadProject() {
    return this.store.load();
  }
}

export interface Tab {
  studio: StoringStudio;
  model: Model;
  photos: Photos;
  naming: Naming;
  run: Run;
  project: Project;
  inbox: number[];
  /** Lets through what the other tabs said. */
  hear(): Promise<void>;
}

export function browser() {
  const name = `tabs-${browsers++}`;
  const tabs = new Set<Tab>();
  return {
    name,
    tabs,
    store: projectStore(database(name)),
    async open(): Promise<Tab> {
      const studio = new StoringStudio(name);
      const model = new Model(studio);
      const photos = new Photos(studio, () => 128);
      const naming = new Naming(studio, () => model.opened());
      const setup = new Setup(
        () => photos.inUse.length,
        () => model,
      );
      const inbox: number[] = [];
      let listen: (revision: number) => void = () => {};
      const talk = {
        say: (revision: number) => {
          for (const other of tabs) if (other !== tab) other.inbox.push(revision);
        },
        hear: (listener: typeof listen) => {
          listen = listener;
        },
      };
      const run = new Run(studio);
      const parts = { model, photos, naming, setup, run, modelChanged: () => {} };
      const project = new Project(studio, parts, talk);
      const hear = async () => {
        for (const revision of inbox.splice(0)) listen(revision);
        await project.catchUp();
      };
      const tab: Tab = { studio, model, photos, naming, run, project, inbox, hear };
      tabs.add(tab);
      await project.load();
      return tab;
    },
    close: (tab: Tab) => tabs.delete(tab),
  };
}
