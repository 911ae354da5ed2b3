// Random checkpoints for the fuzz test: whole ones, damaged ones (damage.ts), folders with odd configs, and bytes of any kind.
import fc from 'fast-check';
import type { GivenFile } from '../../src/files/checkpoint/folder.ts';
import { bytesPerElement, type FileDType } from '../../src/files/dtypes.ts';
import { FILE_NAMES } from './checkpoint-folder.ts';
import { type Draft, damages, odd, type Plain } from './damage.ts';
import { COMPONENTS, count, ldmGolden } from './ldm-golden.ts';

const golden = ldmGolden('narrow-sd1');
const zeros = new Blob([new Uint8Array(2 ** 24)]); // shared: a slice of it costs nothing

function draft(tensors: Iterable<readonly [string, { dtype: FileDType; shape: number[] }]>): Draft {
  let at = 0;
  const entries = [...tensors].map(([name, { dtype, shape }]): [string, Plain] => {
    const begin = at;
    at += count(shape) * bytesPerElement[dtype];
    return [name, { dtype, shape: [...shape], data_offsets: [begin, at] }];
  });
  return { entries, dataBytes: at, headerBytes: null, text: (header) => header, cutTo: 1 };
}

const ldm = [...golden.ldm].filter(([key]) => !key.startsWith('model_ema.'));
const twinsOnly = [...golden.ldm].filter(([key]) => !key.startsWith('model.diffusion_model.'));
const component = (which: (typeof COMPONENTS)[number], dtype: FileDType) =>
  [...golden.made[which]].map(([key, { shape }]) => [key, { dtype, shape }] as const);

export function write({ entries, dataBytes, headerBytes, text, cutTo }: Draft): Blob {
  const json = `{${entries.map(([name, tensor]) => `${JSON.stringify(name)}:${JSON.stringify(tensor)}`).join(',')}}`;
  const header = new TextEncoder().encode(text(json));
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, headerBytes ?? BigInt(header.length), true);
  const whole = new Blob([length, header, zeros.slice(0, Math.floor(dataBytes))]);
  return cutTo === 1 ? whole : whole.slice(0, Math.floor(whole.size * cutTo));
}

const damaged = (base: () => Draft) =>
  damages.map((all) => {
    const d = base();
    for (const apply of all) apply(d);
    return write(d);
  });

const one = (blob: fc.Arbitrary<Blob>): fc.Arbitrary<GivenFile[]> =>
  blob.map((file) => [{ path: 'x.safetensors', file }]);
const single = one(fc.constantFrom(ldm, ldm, twinsOnly).chain((tensors) => damaged(() => draft(tensors))));

const magic = fc.constantFrom(
  [],
  [0x50, 0x4b, 3, 4],
  [0x80, 2, 0x8a],
  [0x47, 0x47, 0x55, 0x46],
  [0x3c, 0x68, 0x74],
  [2, 0, 0, 0, 0, 0, 0, 0, 0x7b],
);
const anyBytes = one(
  fc
    .tuple(magic, fc.uint8Array({ maxLength: 200 }))
    .map(([head, rest]) => new Blob([Uint8Array.from([...head, ...rest])])),
);
const anyHeader = one(
  fc
    .tuple(fc.oneof(fc.json({ maxDepth: 4 }), fc.string({ maxLength: 200 })), fc.nat(64))
    .map(([header, dataBytes]) => write({ entries: [], dataBytes, headerBytes: null, text: () => header, cutTo: 1 })),
);

const configs = [
  'unet/config.json',
  'vae/config.json',
  'text_encoder/config.json',
  'scheduler/scheduler_config.json',
  'tokenizer/tokenizer_config.json',
  'tokenizer/special_tokens_map.json',
  'model_index.json',
];
const keys = fc.constantFrom(
  'block_out_channels',
  'layers_per_block',
  'attention_head_dim',
  'norm_num_groups',
  'down_block_types',
  'sample_size',
  'scaling_factor',
  'latent_channels',
  'num_hidden_layers',
  'hidden_size',
  'hidden_act',
  'prediction_type',
  'trained_betas',
  'pad_token',
  '__proto__',
  'x',
);
const config = fc.oneof(
  fc
    .dictionary(
      keys,
      fc.oneof(
        odd,
        fc.json({ maxDepth: 3 }).map((j) => JSON.parse(j)),
        fc.constantFrom(1e9, [1e9, 1e9], [32, 32, 64], 8, 'gelu'),
      ),
      { maxKeys: 3 },
    )
    .map((v) => JSON.stringify(v)),
  fc.json({ maxDepth: 3 }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom(40, 50_000).map((n) => `{"trained_betas":${'['.repeat(n)}1${']'.repeat(n)}}`),
);
const paths = fc.constantFrom('', 'm/', 'a\\b\\', '../', '/', 'unet/');
const folder: fc.Arbitrary<GivenFile[]> = fc
  .record({
    top: paths,
    parts: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()).chain((clean) =>
      fc.tuple(
        ...COMPONENTS.map((which, i) => {
          const base = () => draft(component(which, 'F16'));
          return clean[i] ? fc.constant(write(base())) : damaged(base);
        }),
      ),
    ),
    gone: fc.nat(12),
    configs: fc.array(fc.tuple(fc.constantFrom(...configs), config), { maxLength: 2 }),
  })
  .map(({ top, parts, gone, configs: own }) => [
    ...COMPONENTS.flatMap((which, i) =>
      gone === i ? [] : [{ path: top + FILE_NAMES[which], file: parts[i] as Blob }],
    ),
    ...own.map(([path, text]) => ({ path: top + path, file: new Blob([text]) })),
  ]);

/** What a user might drop: half of it is checkpoints with something wrong, the rest anything at all. */
export const strangeCheckpoint: fc.Arbitrary<GivenFile[]> = fc.oneof(
  { weight: 3, arbitrary: single },
  { weight: 2, arbitrary: folder },
  { weight: 2, arbitrary: anyBytes },
  { weight: 3, arbitrary: anyHeader },
);
