// test/golden/checkpoint/<name>.json in; its tensors as diffusers' converter named them, and for the narrow ones their data, made again, out.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileDType } from '../../src/files/dtypes.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/files/safetensors.ts';

export const COMPONENTS = ['unet', 'vae', 'text_encoder'] as const;
export type GoldenComponent = (typeof COMPONENTS)[number];
/** Full-size: shape, LDM key and third of it. Narrow: sha256 (32 digits) of the f16 bytes before these. */
type Row = [shape: number[], source: string, part?: number];

export interface LdmGolden {
  unetConfig: Record<string, unknown>;
  ldm: Map<string, { dtype: FileDType; shape: number[]; index: number }>;
  made: Record<GoldenComponent, Map<string, { sha: string; shape: number[]; source: string; part: number | null }>>;
  ema: Map<string, string>;
}

export function ldmGolden(name: string): LdmGolden {
  const path = join(import.meta.dirname, '../golden/checkpoint', `${name}.json`);
  const json = JSON.parse(readFileSync(path, 'utf8'));
  const ldm = Object.entries(json.ldm as Record<string, [FileDType, number[]]>);
  const made = (component: GoldenComponent) =>
    new Map(
      Object.entries(json[component] as Record<string, [string, ...Row] | Row>).map(([key, row]) => {
        const sha = typeof row[0] === 'string' ? row[0] : '';
        const [shape, source, part = null] = (sha ? row.slice(1) : row) as Row;
        return [key, { sha, shape, source, part }];
      }),
    );
  return {
    unetConfig: json.unet_config,
    ldm: new Map(ldm.map(([key, [dtype, shape]], index) => [key, { dtype, shape, index }])),
    made: { unet: made('unet'), vae: made('vae'), text_encoder: made('text_encoder') },
    ema: new Map(Object.entries(json.ema)),
  };
}

export const count = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

const made = new Map<string, Uint8Array<ArrayBuffer>>();

/** As `bits` and `values` in tools/goldens/checkpoint.py; not to be written to. */
export function goldenData(index: number, shape: readonly number[], dtype: FileDType): Uint8Array<ArrayBuffer> {
  const key = `${index} ${shape} ${dtype}`;
  const known = made.get(key) ?? newData(index, shape, dtype);
  made.set(key, known);
  return known;
}

function newData(index: number, shape: readonly number[], dtype: FileDType): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(count(shape));
  for (let i = 0; i < words.length; i++) {
    let h = (Math.imul(i, 0x9e3779b1) + Math.imul(index, 0x85ebca77)) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    const exponent = 97 + (((h >>> 23) & 0xff) % 48);
    const mantissa = h & 3 ? h & 0x7fffff : (h & 0x7fe000) | 0x1000;
    words[i] = (h & 0x80000000) | (exponent << 23) | mantissa;
  }
  if (dtype === 'F32') return new Uint8Array(words.buffer);
  const upper = Uint16Array.from(words, (w) => w >>> 16);
  if (dtype === 'BF16') return new Uint8Array(upper.buffer);
  return new Uint8Array(upper.map((u) => ((u & 0x7c00) === 0x7c00 ? u & 0xbfff : u)).buffer);
}

/** Some tensors of a golden, under other names perhaps, as a safetensors file. */
export function goldenFile(golden: LdmGolden, keys: Iterable<string>, rename = (key: string) => key): Blob {
  const tensors = [...keys].map((key): TensorToWrite => {
    const { dtype, shape, index } = golden.ldm.get(key)!;
    return { name: rename(key), dtype, shape, data: goldenData(index, shape, dtype) };
  });
  return new Blob([writeSafetensors(tensors)]);
}
