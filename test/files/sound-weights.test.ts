// Weights that are no finite f16, anywhere in what a model uses: told when the checkpoint is taken in, by tensor, kind and count; elsewhere they do no harm.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { openCheckpoint } from '../../src/files/checkpoint/checkpoint.ts';
import { bytesPerElement, type FileDType } from '../../src/files/dtypes.ts';
import { readSafetensors, type TensorToWrite, writeSafetensors } from '../../src/files/safetensors.ts';
import { checkSound } from '../../src/files/sound-weights.ts';
import { countNotFinite, fromHalf } from '../../src/tensor/half.ts';
import { bytesOf, FILE_NAMES, tensorsFile, tokenizer } from './checkpoint-folder.ts';
import { COMPONENTS, count, type GoldenComponent, ldmGolden } from './ldm-golden.ts';

vi.setConfig({ testTimeout: 60_000 });
const NAN = Uint16Array.of(0x7e00);
type Weights = { dtype: 'F16' | 'F32' | 'BF16'; values: number[] };

describe('halves', () => {
  it('what is not finite is counted wherever it lies, at odd places too', () => {
    const half = fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
      fc.constantFrom(0x7c00, 0xfc00, 0x7e00, 0x7bff),
    );
    fc.assert(
      fc.property(fc.array(half, { maxLength: 40 }), fc.nat(3), (halves, from) => {
        const words = Uint16Array.from([...new Array(from).fill(0x7c00), ...halves, 0x7c00]).subarray(from, -1);
        expect(countNotFinite(words)).toBe(halves.filter((h) => !Number.isFinite(fromHalf(h))).length);
      }),
    );
  });
  it('each of the 65,536 is judged as its value is', () => {
    for (let h = 0; h < 65536; h++)
      if (countNotFinite(Uint16Array.of(0, h, 0)) !== (Number.isFinite(fromHalf(h)) ? 0 : 1)) throw new Error(`${h}`);
  });
});

describe('a file kept as it came', () => {
  const bits = { F16: Uint16Array, F32: Uint32Array, BF16: Uint16Array };
  const file = ({ dtype, values }: Weights) =>
    readSafetensors(
      writeSafetensors([
        { name: 'fine', dtype: 'F32', shape: [1], data: Float32Array.of(1) },
        { name: 'ids', dtype: 'I64', shape: [1], data: BigInt64Array.of(-1n) }, // not a weight, whatever its bits
        { name: 'w', dtype, shape: [values.length], data: bits[dtype].from(values) },
      ]),
      'some.safetensors',
    );
  it.each([
    ['F16', [0x3c00, 0x7e01, 0xfc00], { found: 'nan', count: 2 }],
    ['F16', [0x7bff, 0xfc00, 0x0001], { found: 'infinite', count: 1 }],
    ['BF16', [0x3f80, 0x4780, 0xc780], { found: 'too-large', count: 2 }], // 65536
    ['BF16', [0x477f, 0x0001], null], // 65280, and less than any f16: zero
    ['F32', [0x7fc00000, 0x7f800000, 0x47800000], { found: 'nan', count: 3 }],
    ['F32', [0x7f800000, 0x47800000], { found: 'infinite', count: 2 }],
    ['F32', [0x7149f2ca], { found: 'too-large', count: 1 }], // 1e30
    ['F32', [0x477fefff, 0xc77fe000], null], // both rounded to 65504
  ] as const)('%s %j: %j', async (dtype, values, found) => {
    const checked = file({ dtype, values: [...values] }).then((opened) => checkSound(opened));
    if (!found) return expect(await checked).toBeUndefined();
    await expect(checked).rejects.toMatchObject({
      code: 'broken-weights',
      facts: { file: 'some.safetensors', tensor: 'w', ...found },
    });
  });
});

const golden = ldmGolden('narrow-sd1');
const refuse = (broken: Error): never => {
  throw broken;
};
const taken = async (given: { path: string; file: Blob }[]): Promise<void> => {
  for (const file of (await openCheckpoint(given, tokenizer, refuse)).files) await bytesOf(file);
};
const zeros = (name: string, dtype: FileDType, shape: number[]): TensorToWrite => ({
  ...{ name, dtype, shape },
  data: new Uint8Array(count(shape) * bytesPerElement[dtype]),
});
/** The bytes with element `at` broken. */
const broken = (tensor: TensorToWrite, at: number): TensorToWrite => {
  const data = new Uint8Array(
    tensor.data.buffer.slice(tensor.data.byteOffset, tensor.data.byteOffset + tensor.data.byteLength),
  );
  const size = tensor.dtype === 'F32' ? 4 : 2;
  data.set(size === 4 ? [0, 0, 0xc0, 0x7f] : tensor.dtype === 'BF16' ? [0xc0, 0x7f] : [0, 0x7e], size * at);
  return { ...tensor, data };
};

describe('a checkpoint taken in', () => {
  const folder = (component: GoldenComponent, change: (tensors: TensorToWrite[]) => TensorToWrite[]) =>
    COMPONENTS.map((one) => {
      const tensors = [...golden.made[one]].map(([name, { shape }]) => zeros(name, 'BF16', shape));
      return { path: `m/${FILE_NAMES[one]}`, file: tensorsFile(one === component ? change(tensors) : tensors) };
    });

  it.each(COMPONENTS)(
    'a NaN in any tensor of a folder’s %s names it; today every run ended with “a lower learning rate”',
    async (component) => {
      const names = [...golden.made[component].keys()];
      for (const name of [names[0]!, names[names.length >> 1]!, names.at(-1)!]) {
        const given = folder(component, (all) =>
          all.map((t) => (t.name === name ? broken(t, t.shape.reduce((n, d) => n * d, 1) - 1) : t)),
        );
        await expect(taken(given)).rejects.toMatchObject({
          code: 'broken-weights',
          facts: { file: FILE_NAMES[component], tensor: name, found: 'nan', count: 1 },
        });
      }
    },
  );

  it('what is not used may be broken: buffers, another program’s tensors', async () => {
    const odd = ['text_model.embeddings.position_ids', 'logit_scale', 'text_projection.weight'];
    const given = folder('text_encoder', (all) => [
      ...all,
      ...odd.map((name): TensorToWrite => ({ name, dtype: 'F16', shape: [1], data: NAN })),
    ]);
    await expect(taken(given)).resolves.toBeUndefined();
  });

  const single = (which: (key: string) => boolean, keep: (key: string) => boolean = () => true) =>
    taken([
      {
        path: 'x.safetensors',
        file: tensorsFile(
          [...golden.ldm]
            .filter(([key]) => keep(key))
            .map(([name, { dtype, shape }]) => {
              const tensor = zeros(name, dtype, shape);
              return which(name) ? broken(tensor, 0) : tensor;
            }),
        ),
      },
    ]);

  it('in a single file the tensor has the file’s own name', async () => {
    for (const tensor of [
      'model.diffusion_model.middle_block.1.proj_in.weight',
      'first_stage_model.decoder.conv_out.bias',
    ])
      await expect(single((key) => key === tensor)).rejects.toMatchObject({
        code: 'broken-weights',
        facts: { file: 'x.safetensors', tensor, found: 'nan', count: 1 },
      });
  });

  it('averaged twins count where they are what is used, and nowhere else', async () => {
    const twin = (key: string) => key.startsWith('model_ema.diffusion_model');
    await expect(single(twin)).resolves.toBeUndefined();
    await expect(single(twin, (key) => !key.startsWith('model.diffusion_model.'))).rejects.toMatchObject({
      code: 'broken-weights',
      facts: { found: 'nan' },
    });
  });
});
