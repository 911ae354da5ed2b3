// The stores in memory, for tests: what IndexedDB would keep, cloned as it would be.
import type { LoraWeights } from '../../src/gpu/engine-types.ts';
import type { AdapterStore, PreviewStore, RunStore, StoredAdapter, StoredRun } from '../../src/worker/stores.ts';

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
  const of = (runId: string) => pictures.get(runId) ?? [];
  return {
    save: async (runId, step, picture) => void pictures.set(runId, [...of(runId), { step, picture }]),
    list: async (runId) => of(runId),
    forget: async (runId) => void pictures.delete(runId),
  };
}
