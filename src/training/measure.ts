// How long a step takes: an engine made for a run and its settings in, ten steps on noise, ms per step out. Nothing is learned from it.
import { normals, uniformInts } from '../diffusion/random.ts';
import type { MicroStep, StepReport, UNetEngine } from '../gpu/engine-types.ts';
import { type Passes, passesOf } from './settings.ts';

const STEPS = 10;
const WARM_UP = 2; // the first ones load kernels and find out how long a submit may be

export interface Measured {
  unet: Pick<UNetEngine, 'step'>;
  settings: Passes;
  latentValues: number; // 4 · h · w
  textValues: number; // 77 · d
}

/** Mean over the steps after the warm-up, two in flight as in a run. Rejects with the signal's reason, the step under way given up. */
export async function measureSteps(
  signal: AbortSignal,
  { unet, settings, latentValues, textValues }: Measured,
  onStep: (done: number, total: number) => void,
  now: () => number = () => performance.now(),
): Promise<number> {
  const micro = (step: number): MicroStep[] =>
    Array.from({ length: passesOf(settings) }, (_, sample) => {
      const stream = { seed: 0, step, sample };
      const noise = normals({ ...stream, purpose: 'noise' }, latentValues);
      const [timestep] = uniformInts({ ...stream, purpose: 'timestep' }, 1, 1000) as [number];
      const encoderHiddenStates = normals({ ...stream, purpose: 'posterior' }, textValues);
      return { sample: noise, timestep, encoderHiddenStates, target: noise };
    });
  const flying: Promise<StepReport>[] = [];
  let begun = now();
  onStep(0, STEPS);
  for (let done = 0, started = 0; done < STEPS; ) {
    while (flying.length < 2 && started < STEPS && !signal.aborted) {
      const step = unet.step(micro(started++), signal);
      step.catch(() => {}); // awaited below; should the one before it fail first, this one is nobody's
      flying.push(step);
    }
    const oldest = flying.shift();
    if (!oldest) break;
    await oldest;
    onStep(++done, STEPS);
    if (done === WARM_UP) begun = now();
  }
  signal.throwIfAborted();
  return (now() - begun) / (STEPS - WARM_UP);
}
