// Samplers as programs that draw call them.
import type { Sampler } from '../../worker/api.ts';

export const samplerNames: Record<Sampler, string> = {
  'dpm++2m': 'DPM++ 2M',
  'dpm++2m-karras': 'DPM++ 2M Karras',
  euler: 'Euler',
  'euler-a': 'Euler ancestral',
  ddim: 'DDIM',
  pndm: 'PNDM',
};
