// npm run isa: what AMD's compiler makes of the kernels of SD 1.5's training step, without a card: registers, waves, and the inner loops' instructions.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Kernel, readKernels } from './isa/read-kernels.ts';

const HELP = `npm run isa -- [--card NAVI21] [--config FILE] [--activations f16|f32] [--least GFLOP]

Compiles every kernel of a 512 px training step with Mesa's AMD driver for a card that is not there, and prints what came out.
  --card NAME             NAVI21 (RDNA 2, default), NAVI31 (RDNA 3), NAVI10, VEGA10, POLARIS10 …
  --config FILE           a diffusers unet/config.json (default: Stable Diffusion 1.5's)
  --activations f16|f32   how activations are stored (default f16)
  --least GFLOP           only kernels that do as much of a step (default 20)
It needs Debian's mesa-vulkan-drivers and mesa-drm-shim of the same version (bookworm-backports), which stands in for the card's
device; DARKROOM_DRM_SHIM=FILE says where the shim is, if not where Debian puts it.`;

const SHIM = process.env.DARKROOM_DRM_SHIM ?? '/usr/lib/x86_64-linux-gnu/libamdgpu_noop_drm_shim.so';
const DRIVER = '/usr/share/vulkan/icd.d/radeon_icd.json';

/** Every kernel with the driver's figures. @throws Error with the compiler's last words when it did not finish. */
export function compiled(card: string, config: string, activations: string, least: number): Kernel[] {
  for (const file of [SHIM, DRIVER])
    if (!existsSync(file))
      throw new Error(`${file} is not here: install mesa-vulkan-drivers and mesa-drm-shim (npm run isa -- --help)`);
  const script = resolve(import.meta.dirname, 'isa/compile.ts');
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-isa-'));
  try {
    const file = join(folder, 'stderr'); // a pipe would not keep our markers and the driver's words in order
    const out = openSync(file, 'w');
    const { status } = spawnSync('node', ['tools/run.mjs', script, '--', config, activations, String(least)], {
      stdio: ['ignore', 'inherit', out],
      env: {
        ...process.env,
        LD_PRELOAD: SHIM,
        AMDGPU_GPU_ID: card,
        DARKROOM_ICD: DRIVER,
        XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? folder,
        RADV_DEBUG: 'shaders,shaderstats,nocache',
      },
    });
    closeSync(out);
    const text = readFileSync(file, 'utf8');
    if (status !== 0) throw new Error(`the compiler ended with ${status}: ${text.slice(-2000)}`);
    return readKernels(text);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function main(args: string[]): number {
  const { values } = parseArgs({
    args,
    options: {
      card: { type: 'string', default: 'NAVI21' },
      config: { type: 'string', default: 'test/golden/configs/sd15-unet.json' },
      activations: { type: 'string', default: 'f16' },
      least: { type: 'string', default: '20' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const kernels = compiled(values.card, values.config, values.activations, Number(values.least));
  for (const k of kernels.sort((a, b) => b.gflops - a.gflops)) console.log(row(k));
  console.log(
    `${kernels.length} kernels for ${values.card}: ${sum(kernels, 'spills')} spilled registers, at least ${Math.min(...kernels.map((k) => k.waves))} waves a SIMD`,
  );
  return 0;
}

const sum = (kernels: Kernel[], of: 'spills'): number => kernels.reduce((all, k) => all + k[of], 0);

function row({ name, gflops, dispatches, registers, waves, workgroupBytes, spills, loop }: Kernel): string {
  const kernel = `${gflops.toFixed(1).padStart(7)} GFLOP ${String(dispatches).padStart(4)} × ${name.padEnd(36)} registers ${registers} waves ${waves} LDS ${workgroupBytes} spills ${spills}`;
  if (!loop) return kernel;
  const { multiplyAdds, instructions, sharedLoads, sharedStores, loads } = loop;
  const each = (instructions / multiplyAdds).toFixed(2);
  return `${kernel} | loop: ${multiplyAdds} multiply-adds, ${each} instructions each, ${(multiplyAdds / Math.max(1, sharedLoads)).toFixed(1)} a load from LDS, ${sharedStores} stores, ${loads} loads from storage`;
}
