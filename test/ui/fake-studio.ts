// A studio without a worker, for looking at the page and for its unit tests: answers at once or after `delayMs`, draws coloured squares that say so.
import { fileKinds } from '../../src/files/file-kind.ts';
import { Trouble } from '../../src/trouble.ts';
import type { StudioCalls } from '../../src/ui/state/studio.ts';
import type {
  AdapterFile,
  AdapterInfo,
  CardBench,
  GpuReport,
  ModelInfo,
  ModelListing,
  PhotoReading,
  Picture,
  Place,
  Project,
  ProjectChange,
  RunSummary,
  SavedProject,
  Shown,
  StorageReport,
  StoredProject,
  TokenReport,
  TrainingSettings,
} from '../../src/worker/api.ts';
import { applied } from '../../src/worker/client.ts';
import { fakeForecast } from './fake-forecast.ts';
import { type FakeModelOptions, FakeModels } from './fake-models.ts';

export interface FakeOptions {
  gpu?: GpuReport['kind'] | 'no-webgpu' | 'no-adapter';
  delayMs?: number;
  project?: Omit<Project, 'unreadable'> | null;
  modelFails?: boolean;
  models?: Omit<FakeModelOptions, 'rest'>;
  /** false: no speed of this card is known yet. */
  measured?: boolean;
}

const limits = {
  maxStorageBufferBindingSize: 2 ** 31 - 4,
  maxBufferSize: 2 ** 31,
  maxComputeWorkgroupStorageSize: 32768,
  maxComputeInvocationsPerWorkgroup: 1024,
};
const cards: Record<GpuReport['kind'], GpuReport> = {
  discrete: {
    name: 'GeForce RTX 3060',
    kind: 'discrete',
    vendor: 'nvidia',
    architecture: 'ampere',
    features: ['shader-f16'],
    limits,
  },
  integrated: {
    name: 'Intel UHD Graphics 620',
    kind: 'integrated',
    vendor: 'intel',
    architecture: 'gen-9',
    features: [],
    limits,
  },
  software: {
    name: 'SwiftShader',
    kind: 'software',
    vendor: 'google',
    architecture: 'swiftshader',
    features: [],
    limits,
  },
  unknown: { name: '', kind: 'unknown', vendor: '', architecture: '', features: [], limits },
};

