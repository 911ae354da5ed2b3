// The GPU of the model test's world: a toy in the U-Net's place that learns a few numbers in virtual time, and can be lost at any moment.
import type { StepReport, TrainingState, UNetEngine } from '../../src/gpu/engine-types.ts';

export const VALUES = 4;
export const modules = [{ name: 'toy', inFeatures: VALUES, outFeatures: 1 }];
export type ModelDevice = ReturnType<typeof modelDevice>;

export interface DeviceNeeds {
  called(): void; // counts what is asked of it
  takes(ms: number): Promise<void>;
  duration(): number; // ms that the next thing takes
  skips: number; // fifths of the attempts that overflow
  learningRates: Float32Array | null; // null: only pictures
}

export const stateOf = (values: Float32Array, momentum: Float32Array, count: number): TrainingState => ({
  lora: values.slice(),
  firstMoment: momentum.slice(),
  secondMoment: new Float32Array(1),
  stepState: Float32Array.of(count),
});

/** Ends with `wait`, or as soon as the signal aborts. */
async function unlessAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  let go = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    go = resolve;
    signal.addEventListener('abort', go);
  });
  if (!signal.aborted) await Promise.race([wait, aborted]);
  signal.removeEventListener('abort', go);
}

/** Learns a few numbers, in order, each call after its time; what is asked of a lost one never answers, or fails just before the loss is told. */
export function modelDevice({ called, takes, duration, skips, learningRates }: DeviceNeeds) {
  let lora = new Float32Array(VALUES + 1);
  let momentum = new Float32Array(VALUES + 1);
  let count = 0;
  let dead: 'no' | 'silent' | 'failing' = 'no';
  let tell: (info: GPUDeviceLostInfo) => void = () => {};
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    tell = resolve;
  });
  let queue: Promise<unknown> = Promise.resolve();
  let givenUp = 0;
  const queued = <T>(ms: number, work: () => T, signal?: AbortSignal): Promise<T> => {
    called();
    const answer = queue.then(async () => {
      // Given up as long as a piece is not submitted: in the first half of its time.
      if (signal) await unlessAborted(takes(ms / 2), signal);
      if (dead === 'no' && signal?.aborted) givenUp++;
      if (dead === 'no') signal?.throwIfAborted();
      if (ms > 0) await takes(signal ? ms / 2 : ms);
      if (dead === 'failing') throw new Error('mapAsync failed');
      return dead === 'silent' ? new Promise<T>(() => {}) : work();
    });
    queue = answer.catch(() => {});
    return answer;
  };
  const unet: UNetEngine = {
    ...{ modules, lost, flopsPerStep: 1, dispatchesPerStep: 1, destroy() {} },
    lend: (work) => work({ device: {} as GPUDevice, slabs: [] }),
    gpuBytes: { weights: 0, arena: 0, lora: 0, staging: 0, total: 0 },
    predict: ({ sample }) => queued(duration(), () => sample.map((x, i) => x * (lora[i] as number))),
    evaluate: ({ sample }) => queued(duration(), () => Math.abs((lora[0] as number) * (sample[0] as number))),
    step([micro], signal) {
      return queued<StepReport>(
        duration(),
        () => {
          const skipped = (micro?.timestep as number) % 5 < skips;
          const learningRate = learningRates?.[count] ?? 0;
          for (let i = 0; i <= VALUES && !skipped; i++) {
            const x = micro?.sample[i % VALUES] as number;
            momentum[i] =
              0.5 * (momentum[i] as number) + ((lora[i] as number) * x - (micro?.target[i % VALUES] as number)) * x;
            lora[i] = (lora[i] as number) - learningRate * (momentum[i] as number);
          }
          if (!skipped) count += 1;
          return { step: count, loss: Math.abs(lora[1] as number), gradientNorm: 1, learningRate, skipped };
        },
        signal,
      );
    },
    readLora: () =>
      queued(duration(), () => new Map([['toy', { down: lora.slice(0, VALUES), up: lora.slice(VALUES) }]])),
    readState: () => queued(duration(), () => stateOf(lora, momentum, count)),
    writeLora(weights) {
      queued(0, () => {
        const { down, up } = weights.get('toy') as { down: Float32Array; up: Float32Array };
        [lora, momentum, count] = [Float32Array.of(...down, ...up), new Float32Array(VALUES + 1), 0];
      }).catch(() => {});
    },
    writeState(from) {
      queued(0, () => {
        [lora, momentum] = [Float32Array.from(from.lora), Float32Array.from(from.firstMoment)];
        count = from.stepState[0] as number;
      }).catch(() => {});
    },
  };
  return {
    unet,
    get givenUp() {
      return givenUp;
    },
    /** false: it was lost already. */
    lose(late: boolean): boolean {
      if (dead !== 'no') return false;
      dead = late ? 'failing' : 'silent';
      const info = { reason: 'unknown', message: 'the toy broke' } as GPUDeviceLostInfo;
      if (late) void takes(1).then(() => tell(info));
      else tell(info);
      return true;
    },
  };
}
