// A studio without a worker, for looking at the page and for its unit tests: answers at once or after `delayMs`, draws coloured squares that say so.
import { Trouble } from '../../src/trouble.ts';
import type { StudioCalls } from '../../src/ui/state/studio.ts';
import type {
  AdapterFile,
  AdapterInfo,
  GpuReport,
  ModelInfo,
  ModelListing,
  PhotoReading,
  Picture,
  Project,
  RunSummary,
  StorageReport,
  TokenReport,
} from '../../src/worker/api.ts';

export interface FakeOptions {
  gpu?: GpuReport['kind'] | 'no-webgpu' | 'no-adapter';
  delayMs?: number;
  project?: Project | null;
  modelFails?: boolean;
  models?: ModelListing[];
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
  saved: Project | null;
  readonly #options: FakeOptions;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.saved = options.project ?? null;
  }

  async inspect(): Promise<GpuReport> {
    await this.#rest();
    const { gpu = 'discrete' } = this.#options;
    if (gpu === 'no-webgpu' || gpu === 'no-adapter') throw new Trouble(gpu, {});
    return cards[gpu];
  }
  async models(): Promise<ModelListing[]> {
    await this.#rest();
    return this.#options.models ?? [];
  }
  async storage(): Promise<StorageReport> {
    return { usedBytes: 3e7, freeBytes: 4e10, persisted: true };
  }
  async acceptLicence(): Promise<void> {}
  async fetchModel(..._: Parameters<StudioCalls['fetchModel']>): Promise<void> {}
  importModel(..._: Parameters<StudioCalls['importModel']>): Promise<ModelListing> {
    return Promise.reject(new Error('the fake studio takes nothing in'));
  }
  async trustModel(): Promise<void> {}
  async doubtModel(): Promise<void> {}
  async deleteModel(): Promise<void> {}
  async measure(..._: Parameters<StudioCalls['measure']>): Promise<number> {
    return 1000;
  }
  developPreview(..._: Parameters<StudioCalls['developPreview']>): Promise<Picture> {
    return Promise.reject(new Error('the fake studio develops nothing'));
  }
  async openModel(...[signal, id, onProgress]: Parameters<StudioCalls['openModel']>): Promise<ModelInfo> {
    this.calls.push(`openModel ${id}`);
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
    return {
      id,
      name: 'Demo model',
      bytes: 29_400_000,
      resolution: 128,
      sizes: [128],
      source: 'Darkroom',
      licence: 'MIT',
    };
  }
  async readPhoto(...[signal, name, file, known]: Parameters<StudioCalls['readPhoto']>): Promise<PhotoReading> {
    this.calls.push(`readPhoto ${name}`);
    await this.#rest(signal);
    if (/broken/.test(name)) throw new Trouble('photo-unreadable', { file: name, reason: 'truncated' });
    const size = typeof createImageBitmap === 'function' ? await sizeOf(file, name) : { width: 640, height: 480 };
    const fingerprint = `${file.size}`;
    const twin = known.find((other) => other.fingerprint === fingerprint);
    const shortSide = Math.min(size.width, size.height);
    return {
      ...size,
      thumbnail: file,
      fingerprint,
      flags: [
        ...(shortSide < 100 || /small/.test(name)
          ? [{ kind: 'too-small' as const, shortSide: Math.min(shortSide, 96), needs: 128 }]
          : []),
        ...(twin ? [{ kind: 'near-duplicate' as const, of: twin.id }] : []),
        ...(/blur/.test(name) ? [{ kind: 'blurred' as const }] : []),
      ],
    };
  }
  async tokens(text: string): Promise<TokenReport> {
    const pieces = text.match(/.{1,2}$|.{1,3}/gu) ?? [];
    const ordinaryWord = ['crayon', 'toy', 'dog', 'figurine'].includes(text);
    return {
      pieces: ordinaryWord ? [text] : pieces,
      ids: [],
      ordinaryWord,
      nonLatin: [...text].some((letter) => letter > '\u024f'),
      wordsCut: 0,
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

  async forecast(..._: Parameters<StudioCalls['forecast']>): ReturnType<StudioCalls['forecast']> {
    const gpuBytes = { weights: 3e7, arena: 2e8, lora: 1e6, staging: 1e5, total: 231_100_000 };
    return {
      gpuBytes,
      phases: [],
      peakGpuBytes: gpuBytes.total,
      flopsPerStep: 1e10,
      adapterBytes: 400_000,
      msPerStep: null,
    };
  }
  train(..._: Parameters<StudioCalls['train']>): Promise<RunSummary> {
    return Promise.reject(new Error('the fake studio does not train'));
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
  async deleteAdapter(..._: Parameters<StudioCalls['deleteAdapter']>): Promise<void> {}
  async evidence(): Promise<Uint8Array> {
    return new Uint8Array();
  }
  async saveProject(project: Project): Promise<void> {
    this.saved = structuredClone(project);
    this.calls.push('saveProject');
  }
  async loadProject(): Promise<Project | null> {
    return this.saved;
  }

  async #rest(signal?: AbortSignal): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#options.delayMs ?? 0));
    signal?.throwIfAborted();
  }
}

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
