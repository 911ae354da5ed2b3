// Safetensors headers in the ways that files are damaged or lie: functions at random that change a draft of one before it is written.
import fc from 'fast-check';
import type { FileDType } from '../../src/files/dtypes.ts';

/** A header before it is written: any value may stand for a tensor, and a name may come twice. */
export interface Draft {
  entries: [name: string, tensor: unknown][];
  dataBytes: number;
  headerBytes: bigint | null; // what is claimed; null: the truth
  text: (header: string) => string;
  cutTo: number; // share of the file that is there
}
export interface Plain {
  dtype: FileDType;
  shape: number[];
  data_offsets: [number, number];
}

type Damage = (draft: Draft) => void;
const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
export const odd = fc.constantFrom<unknown>(
  -1,
  0.5,
  2 ** 40,
  Number.MAX_SAFE_INTEGER,
  1e300,
  null,
  'x',
  [],
  {},
  true,
  0,
  1,
);
/** A change to some tensor's entry, given where it stands. */
const onOne = (change: fc.Arbitrary<(tensor: Plain, draft: Draft, i: number) => void>): fc.Arbitrary<Damage> =>
  fc.tuple(share, change).map(([at, apply]) => (d) => {
    const i = Math.floor(at * d.entries.length);
    const tensor = d.entries[i]?.[1];
    if (isPlain(tensor)) apply(tensor, d, i);
  });
const isPlain = (tensor: unknown): tensor is Plain =>
  typeof tensor === 'object' && tensor !== null && Array.isArray((tensor as Plain).shape);

const prefixes = [
  'model.',
  'state_dict.',
  'module.',
  'x.',
  'model.diffusion_model.',
  'first_stage_model.',
  'unet.',
  '',
];
const strangeNames = [
  '__proto__',
  'constructor',
  '',
  'conditioner.embedders.0.x',
  'lora_unet_x.lora_up.weight',
  'model.diffusion_model.input_blocks.999999999.0.in_layers.0.weight',
  'model.diffusion_model.input_blocks.1.0.op.weight',
  'model.diffusion_model.output_blocks.01.0.in_layers.0.weight',
  'first_stage_model.encoder.down.99999999.block.0.conv1.weight',
  'cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight',
  'state_dict.model.diffusion_model.out.2.weight',
];

