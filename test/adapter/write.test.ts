// LoRA weights written in both layouts and read back; how they begin; what the files are called and say about themselves.
import { describe, expect, it } from 'vitest';
import { demoBaseModel } from '../../src/adapter/base-model.ts';
import { adapterFileName, adapterName } from '../../src/adapter/file-name.ts';
import { initialWeights } from '../../src/adapter/init.ts';
import { kohyaMetadata } from '../../src/adapter/metadata.ts';
import { readAdapter } from '../../src/adapter/read.ts';
import { adapterTensorBytes, writeDiffusers, writeKohya } from '../../src/adapter/write.ts';
import type { LoraModule } from '../../src/gpu/engine-types.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import { modules, open, ramp, times, weightsOf } from './small-lora.ts';

const settings = {
  steps: 600,
  batch: 1,
  accumulate: 1,
  learningRate: 1e-4,
  schedule: 'constant',
  warmupSteps: 0,
  clip: 1,
  rank: 4,
  alpha: 2,
  seed: 7,
  resolution: 384,
} as TrainingSettings;
const run = { identifier: 'aawxbc', classNoun: 'figurine', settings, startedAt: Date.UTC(2026, 0, 2) };

describe('written and read back', () => {
  it('kohya, with alpha ≠ rank: f16 of every value, scale folded into up, convolutions with four dims', async () => {
    const bytes = await writeKohya(weightsOf(4), modules, { rank: 4, alpha: 2 }, { ss_network_dim: '4' });
    const file = await open(bytes);
    expect(file.keys()).toHaveLength(3 * modules.length);
    const name = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0';
    expect(file.shape(`${name}.lora_down.weight`)).toEqual([4, 6]);
    expect(file.shape(`${name}.alpha`)).toEqual([]);
    expect(file.dtype(`${name}.alpha`)).toBe('F16');
    expect([...(await file.float32(`${name}.alpha`))]).toEqual([2]);
    expect(file.shape('lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight')).toEqual([4, 6, 1, 1]);
    expect(file.shape('lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight')).toEqual([6, 4, 1, 1]);
    const read = await readAdapter(file, modules);
    expect(read).toMatchObject({ rank: 4, modules, leftOut: { textEncoder: 0 }, metadata: { ss_network_dim: '4' } });
    expect(read.weights).toEqual(times(weightsOf(4), 2 / 4));
  });

  it.each(['F16', 'BF16', 'F32'] as const)('%s, as it was chosen, in both layouts', async (numbers) => {
    const scale = { rank: 4, alpha: 2 };
    const files = [
      await writeKohya(weightsOf(4), modules, scale, {}, numbers),
      writeDiffusers(weightsOf(4), modules, scale, {}, numbers),
    ];
    for (const bytes of files) {
      const file = await open(bytes);
      expect(new Set(file.keys().map((key) => file.dtype(key)))).toEqual(new Set([numbers]));
      const { up } = (await readAdapter(file, modules)).weights.get(modules[0]!.name)!;
      // bf16 has 8 bits; the others hold these numbers exactly
      for (const [i, value] of times(weightsOf(4), 0.5).get(modules[0]!.name)!.up.entries())
        expect(Math.abs(up[i]! - value)).toBeLessThanOrEqual(numbers === 'BF16' ? Math.abs(value) / 256 : 0);
    }
  });

  it('a 3×3 convolution as LoCon has it: down a convolution of the same size, up one of 1×1', async () => {
    const conv: LoraModule = { name: 'mid_block.resnets.0.conv1', inFeatures: 2 * 9, outFeatures: 3, kernel: 3 };
    const weights = new Map([[conv.name, { down: ramp(4 * 18, 0), up: ramp(3 * 4, 9) }]]);
    const file = await open(await writeKohya(weights, [conv], { rank: 4, alpha: 4 }, {}));
    expect(file.shape('lora_unet_mid_block_resnets_0_conv1.lora_down.weight')).toEqual([4, 2, 3, 3]);
    expect(file.shape('lora_unet_mid_block_resnets_0_conv1.lora_up.weight')).toEqual([3, 4, 1, 1]);
    expect((await readAdapter(file, [conv])).weights).toEqual(weights);
  });

  it('diffusers: f32, 256-key spelling, metadata {"format":"pt"} where none is given', async () => {
    const bytes = writeDiffusers(weightsOf(4), modules, { rank: 4, alpha: 2 });
    const file = await open(bytes);
    expect({ ...file.metadata }).toEqual({ format: 'pt' });
    const key = 'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora.down.weight';
    expect(file.dtype(key)).toBe('F32');
    expect(file.keys()).toHaveLength(2 * modules.length);
    const read = await readAdapter(file, modules);
    expect(read.weights).toEqual(times(weightsOf(4), 2 / 4));
  });

  it('an adapter from the engine must be whole and finite', async () => {
    const scale = { rank: 4, alpha: 4 };
    expect(() => writeDiffusers(new Map(), modules, scale)).toThrow(/no weights for down_blocks/);
    await expect(writeKohya(weightsOf(3), modules, scale, {})).rejects.toThrow(/rank 4/);
    const broken = weightsOf(4);
    broken.get(modules[0]!.name)!.up[3] = Number.NaN;
    await expect(writeKohya(broken, modules, scale, {})).rejects.toThrow(/NaN/);
  });

  it('the sizes said before training are the sizes of the tensors', async () => {
    const predicted = adapterTensorBytes(modules, 4);
    for (const [layout, bytes] of [
      ['kohya', await writeKohya(weightsOf(4), modules, { rank: 4, alpha: 4 }, {})],
      ['diffusers', writeDiffusers(weightsOf(4), modules, { rank: 4, alpha: 4 })],
    ] as const) {
      const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
      expect(bytes.length - 8 - header).toBe(predicted[layout]);
    }
  });
});

