// The GPU's one U-Net: what a run or a picture needs in, an engine that has it out. Only one engine is kept, since each holds the whole model.
import { fitAdapter } from '../adapter/fit.ts';
import type { LoraWeights, UNetEngine } from '../gpu/engine-types.ts';
import { noticingLoss } from '../training/recover.ts';
import type { TrainingSettings } from './api.ts';

/** What an engine is built for. Rank and alpha say how its LoRA weights count: alpha / rank · up · down. */
export interface EngineSpec {
  rank: number;
  alpha: number;
  training: TrainingSettings | null; // null = only pictures
}
/** Weights of an adapter, with the rank and alpha they were trained with. `key` tells whether an engine carries them already. */
export interface LoadedAdapter {
  key: string;
  rank: number;
  alpha: number;
  weights: LoraWeights;
}
export type BuildEngine = (spec: EngineSpec) => Promise<UNetEngine>;

const DRAWING_RANK = 4; // where no adapter asks for more

export interface EngineRoom {
  /** A new engine for a run, in place of whatever was there. */
  forTraining(settings: TrainingSettings): Promise<UNetEngine>;
  /** The run has ended: its engine may be reused for pictures. */
  trainingEnded(): void;
  /** Runs `work` on an engine that carries `adapter` (any engine where null). A run's engine is left exactly as it was. */
  draw<T>(adapter: LoadedAdapter | null, work: (unet: UNetEngine) => Promise<T>): Promise<T>;
  close(): void;
}

interface Slot {
  unet: UNetEngine;
  spec: EngineSpec;
  carries: string | null;
}

export function engineRoom(build: BuildEngine): EngineRoom {
  let slot: Slot | null = null;
  let running = false;

  const make = async (spec: EngineSpec): Promise<Slot> => {
    const made: Slot = { unet: noticingLoss(await build(spec)), spec, carries: null };
    void made.unet.lost.then(() => {
      if (slot === made) slot = null;
    });
    return made;
  };
  const replace = async (spec: EngineSpec): Promise<Slot> => {
    slot?.unet.destroy(); // first, so that both never lie in memory together
    slot = null;
    slot = await make(spec);
    return slot;
  };

  return {
    async forTraining(settings) {
      const { rank, alpha } = settings;
      running = true;
      return (await replace({ rank, alpha, training: settings })).unet;
    },
    trainingEnded() {
      running = false;
      if (slot) slot.carries = null; // whatever step it ended at
    },
    async draw(adapter, work) {
      const rank = adapter?.rank ?? DRAWING_RANK;
      const spec: EngineSpec = { rank, alpha: rank, training: null };
      if (!running) {
        const here = slot && (!adapter || slot.spec.rank >= rank) ? slot : await replace(spec);
        if (adapter && here.carries !== adapter.key) {
          here.unet.writeLora(fitAdapter(adapter, here.spec, here.unet.modules));
          here.carries = adapter.key;
        }
        return work(here.unet);
      }
      if (!adapter && slot) return work(slot.unet);
      if (!adapter || !slot || slot.spec.rank < rank) return aside(spec, adapter, work);
      const { unet } = slot;
      const state = await unet.readState();
      unet.writeLora(fitAdapter(adapter, slot.spec, unet.modules));
      try {
        return await work(unet);
      } finally {
        unet.writeState(state);
      }
    },
    close() {
      slot?.unet.destroy();
      slot = null;
    },
  };

  /** An engine for one picture beside the run's own: an adapter of a larger rank asked for while training. */
  async function aside<T>(spec: EngineSpec, adapter: LoadedAdapter | null, work: (unet: UNetEngine) => Promise<T>) {
    const { unet } = await make(spec);
    try {
      if (adapter) unet.writeLora(fitAdapter(adapter, spec, unet.modules));
      return await work(unet);
    } finally {
      unet.destroy();
    }
  }
}
