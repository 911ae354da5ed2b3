// The studio worker's entry: this browser's stores in, a Studio on the other end of postMessage out.
import * as Comlink from 'comlink';
import { adapterStore } from '../storage/adapter-store.ts';
import { demoModel, openModel } from '../storage/model-store.ts';
import { previewStore } from '../storage/preview-store.ts';
import { projectStore } from '../storage/project-store.ts';
import { runStore } from '../storage/run-store.ts';
import { timingStore } from '../storage/timing-store.ts';
import { installErrorTransfer } from './errors.ts';
import { createStudio } from './studio.ts';

installErrorTransfer();
Comlink.expose(
  createStudio({
    async openModel(signal, modelId, page, onProgress) {
      if (modelId !== 'demo') throw new Error(`there is no model “${modelId}”`);
      return openModel(demoModel(page), { signal, onProgress });
    },
    runs: runStore(),
    adapters: adapterStore(),
    previews: previewStore(),
    project: projectStore(),
    timings: timingStore(),
  }),
);
