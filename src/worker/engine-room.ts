// The GPU's one U-Net: what a run or a picture needs in, an engine that has it out. Only one engine is kept, since each holds the whole model.
import { fitAdapter } from '../adapter/fit.ts';
import type { EngineMade, LoraWeights, UNetEngine, WeightStorage } from '../gpu/engine-types.ts';
import { TEXT_TOKENS } from '../model/graphs.ts';
import { ATTENTION_TARGETS, isTarget, LINEAR_TARGETS, LOCON_TARGETS } from '../model/lora.ts';
import { noticingLoss } from '../training/recover.ts';
import type { Targets, TrainingSettings } from '../training/settings.ts';
import type { Lend } from './vae-room.ts';

/** What an engine is built for. Rank and alpha say how its LoRA weights count: alpha / rank · up · down. */
export interface EngineSpec {
  rank: number;
  alpha: number;
  size: number; // px, square
  weights: WeightStorage;
  textTokens?: number; // of the prompts of pictures; 77 where nothing is said
  training: TrainingSettings | null; // null = only pictures
  /** The engine of this run in an earlier visit: on the same card it gets that one's kernels. */
  like?: EngineMade;
  /** Modules that it adapts; absent: the attention's projections. */
  targets?: readonly string[];
}
/** Weights of an adapter, with the rank and alpha they were trained with. `key` tells whether an engine carries them already. */
export interface LoadedAdapter {
  key: string;
  rank: number;
  alpha: number;
  weights: LoraWeights;
}
export type PictureSpec = Pick<EngineSpec, 'size' | 'weights' | 'textTokens'>;
export type BuildEngine = (spec: EngineSpec) => Promise<UNetEngine>;

const DRAWING_RANK = 4; // where no adapter asks for more

export interface EngineRoom {
  /** A new engine for a run, in place of whatever was there; `like`: what it had in an earlier visit. */
  forTraining(settings: TrainingSettings, like?: EngineMade): Promise<UNetEngine>;
  /** The run has ended: its engine may be reused for pictures. */
  trainingEnded(): void;
  /** Runs `work` on a new engine for a run with these settings that never comes: it is gone afterwards. Not while a run goes on. */
  trial<T>(settings: TrainingSettings, work: (unet: UNetEngine) => Promise<T>): Promise<T>;
  /**
   * Runs `work` on an engine that carries `adapter` (any engine where null). A run's engine is left exactly as it was. While a run goes on,
   * its weights serve for pictures too, however it keeps them: there is room for one copy. `work` hears which they were.
   */
  draw<T>(
    adapter: LoadedAdapter | null,
    picture: PictureSpec,
    work: (unet: UNetEngine, weights: WeightStorage) => Promise<T>,
  ): Promise<T>;
  /** Runs `work` with the memory of the engine that is there, if there is one. */
  lend: Lend;
  close(): void;
}

interface Slot {
  unet: UNetEngine;
  spec: EngineSpec;
  carries: string | null;
}

/** Modules that a run trains, by the ends of their names. */
export const namesOf: Readonly<Record<Targets, readonly string[]>> = {
  attention: ATTENTION_TARGETS,
  linears: LINEAR_TARGETS,
  locon: LOCON_TARGETS,
};
/** The same, as a spec has them. */
export const targetsOf = ({ targets }: Pick<TrainingSettings, 'targets'>): Pick<EngineSpec, 'targets'> =>
  targets === 'attention' ? {} : { targets: namesOf[targets] };

/** The engine of a run with these settings. */
export const runSpec = (settings: TrainingSettings): EngineSpec => ({
  rank: settings.rank,
  alpha: settings.alpha,
  size: settings.resolution,
  weights: settings.weights,
  training: settings,
  ...targetsOf(settings),
});
/** The engine of a picture, adapter of `rank` included. */
export const pictureSpec = (
  { size, weights, textTokens = TEXT_TOKENS }: PictureSpec,
  rank = DRAWING_RANK,
): EngineSpec => ({
  ...{ rank, alpha: rank },
  ...{ size, weights, textTokens, training: null },
});
const carrierSpec = (picture: PictureSpec, adapter: LoadedAdapter | null): EngineSpec => {
  const names = [...(adapter?.weights.keys() ?? [])];
  const usual = names.every((name) => isTarget(ATTENTION_TARGETS, name));
  return { ...pictureSpec(picture, adapter?.rank), ...(!usual && { targets: names }) };
};

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
    async forTraining(settings, like) {
      running = true;
      return (await replace({ ...runSpec(settings), ...(like && { like }) })).unet;
    },
    trainingEnded() {
      running = false;
      if (slot) slot.carries = null; // whatever step it ended at
    },
    async trial(settings, work) {
      const { unet } = await replace(runSpec(settings));
      try {
        return await work(unet);
      } finally {
        slot = null;
        unet.destroy();
      }
    },
    async draw(adapter, picture, work) {
      const spec = carrierSpec(picture, adapter);
      if (!running) {
        const here = slot && serves(slot.spec, spec, adapter) ? slot : await replace(spec);
        if (adapter && here.carries !== adapter.key) {
          here.unet.writeLora(fitAdapter(adapter, here.spec, here.unet.modules));
          here.carries = adapter.key;
        }
        return work(here.unet, spec.weights);
      }
      const weights = slot?.spec.weights ?? spec.weights;
      const shared = { ...spec, weights };
      if (!slot || !serves(slot.spec, shared, adapter)) return aside(shared, adapter, (unet) => work(unet, weights));
      if (!adapter) return work(slot.unet, weights);
      const { unet } = slot;
      const state = await unet.readState();
      unet.writeLora(fitAdapter(adapter, slot.spec, unet.modules));
      try {
        return await work(unet, weights);
      } finally {
        unet.writeState(state);
      }
    },
    lend: (work) => (slot ? slot.unet.lend(work) : work(null)),
    close() {
      slot?.unet.destroy();
      slot = null;
    },
  };

  /** An engine for one picture beside the run's own: another size or an adapter of a larger rank asked for while training. */
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

/** Can an engine made for `here` draw what is asked? */
const serves = (here: EngineSpec, asked: EngineSpec, adapter: LoadedAdapter | null): boolean =>
  here.size === asked.size &&
  (here.textTokens ?? TEXT_TOKENS) === asked.textTokens &&
  here.weights === asked.weights &&
  (!adapter || here.rank >= adapter.rank) &&
  [...(adapter?.weights.keys() ?? [])].every((name) => isTarget(here.targets ?? ATTENTION_TARGETS, name));