const damage: fc.Arbitrary<Damage> = fc.oneof(
  share.map(
    (to): Damage =>
      (d) => {
        d.cutTo = to;
      },
  ),
  fc.nat(64).map(
    (n): Damage =>
      (d) => {
        d.dataBytes += n;
      },
  ),
  fc.nat(4096).map(
    (n): Damage =>
      (d) => {
        d.dataBytes = Math.max(0, d.dataBytes - n);
      },
  ),
  fc.bigInt(0n, 2n ** 64n - 1n).map(
    (n): Damage =>
      (d) => {
        d.headerBytes = n;
      },
  ),
  fc.nat(200_000).map(
    (n): Damage =>
      (d) => {
        d.headerBytes = BigInt(n);
      },
  ),
  fc.tuple(share, fc.nat(40)).map(
    ([at, n]): Damage =>
      (d) =>
        void d.entries.splice(Math.floor(at * d.entries.length), n),
  ),
  fc.tuple(share, share).map(
    ([a, b]): Damage =>
      (d) => {
        const from = d.entries[Math.floor(a * d.entries.length)];
        const to = d.entries[Math.floor(b * d.entries.length)];
        if (from && to) to[0] = from[0]; // a name twice
      },
  ),
  fc.tuple(share, fc.constantFrom(...strangeNames)).map(
    ([at, name]): Damage =>
      (d) => {
        const entry = d.entries[Math.floor(at * d.entries.length)];
        if (entry) entry[0] = name;
      },
  ),
  fc.constantFrom(...strangeNames).map(
    (name): Damage =>
      (d) => {
        d.entries.push([name, { dtype: 'F16', shape: [0], data_offsets: [d.dataBytes, d.dataBytes] }]);
      },
  ),
  fc.constantFrom(...prefixes).map(
    (prefix): Damage =>
      (d) =>
        d.entries.forEach((entry) => {
          entry[0] = prefix + entry[0];
        }),
  ),
  fc.constantFrom(...prefixes).map(
    (prefix): Damage =>
      (d) =>
        d.entries.forEach((entry) => {
          entry[0] = entry[0].replace(/^[^.]+\./, prefix);
        }),
  ),
  onOne(
    fc.tuple(fc.nat(4), odd).map(([dim, value]) => (t) => {
      t.shape[dim] = value as number;
    }),
  ),
  onOne(fc.constant((t) => void t.shape.reverse())),
  onOne(
    fc
      .constantFrom<unknown>('F32', 'F16', 'BF16', 'F64', 'I64', 'F8_E4M3', 'F128', 'toString', 7)
      .map((dtype) => (t) => {
        t.dtype = dtype as FileDType;
      }),
  ),
  onOne(
    fc.tuple(fc.nat(1), odd).map(([end, value]) => (t) => {
      t.data_offsets[end] = value as number;
    }),
  ),
  onOne(
    fc.integer({ min: -64, max: 64 }).map((n) => (t) => {
      t.data_offsets[0] += n;
      t.data_offsets[1] += n;
    }),
  ),
  onOne(
    fc.integer({ min: -64, max: 64 }).map((n) => (t) => {
      t.data_offsets[1] += n;
    }),
  ),
  onOne(
    fc.tuple(share).map(([at]) => (t, d) => {
      const other = d.entries[Math.floor(at * d.entries.length)]?.[1];
      if (isPlain(other)) t.data_offsets = [...other.data_offsets]; // two on one place
    }),
  ),
  onOne(
    fc.json({ maxDepth: 3 }).map((json) => (_, d, i) => {
      (d.entries[i] as [string, unknown])[1] = JSON.parse(json);
    }),
  ),
  fc.json({ maxDepth: 2 }).map(
    (json): Damage =>
      (d) =>
        void d.entries.push(['__metadata__', JSON.parse(json)]),
  ),
  fc
    .dictionary(fc.constantFrom('modelspec.architecture', 'modelspec.prediction_type', 'x'), fc.string(), {
      maxKeys: 2,
    })
    .map(
      (m): Damage =>
        (d) =>
          void d.entries.push(['__metadata__', m]),
    ),
  fc.tuple(share, fc.string({ maxLength: 3 })).map(
    ([at, s]): Damage =>
      (d) => {
        d.text = (json) =>
          json.slice(0, Math.floor(at * json.length)) + s + json.slice(Math.floor(at * json.length) + s.length);
      },
  ),
  fc.tuple(share, share).map(
    ([a, b]): Damage =>
      (d) => {
        d.text = (json) => json.slice(0, Math.floor(a * json.length)) + json.slice(Math.floor(b * json.length));
      },
  ),
  // Whatever a header holds has to be read; what it says must not be believed.
  fc.constantFrom(1000, 4000).map(
    (n): Damage =>
      (d) => {
        const empty = { dtype: 'F16', shape: [0], data_offsets: [0, 0] };
        for (let i = 0; i < n; i++) d.entries.unshift([`junk.${i}`, empty]);
      },
  ),
  fc.constantFrom(100, 100_000).map(
    (n): Damage =>
      (d) => {
        d.text = (json) => `${json.slice(0, -1)},"deep":${'['.repeat(n)}${']'.repeat(n)}}`;
      },
  ),
  fc.constant((d: Draft) => {
    d.text = (json) => json + ' '.repeat(300_000);
  }),
);

/** Nothing, now and then; else one to three at once. */
export const damages = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Damage[]>([]) },
  { weight: 30, arbitrary: fc.array(damage, { minLength: 1, maxLength: 3 }) },
);
