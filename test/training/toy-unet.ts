// A toy in the U-Net's place, with the engine's manners: ten numbers, each the share of
// its inputs that is noise, learned by gradient descent with momentum. What it learns lowers every denoising loss, as a U-Net's does.
import type { MicroStep, StepReport, TrainingState, UNetEngine } from '../../src/gpu/engine-types.ts';

const VALUES = 10;

export interface ToyOptions {
  steps?: (attempt: number) => 'skip' | 'overflow' | 'nan' | 'lose' | undefined; // what shall go wrong at which call of step()
  evaluateDelayMs?: number;
}

/** ε̂ = w · x_t. In order, asynchronous, counting how many steps were in flight. */
export function toyUnet(learningRates: Float32Array, options: ToyOptions = {}) {
  let lora = new Float32Array(VALUES);
  let momentum = new Float32Array(VALUES);
  let count = 0;
  let calls = 0;
  let flying = 0;
  let most = 0;
  let lose: (info: GPUDeviceLostInfo) => void = () => {};
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    lose = resolve;
  });
  const log: string[] = [];
  let queue: Promise<unknown> = Promise.resolve();
  let dead = false;
  /** In order, each a little later, as a GPU's queue. */
  const queued = <T>(work: () => T | Promise<T>): Promise<T> => {
    const answer = queue.then(() => new Promise((r) => setTimeout(r, 0))).then(() => (dead ? never<T>() : work()));
    queue = answer.catch(() => {});
    return answer;
  };
  const error = (micro: MicroStep, i: number) =>
    (lora[i % VALUES] as number) * (micro.sample[i] as number) - (micro.target[i] as number);
  const squared = (micro: MicroStep) =>
    micro.target.reduce((sum, _, i) => sum + error(micro, i) ** 2, 0) / micro.target.length;

  const unet: UNetEngine = {
    modules: [{ name: 'toy', inFeatures: VALUES, outFeatures: 1 }],
    gpuBytes: { weights: 1, arena: 2, lora: 3, staging: 4, total: 10 },
    flopsPerStep: 5,
    dispatchesPerStep: 6,
    lost,
    lend: (work) => queued(() => work({ device: {} as GPUDevice, slabs: [] })),
    predict: ({ sample }, strength) => queued(() => sample.map((x, i) => strength * x * (lora[i % VALUES] as number))),
    evaluate: (micro) => queued(() => squared(micro)),
    step(micro) {
      const wrong = options.steps?.(calls++);
      flying += 1;
      most = Math.max(most, flying);
      return queued<StepReport>(() => {
        flying -= 1;
        if (wrong === 'lose') {
          dead = true;
          lose({ reason: 'unknown', message: 'the toy broke' } as GPUDeviceLostInfo);
          return never<StepReport>();
        }
        log.push(micro.map((m) => `${m.timestep}`).join('+'));
        const loss = micro.reduce((sum, m) => sum + squared(m), 0) / micro.length;
        if (wrong === 'skip' || wrong === 'overflow')
          return {
            step: count,
            loss: wrong === 'skip' ? loss : Number.NaN,
            gradientNorm: Number.POSITIVE_INFINITY,
            learningRate: 0,
            skipped: true,
          };
        const learningRate = learningRates[count]!;
        for (let i = 0; i < VALUES; i++) {
          const gradient = micro.reduce((sum, m) => sum + error(m, i) * m.sample[i]!, 0) / micro.length;
          momentum[i] = 0.5 * momentum[i]! + gradient;
          lora[i] = lora[i]! - learningRate * momentum[i]!;
        }
        count += 1;
        const report = { step: count, loss, gradientNorm: 1, learningRate, skipped: false };
        return wrong === 'nan' ? { ...report, loss: Number.NaN } : report;
      });
    },
    readLora: () => queued(() => new Map([['toy', { down: lora.slice(), up: lora.slice() }]])),
    writeLora(weights) {
      queued(() => {
        lora = weights.get('toy')!.down.slice() as Float32Array<ArrayBuffer>;
        momentum = new Float32Array(VALUES);
        count = 0;
      });
    },
    readState: () =>
      queued<TrainingState>(() => ({
        lora: lora.slice(),
        firstMoment: momentum.slice(),
        secondMoment: new Float32Array(VALUES),
        stepState: Float32Array.of(count),
      })),
    writeState(state) {
      queued(() => {
        lora = state.lora.slice() as Float32Array<ArrayBuffer>;
        momentum = state.firstMoment.slice() as Float32Array<ArrayBuffer>;
        count = state.stepState[0]!;
      });
    },
    destroy() {},
  };
  return { unet, log, mostInFlight: () => most, lora: () => lora };
}

const never = <T>() => new Promise<T>(() => {});
