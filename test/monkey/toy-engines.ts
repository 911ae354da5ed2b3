// In the place of worker/unet-engines.ts in the monkey's build: a model's files in; engines of the same manners whose steps take milliseconds out.
// Everything around them — page, worker, encoders, storage — is the real one.
import type {
  LoraModule,
  LoraWeights,
  MicroStep,
  StepReport,
  TrainingState,
  UNetEngine,
} from '../../src/gpu/engine-types.ts';
import type { EngineSpec } from '../../src/worker/engine-room.ts';
import { DEFAULT_LIMITS, modulesOf, planOf, type UNetEngines, type UNetFiles } from '../../src/worker/unet-engines.ts';
import type { VaeRoom } from '../../src/worker/vae-room.ts';

export * from '../../src/worker/unet-engines.ts'; // but for what is of the same name here

const STEP_MS = 25;
const PREDICT_MS = 5;
/** Every so many steps of this worker its card is lost, as a laptop's is that wakes up. */
const LOST_EVERY = 61;
let stepsEver = 0;

export const unetEngines = (files: UNetFiles): UNetEngines => ({
  build: async (spec) => toyEngine(modulesOf(files, spec.targets), spec, planOf(files, spec, DEFAULT_LIMITS)),
  vae: ({ config }) => toyVae(config.scalingFactor),
  close() {},
});

/** Colours for numbers and back, an eighth of the size. */
function toyVae(scalingFactor: number): VaeRoom {
  const nap = () => new Promise((wake) => setTimeout(wake, PREDICT_MS));
  return {
    ...{ scalingFactor, downscale: 8, rest: nap as () => Promise<never>, decodeMs: async () => 1 },
    needs: () => 0,
    async encode(pixels, size) {
      await nap();
      const mean = Float32Array.from({ length: 4 * (size / 8) ** 2 }, (_, i) => pixels[i] as number);
      return { mean, logVariance: new Float32Array(mean.length).fill(-2) };
    },
    async decode(latents, size) {
      await nap();
      const pixels = Float32Array.from({ length: 3 * size ** 2 }, (_, i) => latents[i % latents.length] as number);
      return { pixels, again: false };
    },
  };
}

/** The same arithmetic whatever was asked between two steps: a number of the adapter moves by a hash of its place and the step. */
function toyEngine(
  modules: readonly LoraModule[],
  { rank, training }: EngineSpec,
  { gpuBytes, flopsPerStep }: Pick<ReturnType<typeof planOf>, 'gpuBytes' | 'flopsPerStep'>,
): UNetEngine {
  const values = modules.reduce((sum, { inFeatures, outFeatures }) => sum + rank * (inFeatures + outFeatures), 0);
  let lora = new Float32Array(values);
  let count = 0;
  let lose: (info: GPUDeviceLostInfo) => void = () => {};
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    lose = resolve;
  });
  let queue: Promise<unknown> = Promise.resolve();
  const queued = <T>(ms: number, work: () => T): Promise<T> => {
    const answer = queue.then(() => new Promise((wake) => setTimeout(wake, ms))).then(work);
    queue = answer.catch(() => {});
    return answer;
  };
  const loss = ({ timestep }: MicroStep, at: number) => (0.2 + timestep / 2000) * (0.4 + 0.6 * Math.exp(-at / 20));
  const step = (micro: readonly MicroStep[]): StepReport => {
    if (++stepsEver % LOST_EVERY === 0) {
      lose({ reason: 'unknown', message: 'the toy card was reset' } as GPUDeviceLostInfo);
      throw new Error('the device is lost');
    }
    for (let i = 0; i < values; i++) lora[i] = (lora[i] as number) + 1e-3 * Math.sin(i * 12.9898 + count);
    count += 1;
    const mean = micro.reduce((sum, one) => sum + loss(one, count), 0) / micro.length;
    return { step: count, loss: mean, gradientNorm: 1, learningRate: training?.learningRate ?? 0, skipped: false };
  };
  return {
    modules,
    gpuBytes,
    flopsPerStep,
    dispatchesPerStep: 1,
    lost,
    lend: (work) => work({ device: {} as GPUDevice, slabs: [] }),
    predict: ({ sample }) =>
      queued(PREDICT_MS, () => sample.map((x, i) => 0.9 * x + 0.01 * (lora[i % values] as number))),
    evaluate: (micro) => queued(1, () => loss(micro, count)),
    step: (micro) => queued(STEP_MS, () => step(micro)),
    readLora: () => queued(0, () => unflatten(lora, modules, rank)),
    writeLora(weights) {
      void queued(0, () => {
        lora = flatten(weights, modules);
        count = 0;
      });
    },
    readState: () =>
      queued<TrainingState>(0, () => ({
        lora: lora.slice(),
        firstMoment: new Float32Array(values),
        secondMoment: new Float32Array(values),
        stepState: Float32Array.of(count),
      })),
    writeState(state) {
      void queued(0, () => {
        lora = state.lora.slice() as Float32Array<ArrayBuffer>;
        count = state.stepState[0] ?? 0;
      });
    },
    destroy() {},
  };
}

const flatten = (weights: LoraWeights, modules: readonly LoraModule[]): Float32Array<ArrayBuffer> =>
  Float32Array.from(
    modules.flatMap(({ name }) => [...(weights.get(name)?.down ?? []), ...(weights.get(name)?.up ?? [])]),
  );

function unflatten(flat: Float32Array, modules: readonly LoraModule[], rank: number): LoraWeights {
  let at = 0;
  const take = (length: number): Float32Array => {
    at += length;
    return flat.slice(at - length, at);
  };
  return new Map(
    modules.map(({ name, inFeatures, outFeatures }) => [
      name,
      { down: take(rank * inFeatures), up: take(outFeatures * rank) },
    ]),
  );
}
