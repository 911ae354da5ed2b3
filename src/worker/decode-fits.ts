// A picture's engine and the decoder beside it in; the bytes of both together, and what would fit where the decoder found no memory, out.
import type { Programs } from '../plan/programs.ts';
import { Trouble } from '../trouble.ts';
import type { EngineSpec } from './engine-room.ts';
import type { ModelSession } from './model-session.ts';
import { type PlannedFor, planOf } from './unet-engines.ts';
import type { VaeRoom } from './vae-room.ts';
import { whatFits } from './what-fits.ts';

type Model = Pick<ModelSession, 'unet' | 'canvas'>;
type Planned = Pick<Programs, 'bytes' | 'slabBytes'>;

/** GPU bytes of an engine as planned and, in its arena and beside it, a decoder. */
export const bytesWithDecoder = (vae: VaeRoom, { bytes, slabBytes }: Planned, size: number, card: PlannedFor): number =>
  bytes.total + vae.needs('decode', size, card, slabBytes);

/** The same trouble, but where memory was short it counts the engine too and says which settings need no more than there was. */
export function judgedDecode(error: unknown, model: Model, spec: EngineSpec, card: PlannedFor): unknown {
  if (!(error instanceof Trouble && error.code === 'out-of-memory')) return error;
  const { gotBytes: ofDecoder } = (error as Trouble<'out-of-memory'>).facts;
  const bytesOf = (other: EngineSpec): number =>
    bytesWithDecoder(model.canvas.vae, planOf(model.unet, other, card).built, other.size, card);
  const gotBytes = planOf(model.unet, spec, card).gpuBytes.total + ofDecoder;
  const fits = whatFits(spec, model.unet.sizes, gotBytes, bytesOf);
  return new Trouble('out-of-memory', { neededBytes: bytesOf(spec), gotBytes, fits });
}
