// Command-line words in; what the full-size check is asked for, out.
import { parseArgs } from 'node:util';
import type { WeightStorage } from '../../src/gpu/engine-types.ts';
import type { DType } from '../../src/tensor/tensor.ts';

export const HELP = `npm run check:sd15 -- [options]

Makes a seeded random checkpoint with Stable Diffusion 1.5's names and shapes, serves it on local HTTP, loads it through the app's own loader, runs
a forward and whole training steps on Dawn, and compares noise prediction, loss and every LoRA gradient with diffusers + peft. Exits 1 past a bar.
  --layout diffusers|ldm    a folder as on the hub, fetched (default), or one LDM file, taken in as a user's checkpoint
  --weights f16|int8        how the base weights lie on the GPU (default f16); int8 is also compared with f16
  --activations f16|f32     how activations are stored (default f16)
  --size 256|512            px (default 512)
  --heavy                   Student-t weights and outlier channels: what 8 bits find hard
  --narrow                  the same build in a hundredth of the width: seconds instead of many minutes
  --kernels tiles|registers what a real GPU gets (default), or what software does fastest
  --steps N                 optimizer steps after the comparison (default 2): memory is counted to their end
  --encoders                the text encoder instead of the U-Net
  --vae                     the VAE instead of the U-Net
  --page                    on the page itself; with --steps 0 only as far as the stored model's way to the GPU
  --browser firefox|chromium  which one the page runs in (default: the faster one that is here, which is Firefox on lavapipe)
  --folder DIR              where checkpoints and references are kept (default .cache/sd15; about 4 GB at full size)
  --json FILE               what was measured`;

export interface Options {
  layout: 'diffusers' | 'ldm';
  weights: WeightStorage;
  activations: DType;
  size: number; // px
  heavy: boolean;
  narrow: boolean;
  kernels: 'tiles' | 'registers';
  steps: number;
  encoders: boolean;
  vae: boolean;
  page: boolean;
  browser: string | undefined;
  folder: string;
  json: string | undefined;
}

/** @throws Error naming the option and what it takes. */
export function readOptions(args: string[]): Options | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      layout: { type: 'string', default: 'diffusers' },
      weights: { type: 'string', default: 'f16' },
      activations: { type: 'string', default: 'f16' },
      size: { type: 'string', default: '512' },
      heavy: { type: 'boolean', default: false },
      narrow: { type: 'boolean', default: false },
      kernels: { type: 'string', default: 'tiles' },
      steps: { type: 'string', default: '2' },
      encoders: { type: 'boolean', default: false },
      vae: { type: 'boolean', default: false },
      page: { type: 'boolean', default: false },
      browser: { type: 'string' },
      folder: { type: 'string', default: '.cache/sd15' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const oneOf = <T extends string>(name: keyof typeof values, allowed: readonly T[]): T => {
    const found = allowed.find((word) => word === values[name]);
    if (!found) throw new Error(`--${name} takes ${allowed.join(' or ')}, got “${values[name]}”`);
    return found;
  };
  const { heavy, narrow, encoders, vae, page, browser, folder, json } = values;
  return {
    layout: oneOf('layout', ['diffusers', 'ldm']),
    weights: oneOf('weights', ['f16', 'int8']),
    activations: oneOf('activations', ['f16', 'f32']),
    size: Number(oneOf('size', ['256', '384', '512'])),
    kernels: oneOf('kernels', ['tiles', 'registers']),
    steps: Number(oneOf('steps', ['0', '1', '2', '3', '4'])),
    ...{ heavy, narrow, encoders, vae, page, browser, folder, json },
  };
}
