// The stores in memory, for tests: what IndexedDB would keep, cloned as it would be.
import type { LoraWeights } from '../../src/gpu/engine-types.ts';
import type { AdapterStore, StoredAdapter } from '../../src/storage/adapter-store.ts';
import type { PreviewStore } from '../../src/storage/preview-store.ts';
import type { RunStore, StoredRun } from '../../src/storage/run-store.ts';
import type { Timing, TimingStore } from '../../src/storage/timing-store.ts';

export function memoryRuns(): RunStore {
  const runs = new Map<string, StoredRun>();
  return {
    save: async (run) => void runs.set(run.summary.runId, structuredClone(run)),
    load: async (runId) => structuredClone(runs.get(runId)) ?? null,
    list: async () => [...runs.values()].map(({ summary }) => structuredClone(summary)),
    forget: async (runId) => void runs.delete(runId),
  };
}

export function memoryAdapters(): AdapterStore {
  const adapters = new Map<string, StoredAdapter>();
  const moments = new Map<string, LoraWeights>();
  return {
    save: async (adapter) => void adapters.set(adapter.adapterId, structuredClone(adapter)),
    saveMoment: async (id, step, weights) => void moments.set(`${id} ${step}`, structuredClone(weights)),
    load: async (id) => structuredClone(adapters.get(id)) ?? null,
    moment: async (id, step) => structuredClone(moments.get(`${id} ${step}`)) ?? null,
    list: async () => [...adapters.values()].map((adapter) => structuredClone(adapter)),
    forget: async (id) => void adapters.delete(id),
  };
}

export function memoryPreviews(): PreviewStore {
  const pictures = new Map<string, Awaited<ReturnType<PreviewStore['list']>>>();
  const sketches = new Map<string, Float32Array>();
  const of = (runId: string) => pictures.get(runId) ?? [];
  return {
    async save(runId, step, picture, latents) {
      const others = of(runId).filter((p) => p.step !== step);
      pictures.set(
        runId,
        [...others, { step, picture }].sort((a, b) => a.step - b.step),
      );
      if (latents) sketches.set(`${runId} ${step}`, latents.slice());
      else sketches.delete(`${runId} ${step}`);
    },
    latents: async (runId, step) => sketches.get(`${runId} ${step}`) ?? null,
    list: async (runId) => of(runId),
    forget: async (runId) => void pictures.delete(runId),
  };
}

export function memoryTimings(): TimingStore {
  const known = new Map<string, Timing>();
  return { save: async (key, timing) => void known.set(key, timing), load: async (key) => known.get(key) ?? null };
}
