// made: what a run's engine was made of, then and now → whether its bits may be others; and the hash of its kernels.
import type { Programs } from '../plan/programs.ts';
import type { EngineMade } from './engine-types.ts';
import { pipelineKey, wgsl } from './shader.ts';

/** What may differ between two engines of one run. */
export type MadeOtherwise = 'card' | 'browser' | 'shaders';

/** Of all kernels that a step runs, in no order: how often they run, and in how many pieces, changes no bit. */
export function shadersHash({ plans }: Pick<Programs, 'plans'>): string {
  const steps = [plans.train, plans.update].flatMap((plan) => plan?.dispatches ?? []);
  const kernels = new Map(steps.map(({ launch }) => [pipelineKey(launch), launch]));
  const texts = [...kernels.values()].map(wgsl).sort().join('\n\f\n');
  return [0x811c9dc5, 0x9dc5811c].map((seed) => fnv1a(texts, seed)).join('');
}

/** FNV-1a of 32 bits (RFC 9923), in hex: making an engine must not wait for anything but the card, as a real digest would. */
function fnv1a(text: string, seed: number): string {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** What of `now` is not as it was; of an engine that nobody wrote down, nothing is known. */
export function madeOtherwise(then: EngineMade | undefined, now: EngineMade | undefined): MadeOtherwise[] {
  if (!then || !now) return [];
  return (['card', 'browser', 'shaders'] as const).filter((what) => then[what] !== now[what]);
}