export class FakeStudio implements StudioCalls {
  readonly calls: string[] = [];
  saved: StoredProject | null;
  readonly #shown = new Map<Place, Shown>();
  readonly fakes: FakeModels;
  readonly #options: FakeOptions;
  #msPerStep: number | null = null;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.saved = options.project ? { unreadable: [], ...options.project, revision: 1 } : null;
    this.fakes = new FakeModels({ ...options.models, rest: (signal) => this.#rest(signal) });
    if (options.measured ?? true) this.#msPerStep = 620;
  }

  async inspect(): Promise<GpuReport> {
    await this.#rest();
    const { gpu = 'discrete' } = this.#options;
    if (gpu === 'no-webgpu' || gpu === 'no-adapter') throw new Trouble(gpu, {});
    return cards[gpu];
  }
  async models(): Promise<ModelListing[]> {
    await this.#rest();
    return this.fakes.list();
  }
  async storage(): Promise<StorageReport> {
    return this.fakes.storage();
  }
  async acceptLicence(id: string): Promise<void> {
    this.fakes.accept(id);
  }
  fetchModel(...args: Parameters<StudioCalls['fetchModel']>): Promise<void> {
    return this.fakes.fetch(...args);
  }
  importModel(...args: Parameters<StudioCalls['importModel']>): Promise<ModelListing> {
    return this.fakes.take(...args);
  }
  async trustModel(id: string): Promise<void> {
    this.fakes.trust(id);
  }
  async doubtModel(id: string): Promise<void> {
    this.fakes.doubt(id);
  }
  async deleteModel(id: string): Promise<void> {
    this.fakes.remove(id);
  }
  async measure(...[signal, , onProgress]: Parameters<StudioCalls['measure']>): Promise<number> {
    this.calls.push('measure');
    for (let done = 0; done <= 10; done++) {
      onProgress({ phase: 'measuring', done, total: 10 });
      await this.#rest(signal);
    }
    this.#msPerStep = 1480;
    return this.#msPerStep;
  }
  async bench(...[signal, budgetMs, onProgress]: Parameters<StudioCalls['bench']>): Promise<CardBench> {
    this.calls.push(`bench ${budgetMs}`);
    for (let done = 0; done <= 4; done++) {
      onProgress({ phase: 'measuring', done, total: 4 });
      await this.#rest(signal);
    }
    return { text: 'Darkroom bench\n\nAdapter: GeForce RTX 3060', secondsAStep: 0.42 };
  }
  developPreview(..._: Parameters<StudioCalls['developPreview']>): Promise<Picture> {
    return Promise.reject(new Error('the fake studio develops nothing'));
  }
  async openModel(...[signal, id, onProgress]: Parameters<StudioCalls['openModel']>): Promise<ModelInfo> {
    this.calls.push(`openModel ${id}`);
    this.fakes.check(id);
    for (let done = 0; done <= 5; done++) {
      onProgress({ phase: 'opening-model', done, total: 5 });
      await this.#rest(signal);
    }
    if (this.#options.modelFails)
      throw new Trouble('file-damaged', {
        file: 'unet/diffusion_pytorch_model.safetensors',
        expected: '13.1 MB',
        got: '9.8 MB',
      });
    const { name, bytes, source, licence } = this.fakes.list().find((listing) => listing.id === id)!;
    const sizes = id === 'demo' ? [128] : [256, 384, 512];
    return { id, name, bytes, version: 'a1-b2-c3', resolution: sizes.at(-1)!, sizes, source, licence };
  }
  recognise = fileKinds;
  async readPhoto(
    ...[signal, , name, file, known, needs]: Parameters<StudioCalls['readPhoto']>
  ): Promise<{ reading: PhotoReading; file: Blob }> {
    this.calls.push(`readPhoto ${name}`);
    await this.#rest(signal);
    if (/broken/.test(name)) throw new Trouble('photo-unreadable', { file: name, reason: 'truncated' });
    const size =
      typeof createImageBitmap === 'function'
        ? await sizeOf(file, name)
        : { width: 640, height: /small/.test(name) ? 96 : 480 };
    const fingerprint = `${file.size}`;
    const twin = known.find((other) => other.fingerprint === fingerprint);
    const shortSide = Math.min(size.width, size.height);
    const reading: PhotoReading = {
      ...size,
      thumbnail: file,
      fingerprint,
      flags: [
        ...(shortSide < needs ? [{ kind: 'too-small' as const, shortSide, needs }] : []),
        ...(twin ? [{ kind: 'near-duplicate' as const, of: twin.id }] : []),
        ...(/blur/.test(name) ? [{ kind: 'blurred' as const }] : []),
      ],
    };
    return { reading, file };
  }
  async tokens(text: string): Promise<TokenReport> {
    const pieces = text.match(/.{1,2}$|.{1,3}/gu) ?? [];
    const ordinaryWord = ['crayon', 'toy', 'dog', 'figurine'].includes(text);
    return {
      pieces: ordinaryWord ? [text] : pieces,
      ids: [],
      ordinaryWord,
      nonLatin: [...text].some((letter) => letter > '\u024f'),
      wordsCut: Math.max(0, text.split(/\s+/).filter(Boolean).length - 75),
      chunks: Math.max(1, Math.ceil(text.split(/\s+/).filter(Boolean).length / 75)),
    };
  }
  async suggestIdentifier(): Promise<string> {
    this.calls.push('suggestIdentifier');
    return ['aawxbc', 'uvhhhl', 'zixabo', 'qelvok'][
      this.calls.filter((call) => call === 'suggestIdentifier').length % 4
    ]!;
  }
  async draw(...[signal, request, onProgress]: Parameters<StudioCalls['draw']>): Promise<Picture> {
    this.calls.push(`draw ${request.prompt} ${request.seed}`);
    for (let done = 0; done < request.steps; done++) {
      onProgress({ phase: 'drawing', done, total: request.steps });
      await this.#rest(signal);
    }
    return {
      kind: 'full',
      png: await square(request.seed, request.prompt.length),
      width: 128,
      height: 128,
      request,
      ms: 1000,
    };
  }

  async forecast(settings: TrainingSettings): ReturnType<StudioCalls['forecast']> {
    return fakeForecast(settings, this.#msPerStep);
  }
  train(..._: Parameters<StudioCalls['train']>): Promise<RunSummary> {
    return Promise.reject(new Error('the fake studio does not train'));
  }
  startAgain(): void {
    this.calls.push('startAgain');
  }
  async pause(): Promise<void> {}
  async resume(): Promise<void> {}
  async stop(): Promise<void> {}
  async previewNow(): Promise<void> {}
  async previews(): Promise<never[]> {
    return [];
  }
  async runs(): Promise<RunSummary[]> {
    return [];
  }
  async forgetRun(..._: Parameters<StudioCalls['forgetRun']>): Promise<void> {}
  async adapters(): Promise<AdapterInfo[]> {
    return [];
  }
  adapterFile(..._: Parameters<StudioCalls['adapterFile']>): Promise<AdapterFile> {
    return Promise.reject(new Error('the fake studio has no adapters'));
  }
  readAdapter(..._: Parameters<StudioCalls['readAdapter']>): Promise<AdapterInfo> {
    return Promise.reject(new Error('the fake studio has no adapters'));
  }
  mergeAdapters(..._: Parameters<StudioCalls['mergeAdapters']>): Promise<AdapterInfo> {
    return Promise.reject(new Error('the fake studio has no adapters'));
  }
  async renameAdapter(..._: Parameters<StudioCalls['renameAdapter']>): Promise<void> {}
  async deleteAdapter(..._: Parameters<StudioCalls['deleteAdapter']>): Promise<void> {}
  async evidence(): Promise<Uint8Array> {
    return new Uint8Array();
  }
  async saveProject(change: ProjectChange, _known: number): Promise<SavedProject> {
    this.calls.push('saveProject');
    const before = this.saved ?? { ...nothing, revision: 0 };
    this.saved = { ...applied(before, change), revision: before.revision + 1 };
    return { revision: this.saved.revision, project: null };
  }
  async loadProject(): Promise<StoredProject | null> {
    return this.saved;
  }
  async classPictures(..._: Parameters<StudioCalls['classPictures']>): ReturnType<StudioCalls['classPictures']> {
    return [];
  }
  async keepClassPicture(..._: Parameters<StudioCalls['keepClassPicture']>): Promise<void> {}
  async clearClassPictures(..._: Parameters<StudioCalls['clearClassPictures']>): Promise<void> {}
  async keepShown(place: Place, shown: Shown): Promise<void> {
    this.#shown.set(place, structuredClone(shown));
  }
  async shown(place: Place): Promise<Shown | null> {
    return this.#shown.get(place) ?? null;
  }

  async #rest(signal?: AbortSignal): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#options.delayMs ?? 0));
    signal?.throwIfAborted();
  }
}

const nothing: Project = {
  ...{
    modelId: null,
    photos: [],
    unreadable: [],
    identifier: '',
    classNoun: '',
    settings: { preset: '' },
    runId: null,
  },
};

async function sizeOf(file: Blob, name: string): Promise<{ width: number; height: number }> {
  try {
    const { width, height } = await createImageBitmap(file);
    return { width, height };
  } catch {
    throw new Trouble('photo-unreadable', { file: name, reason: 'not-an-image' });
  }
}

async function square(seed: number, hue: number): Promise<Blob> {
  if (typeof OffscreenCanvas === 'undefined') return new Blob([`${seed} ${hue}`]);
  const canvas = new OffscreenCanvas(128, 128);
  const context = canvas.getContext('2d')!;
  context.fillStyle = `hsl(${(seed * 97 + hue * 31) % 360} 40% 45%)`;
  context.fillRect(0, 0, 128, 128);
  context.fillStyle = '#fff';
  context.font = '14px sans-serif';
  context.fillText(`fake, seed ${seed}`, 14, 68);
  return canvas.convertToBlob();
}
