// The studio worker's entry: this browser's stores in, a Studio on the other end of postMessage out.
import * as Comlink from 'comlink';
import { openCheckpoint } from '../files/checkpoint/checkpoint.ts';
import { adapterStore } from '../storage/adapter-store.ts';
import { classStore } from '../storage/class-store.ts';
import { mayAsk } from '../storage/content-policy.ts';
import { modelLibrary } from '../storage/model-library.ts';
import { previewStore } from '../storage/preview-store.ts';
import { projectStore } from '../storage/project-store.ts';
import { runPhotoStore } from '../storage/run-photos.ts';
import { runStore } from '../storage/run-store.ts';
import { shownStore } from '../storage/shown-store.ts';
import { storageReport } from '../storage/space.ts';
import { timingStore } from '../storage/timing-store.ts';
import { installErrorTransfer } from './errors.ts';
import { createStudio } from './studio.ts';

const refuse = (broken: Error): never => {
  throw broken;
};
installErrorTransfer();
Comlink.expose(
  createStudio({
    models: (page) => {
      const library = modelLibrary(page, { mayAsk: (url) => mayAsk(url, page, import.meta.env.DARKROOM_MIRROR) });
      return {
        ...library,
        storage: storageReport,
        takeIn: (signal, files, onTransfer) =>
          library.takeIn(signal, () => openCheckpoint(files, library.tokenizer, refuse), onTransfer),
      };
    },
    runs: runStore(),
    adapters: adapterStore(),
    previews: previewStore(),
    project: projectStore(),
    runPhotos: runPhotoStore(),
    shown: shownStore(),
    classes: classStore(),
    timings: timingStore(),
  }),
);
