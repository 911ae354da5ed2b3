// made: what a run's engine was made of, then and now → whether its bits may be others; and the hash of its kernels.
import type { Programs } from '../plan/programs.ts';
import type { EngineMade } from './engine-types.ts';
import { pipelineKey, wgsl } from './shader.ts';

/** What may differ between two engines of one run. */
export type MadeOtherwise = 'card' | 'browser' | 'shaders';

/** Of all kernels that a step runs, in no order: how often they run, and in how many pieces, changes no bit. */
export async function shadersHash({ plans }: Pick<Programs, 'plans'>): Promise<string> {
  const steps = [plans.train, plans.update].flatMap((plan) => plan?.dispatches ?? []);
  const kernels = new Map(steps.map(({ launch }) => [pipelineKey(launch), launch]));
  const texts = [...kernels.values()].map(wgsl).sort();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(texts.join('\n\f\n'))));
  return Array.from(hash.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What of `now` is not as it was; of an engine that nobody wrote down, nothing is known. */
export function madeOtherwise(then: EngineMade | undefined, now: EngineMade | undefined): MadeOtherwise[] {
  if (!then || !now) return [];
  return (['card', 'browser', 'shaders'] as const).filter((what) => then[what] !== now[what]);
}