describe('the start, the name, the metadata', () => {
  it('down is N(0, 1/rank²) of the given normals, up is zero', () => {
    const asked: [number, number][] = [];
    const weights = initialWeights(modules, 4, (module, count) => {
      asked.push([module, count]);
      return ramp(count, module);
    });
    expect(asked).toEqual([
      [0, 24],
      [1, 24],
      [2, 20],
      [3, 24],
    ]);
    expect(weights.get(modules[2]!.name)!.down).toEqual(ramp(20, 2).map((v) => v / 4));
    for (const { up } of weights.values()) expect(up.every((v) => v === 0)).toBe(true);
  });

  it('file names', () => {
    expect(adapterFileName('aawxbc', 'figurine', 600, 600)).toBe('aawxbc-figurine.safetensors');
    expect(adapterFileName('aawxbc', 'figurine', 400, 600)).toBe('aawxbc-figurine-s400.safetensors');
    expect(adapterFileName('aawxbc', 'figurine', 400, 600, 'diffusers')).toBe(
      'aawxbc-figurine-s400.diffusers.safetensors',
    );
    expect(adapterName('  My / Toy..', 'Teddy Bear')).toBe('my-toy-teddy-bear');
    expect(adapterName('토끼', '')).toBe('토끼');
    expect(adapterName('../..', ' ')).toBe('adapter');
  });

  it('metadata is strings, has the trigger words where they were trained (was: always) and nothing that was not asked for', () => {
    const metadata = kohyaMetadata(run, demoBaseModel, 7, 400);
    expect(Object.values(metadata).every((value) => typeof value === 'string' && !/undefined|NaN/.test(value))).toBe(
      true,
    );
    expect(metadata).toMatchObject({
      ss_network_dim: '4',
      ss_network_alpha: '2',
      ss_steps: '400',
      ss_num_train_images: '7',
      ss_resolution: '(384, 384)',
      'modelspec.resolution': '384x384',
      'modelspec.trigger_phrase': 'aawxbc figurine',
      'modelspec.usage_hint': 'a photo of aawxbc figurine',
    });
    const silent = kohyaMetadata({ ...run, nameTrained: false }, demoBaseModel, 7, 400);
    expect(Object.keys(silent).filter((key) => /trigger|usage_hint/.test(key))).toEqual([]);
    expect(metadata.ss_base_model_version).not.toBe('sd_v1'); // nor does it pass for SD 1
    expect(Object.keys(metadata).filter((key) => /dir|tag_frequency|caption|dataset/.test(key))).toEqual([]);
  });
});
