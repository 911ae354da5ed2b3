// A picture's engine and the decoder beside it in; the bytes of both together, and what would fit where the decoder found no memory, out.
import { Trouble } from '../trouble.ts';
import type { EngineSpec } from './engine-room.ts';
import type { ModelSession } from './model-session.ts';
import { type PlannedFor, planOf } from './unet-engines.ts';
import { whatFits } from './what-fits.ts';

type Model = Pick<ModelSession, 'unet' | 'canvas'>;

/** GPU bytes of an engine and, in its arena and beside it, a decoder: by plan. */
export function bytesWithDecoder({ unet, canvas }: Model, spec: EngineSpec, card: PlannedFor): number {
  const { bytes, slabBytes } = planOf(unet, spec, card).built;
  return bytes.total + canvas.vae.needs('decode', spec.size, card, slabBytes);
}

/** The same trouble, but where memory was short it counts the engine too and says which settings need no more than there was. */
export function judgedDecode(error: unknown, model: Model, spec: EngineSpec, card: PlannedFor): unknown {
  if (!(error instanceof Trouble && error.code === 'out-of-memory')) return error;
  const { gotBytes: ofDecoder } = (error as Trouble<'out-of-memory'>).facts;
  const bytesOf = (other: EngineSpec): number => bytesWithDecoder(model, other, card);
  const gotBytes = planOf(model.unet, spec, card).gpuBytes.total + ofDecoder;
  const fits = whatFits(spec, model.unet.sizes, gotBytes, bytesOf);
  return new Trouble('out-of-memory', { neededBytes: bytesOf(spec), gotBytes, fits });
}
