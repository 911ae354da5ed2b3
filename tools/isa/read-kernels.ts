// In: what Mesa's AMD driver prints for kernels behind compile.ts's markers (RADV_DEBUG=shaders,shaderstats). Out: figures of each kernel and of its inner loop.

export interface Kernel {
  name: string;
  gflops: number; // of a training step
  dispatches: number;
  registers: number; // vector registers a thread
  waves: number; // a SIMD can hold of it
  workgroupBytes: number;
  spills: number;
  /** The block with most multiply-adds; absent where there is none. With an adapter's product on top, loads from storage are in blocks of their own. */
  loop?: Loop;
}
export interface Loop {
  multiplyAdds: number;
  /** Of any kind. RDNA 3 does two multiply-adds in one, which counts as two here, so that cards compare. */
  instructions: number;
  sharedLoads: number;
  sharedStores: number;
  loads: number;
}

const NAMED = ['A_LAYOUT', 'B_LAYOUT', 'SN', 'SM', 'ROWS', 'COLS', 'QUADS', 'EXACT', 'DIRECTION', 'ENTRY'];

/** @throws Error when a kernel's figures are missing: another driver printed this. */
export function readKernels(text: string): Kernel[] {
  return text
    .split(/^@@ /m)
    .slice(1)
    .map((part) => {
      const { shader, defines, gflops, dispatches } = JSON.parse(part.slice(0, part.indexOf('\n'))) as {
        shader: string;
        defines: Record<string, unknown>;
        gflops: number;
        dispatches: number;
      };
      const name = [shader, ...NAMED.filter((n) => n in defines).map((n) => short(n, defines[n]))].join(' ');
      const figure = (key: string): number => {
        const found = new RegExp(`^${key}: (\\d+)`, 'm').exec(part)?.[1];
        if (found === undefined) throw new Error(`${name}: the driver printed no "${key}"`);
        return Number(found);
      };
      const loop = innerLoop(part);
      return {
        name,
        gflops,
        dispatches,
        registers: figure('VGPRs'),
        waves: figure('Subgroups per SIMD'),
        workgroupBytes: figure('LDS size'),
        spills: figure('Spilled VGPRs') + figure('Spilled SGPRs'),
        ...(loop && { loop }),
      };
    });
}

const short = (name: string, value: unknown): string =>
  name.endsWith('LAYOUT') || name === 'DIRECTION' || name === 'ENTRY' ? String(value) : `${name}=${value}`;

function innerLoop(part: string): Loop | undefined {
  let best: Loop | undefined;
  for (const block of part.split(/^\s*BB\d+:/m)) {
    const words = [...block.matchAll(/^\s+((?:v|s|ds|buffer|global|flat)_\S+)(.*)/gm)].map((m) => m[1] as string);
    const count = (pattern: RegExp): number => words.filter((w) => pattern.test(w)).length;
    const dual = [...block.matchAll(/v_dual_\S+.*?::\s*(v_dual_\S+)/g)].map((m) => m[1] as string);
    const multiplyAdd = /^v_(dual_)?(pk_)?fma(?!_mix)/; // RDNA 3 unpacks f16 with v_fma_mix
    const found = {
      multiplyAdds: count(multiplyAdd) + dual.filter((w) => multiplyAdd.test(w)).length,
      instructions: words.length + dual.length,
      sharedLoads: count(/^ds_(read|load)/),
      sharedStores: count(/^ds_(write|store)/),
      loads: count(/^(buffer|global)_load/),
    };
    if (found.multiplyAdds > (best?.multiplyAdds ?? 0)) best = found;
  }
  return best;
}
