// Models without a network: SD 1.5 arrives in pieces that are kept, may be cut, refused or doubted; checkpoints are taken in or named for what they are.
import { Trouble } from '../../src/trouble.ts';
import type { ModelListing, OnTransfer, StorageReport } from '../../src/worker/api.ts';

export interface FakeModelOptions {
  /** Of SD 1.5, at the start. */
  full?: Partial<ModelListing>;
  more?: ModelListing[];
  /** How a piece takes its time; aborted it rejects. */
  rest: (signal?: AbortSignal) => Promise<void>;
  /** The first fetch breaks at this share. */
  cutAt?: number;
  /** The server asks to wait once. */
  waits?: boolean;
  /** What arrives has another hash, the first time. */
  differs?: boolean;
  persisted?: boolean;
}

const pieces = 16;
export const fullBytes = 2_132_870_858;
const demo: ModelListing = {
  id: 'demo',
  name: 'Demo model',
  source: 'Darkroom',
  licence: 'MIT',
  licenceUrl: null,
  asksLicence: false,
  bytes: 29_400_000,
  storedBytes: 0,
  state: 'absent',
  doubts: [],
};
const full: ModelListing = {
  ...demo,
  id: 'sd15',
  name: 'Stable Diffusion 1.5',
  source: 'huggingface.co/stable-diffusion-v1-5',
  licence: 'CreativeML OpenRAIL-M',
  licenceUrl: 'https://example.org/licence',
  asksLicence: true,
  bytes: fullBytes,
};
export const doubt = {
  file: 'unet/diffusion_pytorch_model.safetensors',
  expected: 'c83908253f9a64d08c25fc90874c9c8aef9a329ce1ca5fb909d73b0c83d1ea21',
  got: '11d80f2a6ebd37f7b5a6eb22b5fd6e4a4c6f6d6dca1d4a9d2df2e2b2f4c8a77e',
};

export class FakeModels {
  readonly calls: string[] = [];
  #list: ModelListing[];
  #cut: boolean;
  #differs: boolean;
  readonly #options: FakeModelOptions;

  constructor(options: FakeModelOptions) {
    this.#options = options;
    this.#list = [{ ...full, ...options.full }, demo, ...(options.more ?? [])];
    this.#cut = options.cutAt !== undefined;
    this.#differs = options.differs ?? false;
  }

  list(): ModelListing[] {
    return this.#list;
  }
  storage(): StorageReport {
    const usedBytes = 3e6 + this.#list.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
    return { usedBytes, freeBytes: 38e9 - usedBytes, persisted: this.#options.persisted ?? true };
  }
  accept(id: string): void {
    this.calls.push(`accept ${id}`);
    this.#change(id, { asksLicence: false });
  }
  async fetch(signal: AbortSignal, id: string, on: OnTransfer): Promise<void> {
    this.calls.push(`fetch ${id}`);
    const { bytes, storedBytes, asksLicence } = this.#of(id);
    if (asksLicence) throw new Error('the licence was not accepted');
    const speed = { bytesPerSecond: null as number | null, msLeft: null as number | null };
    for (let done = storedBytes; done < bytes; done = Math.min(bytes, done + bytes / pieces)) {
      on({ phase: 'fetching', doneBytes: done, totalBytes: bytes, ...speed, waitingMs: null });
      if (this.#options.waits && done > bytes / 4)
        on({ phase: 'fetching', doneBytes: done, totalBytes: bytes, ...speed, waitingMs: 20_000 });
      await this.#options.rest(signal);
      this.#change(id, { storedBytes: done, state: 'part' });
      if (this.#cut && done / bytes >= this.#options.cutAt!) {
        this.#cut = false;
        throw new Trouble('download-cut', { file: doubt.file, status: 0, storedBytes: done, totalBytes: bytes });
      }
      Object.assign(speed, { bytesPerSecond: 3.4e6, msLeft: ((bytes - done) / 3.4e6) * 1000 });
    }
    if (this.#differs) {
      this.#differs = false;
      this.#change(id, { storedBytes: bytes, state: 'doubted', doubts: [doubt] });
      throw new Trouble('hash-differs', doubt);
    }
    this.#change(id, { storedBytes: bytes, state: 'complete' });
  }
  async take(signal: AbortSignal, files: { path: string; file: Blob }[], on: OnTransfer): Promise<ModelListing> {
    const [{ path } = { path: '' }] = files;
    this.calls.push(`take ${files.map((file) => file.path).join(' ')}`);
    if (/xl/i.test(path))
      throw new Trouble('not-a-checkpoint', { file: path, kind: 'sdxl', detail: 'conditioner.embedders.1' });
    const bytes = 2_132_000_000;
    for (let done = 0; done < pieces; done++) {
      on({
        phase: 'converting',
        doneBytes: (done / pieces) * bytes,
        totalBytes: bytes,
        bytesPerSecond: 9e7,
        msLeft: 20_000,
        waitingMs: null,
      });
      await this.#options.rest(signal);
    }
    const taken: ModelListing = {
      ...demo,
      id: `own-${path}`,
      name: path,
      bytes,
      storedBytes: bytes,
      state: 'complete',
    };
    this.#list = [...this.#list, { ...taken, licence: 'as its author says' }];
    return taken;
  }
  trust(id: string): void {
    this.#change(id, { state: 'complete', doubts: [] });
  }
  doubt(id: string): void {
    this.#change(id, { state: 'part', doubts: [], storedBytes: this.#of(id).bytes * 0.2 });
  }
  remove(id: string): void {
    this.calls.push(`delete ${id}`);
    if (id.startsWith('own-')) this.#list = this.#list.filter((listing) => listing.id !== id);
    else this.#change(id, { state: 'absent', storedBytes: 0, doubts: [] });
  }
  /** As the worker: only what is here whole can be opened. */
  check(id: string): void {
    const { state, bytes, storedBytes } = this.#of(id);
    if (id !== 'demo' && state !== 'complete')
      throw new Trouble('model-incomplete', { modelId: id, missingBytes: bytes - storedBytes });
    this.#change(id, { state: 'complete', storedBytes: bytes });
  }

  #of(id: string): ModelListing {
    const listing = this.#list.find((known) => known.id === id);
    if (!listing) throw new Error(`no model ${id}`);
    return listing;
  }
  #change(id: string, change: Partial<ModelListing>): void {
    this.#list = this.#list.map((listing) => (listing.id === id ? { ...listing, ...change } : listing));
  }
}
