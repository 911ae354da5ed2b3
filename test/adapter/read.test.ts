// LoRA files of other programs: every spelling, format, rank and alpha comes in right; what does not fit is refused in words.
import { describe, expect, it } from 'vitest';
import { fitAdapter } from '../../src/adapter/fit.ts';
import { diffusersKey, kohyaName } from '../../src/adapter/names.ts';
import { readAdapter } from '../../src/adapter/read.ts';
import type { FileDType } from '../../src/files/dtypes.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/files/safetensors.ts';
import type { LoraModule } from '../../src/gpu/engine-types.ts';
import { toF16 } from '../../src/tensor/half.ts';
import { Trouble } from '../../src/trouble.ts';
import { block, modules, open, weightsOf } from './small-lora.ts';

describe('files of other programs', () => {
  const scalar = (name: string, value: number): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape: [],
    data: Float32Array.of(value),
  });
  /** One module's pair of tensors under any spelling and format. */
  const pair = (down: string, up: string, m: LoraModule, rank: number, dtype: FileDType = 'F32'): TensorToWrite[] => {
    const { down: a, up: b } = weightsOf(rank).get(m.name)!;
    const as = (values: Float32Array) =>
      dtype === 'F16'
        ? toF16(values)
        : dtype === 'BF16'
          ? Uint16Array.from(new Uint32Array(values.slice().buffer), (w) => w >>> 16)
          : dtype === 'F64'
            ? Float64Array.from(values)
            : values;
    return [
      { name: down, dtype, shape: [rank, m.inFeatures], data: as(a) },
      { name: up, dtype, shape: [m.outFeatures, rank], data: as(b) },
    ];
  };
  const [q, out, k] = modules as [LoraModule, LoraModule, LoraModule];

  it.each([
    ['PEFT', `unet.${q.name}.lora_A.weight`, `unet.${q.name}.lora_B.weight`],
    ['PEFT without a prefix', `${q.name}.lora_A.weight`, `${q.name}.lora_B.weight`],
    [
      'PEFT with all of its prefix',
      `base_model.model.${q.name}.lora_A.weight`,
      `base_model.model.${q.name}.lora_B.weight`,
    ],
    [
      'PEFT over a pipeline',
      `base_model.model.unet.${q.name}.lora_A.weight`,
      `base_model.model.unet.${q.name}.lora_B.weight`,
    ],
    ['PEFT with an adapter name', `${q.name}.lora_A.default.weight`, `${q.name}.lora_B.default.weight`],
    [
      'old diffusers',
      `unet.${block}.attn1.processor.to_q_lora.down.weight`,
      `unet.${block}.attn1.processor.to_q_lora.up.weight`,
    ],
    ['kohya', `${kohyaName(q.name)}.lora_down.weight`, `${kohyaName(q.name)}.lora_up.weight`],
  ])('%s', async (_who, down, up) => {
    const read = await readAdapter(await open(writeSafetensors(pair(down, up, q, 3))), modules);
    expect(read.weights).toEqual(new Map([[q.name, weightsOf(3).get(q.name)!]])); // no alpha: alpha = rank
  });

  it("old diffusers' to_out is to_out.0", async () => {
    const stem = `unet.${block}.attn1.processor.to_out_lora`;
    const read = await readAdapter(
      await open(writeSafetensors(pair(`${stem}.down.weight`, `${stem}.up.weight`, out, 2))),
      modules,
    );
    expect([...read.weights.keys()]).toEqual([out.name]);
  });

  it('metadata that is no JSON, or huge, says nothing', async () => {
    const tensors = pair(diffusersKey(q.name, 'down'), diffusersKey(q.name, 'up'), q, 2);
    for (const lora_adapter_metadata of [
      '{"unet.lora_alpha": 4',
      'x'.repeat(5e6),
      `${'['.repeat(1e5)}`,
      '[1]',
      '{"r": "x"}',
    ]) {
      const { weights } = await readAdapter(await open(writeSafetensors(tensors, { lora_adapter_metadata })), modules);
      expect(weights.get(q.name)).toEqual(weightsOf(2).get(q.name));
    }
  });

  it('peft’s rank-stabilised scale: alpha / √rank', async () => {
    const tensors = pair(diffusersKey(q.name, 'down'), diffusersKey(q.name, 'up'), q, 4);
    const lora_adapter_metadata = JSON.stringify({ 'unet.lora_alpha': 4, 'unet.use_rslora': true });
    const { weights } = await readAdapter(await open(writeSafetensors(tensors, { lora_adapter_metadata })), modules);
    expect(weights.get(q.name)!.up).toEqual(
      weightsOf(4)
        .get(q.name)!
        .up.map((v) => v * 2),
    );
  });

  it.each(['F64', 'F16', 'BF16'] as const)('%s', async (dtype) => {
    const bytes = writeSafetensors(pair(diffusersKey(q.name, 'down'), diffusersKey(q.name, 'up'), q, 2, dtype));
    const read = (await readAdapter(await open(bytes), modules)).weights.get(q.name)!;
    const wanted = weightsOf(2).get(q.name)!;
    // bf16 was cut after 8 bits of mantissa; the others hold these values exactly
    for (const [i, value] of wanted.up.entries())
      expect(Math.abs(read.up[i]! - value)).toBeLessThanOrEqual(dtype === 'BF16' ? Math.abs(value) / 128 : 0);
  });

  it('alpha in newer diffusers’ metadata, with an exception', async () => {
    const tensors = [q, k].flatMap((m) => pair(`unet.${m.name}.lora_A.weight`, `unet.${m.name}.lora_B.weight`, m, 2));
    const lora_adapter_metadata = JSON.stringify({
      'unet.lora_alpha': 4,
      'unet.r': 2,
      'unet.alpha_pattern': { 'attn2.to_k': 1 },
    });
    const { weights } = await readAdapter(await open(writeSafetensors(tensors, { lora_adapter_metadata })), modules);
    expect(weights.get(q.name)!.up).toEqual(
      weightsOf(2)
        .get(q.name)!
        .up.map((v) => v * 2),
    );
    expect(weights.get(k.name)!.up).toEqual(
      weightsOf(2)
        .get(k.name)!
        .up.map((v) => v / 2),
    );
  });

  it('ranks that differ by module are padded; up · down stays the same', async () => {
    const tensors = [
      ...pair(diffusersKey(q.name, 'down'), diffusersKey(q.name, 'up'), q, 1),
      ...pair(diffusersKey(k.name, 'down'), diffusersKey(k.name, 'up'), k, 3),
    ];
    const read = await readAdapter(await open(writeSafetensors(tensors)), modules);
    expect(read.rank).toBe(3);
    const product = ({ down, up }: { down: Float32Array; up: Float32Array }, m: LoraModule, rank: number) =>
      Array.from({ length: m.outFeatures * m.inFeatures }, (_, i) => {
        const [o, c] = [Math.floor(i / m.inFeatures), i % m.inFeatures];
        return Array.from({ length: rank }, (_, r) => up[o * rank + r]! * down[r * m.inFeatures + c]!).reduce(
          (a, b) => a + b,
        );
      });
    expect(product(read.weights.get(q.name)!, q, 3)).toEqual(product(weightsOf(1).get(q.name)!, q, 1));
    const fitted = fitAdapter({ ...read, alpha: 3 }, { rank: 4, alpha: 4 }, modules);
    expect([...fitted.keys()]).toEqual(modules.map((m) => m.name));
    expect(product(fitted.get(k.name)!, k, 4)).toEqual(product(weightsOf(3).get(k.name)!, k, 3));
    expect(fitted.get(out.name)!.up.every((v) => v === 0)).toBe(true);
    expect(() => fitAdapter({ ...read, alpha: 3 }, { rank: 2, alpha: 2 }, modules)).toThrow(/rank 3/);
  });

  it('what is for the text encoder, or an embedding, is left out and counted', async () => {
    const te = [
      'lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight',
      'lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight',
      'text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.up.weight',
      'clip_l.text_model.encoder.layers.0.self_attn.q_proj.lora_down.weight',
      'clip_l_text_model_encoder_layers_0_self_attn_q_proj.alpha',
      'text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1.lora_up.weight',
      'base_model.model.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight',
      'text_model.encoder.layers.0.self_attn.q_proj.lora_A.default.weight',
    ];
    const tensors = [
      ...pair(diffusersKey(q.name, 'down'), diffusersKey(q.name, 'up'), q, 2),
      ...[...te, 'bundle_emb.sks.clip_l', 'bundle_emb.sks.string_to_param.*'].map((name) => scalar(name, 1)),
    ];
    const read = await readAdapter(await open(writeSafetensors(tensors)), modules);
    expect(read.leftOut).toEqual({ textEncoder: te.length, embeddings: 2 });
    expect(read.modules).toEqual([q]);
    await refused([scalar(te[0]!, 1)], /text encoder only/);
  });

  async function refused(tensors: TensorToWrite[], says: RegExp): Promise<void> {
    const error: unknown = await readAdapter(await open(writeSafetensors(tensors)), modules).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Trouble);
    expect((error as Trouble).message).toMatch(says);
  }
  it('what does not fit is refused with what was expected and what came', async () => {
    const wide = { ...k, inFeatures: 768 };
    const down = {
      name: diffusersKey(k.name, 'down'),
      dtype: 'F32',
      shape: [2, 768],
      data: new Float32Array(2 * wide.inFeatures),
    } as const;
    const up = { name: diffusersKey(k.name, 'up'), dtype: 'F32', shape: [6, 2], data: new Float32Array(12) } as const;
    await refused([down, up], /text width 5, got text width 768/);
    await refused(
      [
        { ...down, name: diffusersKey(q.name, 'down') },
        { ...up, name: diffusersKey(q.name, 'up') },
      ],
      /from 6 to 6, got from 768 to 6/,
    );
    await refused([scalar('lora_unet_input_blocks_44_1_proj_in.alpha', 1)], /input_blocks_44_1/);
    await refused([scalar(`unet.${q.name}.lora_magnitude_vector`, 1)], /LoRA weights \(down, up, alpha\).*magnitude/);
    await refused([scalar('model.diffusion_model.out.2.bias', 1)], /model\.diffusion_model/);
    await refused([{ ...up, name: diffusersKey(q.name, 'up') }], /only up/);
    const whole = pair(diffusersKey(q.name, 'down'), diffusersKey(q.name, 'up'), q, 2);
    await refused([...whole, { ...scalar(`${q.name}.alpha`, 1), shape: [2], data: new Float32Array(2) }], /one alpha/);
    await refused([...whole, scalar(`${q.name}.lora_A.weight`, 1)], /one down/);
    const kernel = { dtype: 'F32', data: new Float32Array(2 * 6 * 9) } as const;
    await refused(
      [
        { ...kernel, name: diffusersKey(q.name, 'down'), shape: [2, 6, 3, 3] },
        { ...up, name: diffusersKey(q.name, 'up') },
      ],
      /1×1 convolution/,
    );
    const nan = pair(diffusersKey(q.name, 'down'), diffusersKey(q.name, 'up'), q, 2);
    await refused([nan[0]!, { ...nan[1]!, data: new Float32Array(12).fill(Number.NaN) }], /finite/);
  });
});
