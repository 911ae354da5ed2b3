// What Compare draws: the scene that its pictures share, and its pictures kept over a reload; kept ones in, the state of the screen out.
import type { AdapterInfo, DrawRequest, Picture, Shown, ShownCell } from '../../worker/api.ts';
import { tasteOf } from '../../worker/client.ts';

/** What both pictures share. Fixed by "Make picture", so that typing draws nothing. */
export type Scene = Pick<
  DrawRequest,
  'prompt' | 'negativePrompt' | 'seed' | 'sampler' | 'steps' | 'guidance' | 'clipSkip' | 'size' | 'weights'
>;
export const keyOf = (request: DrawRequest): string => JSON.stringify(request);

/** The prompt that an adapter was trained on. */
export const sentence = (adapter: AdapterInfo | null): string =>
  adapter ? `a photo of ${adapter.identifier} ${adapter.classNoun}`.trim() + tasteOf(adapter.modelId).scene : '';

interface OnScreen {
  request(strength: number): DrawRequest | null;
  at(strength: number): Picture | null;
}
/** Each picture of these strengths that is drawn, once. */
export function shownCells(strengths: readonly number[], screen: OnScreen): ShownCell[] {
  const cells = new Map<string, ShownCell>();
  for (const strength of strengths) {
    const [request, picture] = [screen.request(strength), screen.at(strength)];
    if (request && picture) cells.set(keyOf(request), { request, picture });
  }
  return [...cells.values()];
}

/** The screen that these pictures were on, where its adapter is still here and its model is the chosen one. */
export function lastScene({ modelId, cells }: Shown, adapters: readonly AdapterInfo[], chosen: string | null) {
  const wanted = cells.find(({ request }) => request.adapterId !== null)?.request; // the one beside *without* comes first
  const adapter = adapters.find(({ adapterId }) => adapterId === wanted?.adapterId);
  if (!wanted || !adapter || modelId !== chosen) return null;
  const { adapterId: _, moment, strength, beside = [], ...scene } = wanted;
  const here = beside.filter((one) => adapters.some(({ adapterId }) => adapterId === one.adapterId));
  const { prompt, negativePrompt, seed, sampler = 'ddim', steps, guidance, clipSkip = 1 } = scene;
  return {
    pictures: cells.flatMap(({ request, picture }): [string, Picture][] =>
      picture ? [[keyOf(request), picture]] : [],
    ),
    beside: here,
    // A slow card's strip was not asked for.
    state: {
      ...{ adapter, scene, moment, strength, strip: cells.length > 2 },
      ...{ prompt, negativePrompt, seed, sampler, steps, guidance, clipSkip },
    },
  };
}
